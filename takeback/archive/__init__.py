"""Orders from before: migrated history, read only."""
