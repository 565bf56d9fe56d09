"""Orders that are told again."""
