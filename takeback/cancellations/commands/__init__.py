"""Writing cases, one file per use case."""
