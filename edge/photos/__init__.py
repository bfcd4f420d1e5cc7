"""Photos as files: made from a portrait, or come from elsewhere, opened in the cell, and judged."""
