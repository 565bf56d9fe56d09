"""Commands of refunds, one file per use case."""
