"""Synchronization with the systems of a channel: batches, remote ids, error reports."""
