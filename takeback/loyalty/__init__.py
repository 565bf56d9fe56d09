"""Loyalty accounts: points as money of a channel, with a balance and a history."""
