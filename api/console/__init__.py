"""What consoles on a screen of the staff share: who is signed in, for how long, and by what cookie.

Knows nothing of sittings: the attendants' pages are in `api.guide`.
"""
