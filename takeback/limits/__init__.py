"""Limits that count exactly, in the database."""
