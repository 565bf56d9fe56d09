"""Customers of a channel, their address books, and places."""
