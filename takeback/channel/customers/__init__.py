"""Customers of a channel, where they live, and the places that are known."""
