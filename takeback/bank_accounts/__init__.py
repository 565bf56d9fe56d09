"""Bank accounts for refunds."""
