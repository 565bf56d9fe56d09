"""A demo shop with generated data; not for production."""
