"""The technician's console: what each device does and why, the live picture, upkeep, and figures.

A listener of its own, off until a station has a technician for it. Signing in is `api.console`'s.
Nothing of a sitting is shown: no name, no order, no portrait; of packages ids, sizes and times.
An auditor reads the same pages and changes nothing.
"""
