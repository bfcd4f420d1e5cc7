"""The listeners of a station in safe mode: the calm page, what is wrong, and health."""
