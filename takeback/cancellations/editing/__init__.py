"""Correcting what was asked for, as long as nothing hangs on it."""
