"""Delivery: the queue of each sink, what it notes, what collectors are lent, and receipts."""
