"""Plans: what is decided for cases of one order, together."""
