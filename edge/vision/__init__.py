"""The vision worker's room: its client, its cell, and what runs inside."""
