"""Orders and their items, as channels and imports send them, with the amounts of each item."""
