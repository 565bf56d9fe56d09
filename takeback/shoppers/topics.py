"""Outbox messages about customer accounts; their payloads hold ids only."""

from enum import StrEnum


class Topic(StrEnum):
    """Topics of the outbox."""

    REGISTERED = "customer.registered"
    SIGN_IN_CODE_REQUESTED = "customer.sign_in_code_requested"
