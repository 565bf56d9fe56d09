"""Cancellation plans of a channel, and their payments."""
