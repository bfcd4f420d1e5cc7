"""The interface for the central system."""
