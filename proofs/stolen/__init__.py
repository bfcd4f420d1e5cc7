"""A station's disk in a thief's hands: who sat there, how it lived, what is found."""
