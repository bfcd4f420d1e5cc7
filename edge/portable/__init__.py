"""The station that is carried from door to door: visit list, field check, low power."""
