"""Staff beside the person, or far away: what they may do for somebody, and what is noted of it.

The sitting itself stays with its loop: everything here goes through the desk. Signing in, cookies
and pages are the web's (`api.console`, `api.guide`).
"""
