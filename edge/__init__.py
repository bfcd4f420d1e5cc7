"""The station itself: sittings, sealing, storing, delivering. Knows nothing of HTTP pages."""

VERSION = "0.1.0"
