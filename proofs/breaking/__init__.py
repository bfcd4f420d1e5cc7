"""Ways in which a disk fails, and stations that take it badly on purpose."""
