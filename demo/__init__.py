"""The demo station: its pictures, its person, its peers. Nothing here runs in the field."""
