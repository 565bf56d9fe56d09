"""Exact rate limits, counted in the database."""
