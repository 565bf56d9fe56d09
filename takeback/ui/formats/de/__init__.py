"""Formats of the German pages."""
