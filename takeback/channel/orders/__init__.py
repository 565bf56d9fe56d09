"""Orders of a channel: import, lists, changes and cancellation."""
