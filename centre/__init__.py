"""A stand-in for the central system, written from the package specification alone.

It imports nothing of the station: what it can open, anybody who reads the specification can open.
"""
