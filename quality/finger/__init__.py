"""Finger measures, one a file, under our own names."""
