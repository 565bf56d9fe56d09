"""Old orders: migrated history, read-only for customers."""
