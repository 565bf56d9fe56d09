"""Compiled queries, bulk writes, lookups, and the PostgreSQL backend."""
