"""What keeps a station going: maintenance, starts that fail, updates, and the tests of itself."""
