"""Finger records: one format a file."""
