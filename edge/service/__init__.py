"""What a station does for people beside the sitting: calls for staff, ratings, cards and lists."""
