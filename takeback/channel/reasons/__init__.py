"""The reasons that a channel offers."""
