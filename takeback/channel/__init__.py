"""The sales-channel API: orders in and out for other systems, each with a key."""
