"""Imports files: orders, cancellations, and orders of a previous system."""
