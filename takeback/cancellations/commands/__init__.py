"""Commands that write cases, one file per use case."""
