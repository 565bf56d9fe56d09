"""The keys that seal text in the database: which are in use, and how one is given up."""
