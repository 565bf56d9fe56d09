"""Signing in to the channel API, and who has signed in."""
