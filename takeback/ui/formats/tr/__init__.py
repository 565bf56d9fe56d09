"""Formats of the Turkish pages."""
