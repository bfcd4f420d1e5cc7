"""Devices: one module per wire protocol or camera API, behind two small protocols."""
