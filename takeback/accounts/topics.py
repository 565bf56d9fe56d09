"""Outbox messages about staff accounts; their payloads hold ids and codes only."""

from enum import StrEnum


class Topic(StrEnum):
    """Topics of the outbox."""

    STAFF_PASSWORD_RESET = "staff.password_reset"  # noqa: S105 - no password
