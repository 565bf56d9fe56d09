"""Django's PostgreSQL, faster where every request passes."""
