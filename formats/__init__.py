"""Records as standards lay them out: bytes in, bytes out, nothing of devices or sittings."""
