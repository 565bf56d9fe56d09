"""Outbox messages about refunds; `lane` is the payment account, whose messages run side by side."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from takeback.outbox.commands import Payload, emit_all


class Topic(StrEnum):
    """Topics of the outbox."""

    PLANNED = "refund.planned"
    LOOK = "refund.look"
    VOID = "refund.void"


def publish_planned(refunds: Mapping[str, tuple[int, int | None]], due_at: datetime | None) -> None:
    """Let the worker send refunds: their ids and accounts by key."""
    payloads: dict[str, Payload] = {
        key: {"refund": refund_id, "lane": account_id or 0}
        for key, (refund_id, account_id) in refunds.items()
    }
    emit_all(Topic.PLANNED, payloads, due_at)


def publish_looks(
    payments: Mapping[str, tuple[int, int | None]],
    event_id: int = 0,
    due_at: datetime | None = None,
) -> None:
    """Let the worker read the state of payments at `due_at`: their ids and accounts by key.

    Without an account it reads the state of means that we carry out ourselves.
    """
    payloads: dict[str, Payload] = {
        key: {"payment": payment_id, "lane": account_id or 0, "event": event_id}
        for key, (payment_id, account_id) in payments.items()
    }
    emit_all(Topic.LOOK, payloads, due_at)


def publish_void(payment_id: int, account_id: int) -> None:
    """Let the worker release the authorization of a payment, once for good."""
    emit_all(Topic.VOID, {str(payment_id): {"payment": payment_id, "lane": account_id}})
