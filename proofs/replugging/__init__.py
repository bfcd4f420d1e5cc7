"""A demo station that serves one person after the other while somebody pulls its plugs."""
