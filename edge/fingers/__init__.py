"""The fingers of a visit: which are taken, how a press is judged, what stands for one missing."""
