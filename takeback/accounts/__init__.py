"""Channels, users, sessions, staff and API keys."""
