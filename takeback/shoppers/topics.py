"""Outbox messages about customers and guests; their payloads hold ids only."""

from enum import StrEnum


class Topic(StrEnum):
    """Topics of the outbox."""

    REGISTERED = "customer.registered"
    PASSWORD_RESET_REQUESTED = "customer.password_reset_requested"  # noqa: S105 - a topic
    PASSWORD_CHANGED = "customer.password_changed"  # noqa: S105 - a topic
    EMAIL_CHANGE_REQUESTED = "customer.email_change_requested"
    EMAIL_CHANGED = "customer.email_changed"
    SIGN_IN_CODE_REQUESTED = "customer.sign_in_code_requested"
    ORDER_CODE_REQUESTED = "customer.order_code_requested"
