"""Outbox messages about customer accounts; their payloads hold ids only."""

from enum import StrEnum


class Topic(StrEnum):
    """Topics of the outbox."""

    REGISTERED = "customer.registered"
