"""Django's PostgreSQL backend, extended."""
