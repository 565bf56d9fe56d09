"""Loyalty accounts of a channel, and the history of their balances."""
