"""The heart: what may be asked, and what became of it."""
