"""Orders of a channel, in and out."""
