"""Idempotency keys: a repeated call acts once and gets the same response (promise P10)."""
