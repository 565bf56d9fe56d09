"""Order items of a channel."""
