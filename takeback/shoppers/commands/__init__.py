"""Commands on customer accounts."""
