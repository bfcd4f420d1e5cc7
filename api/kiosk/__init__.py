"""The pages that the person at the station sees."""
