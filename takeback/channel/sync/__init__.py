"""Batches, integration actions and error reports of a channel's system, and its channels."""
