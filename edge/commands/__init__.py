"""The command line's own words; each imports the rooms that it needs when it is called."""
