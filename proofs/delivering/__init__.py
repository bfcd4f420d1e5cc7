"""Delivery between two real processes over a line that fails at every step."""
