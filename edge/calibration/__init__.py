"""Calibration: what a technician measures of the devices, and what is left behind of it."""
