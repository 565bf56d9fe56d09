"""Handlers of outbox topics."""
