"""Formats of the Arabic pages."""
