"""Fingerprint reader drivers: the module's name is the name that a settings file gives."""
