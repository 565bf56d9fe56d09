"""Trade-in offers on items: the amount that the shop offers for the customer's old goods."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from takeback.core.ids import ItemId
from takeback.core.money import NotAnAmount, parse, show
from takeback.outbox.commands import emit

OFFERED = "trade_in.offered"
"""Outbox topic: an item has a new offer."""
_DECISION = "_decision"


def offered_minor(attributes: Mapping[str, Any], currency: str, trade_in_key: str) -> int | None:
    """The offer in an item's attributes, in minor units; None if it is missing or unreadable.

    An offer is an object under `trade_in_key` with at least an `amount` in the order's currency.
    """
    offer = attributes.get(trade_in_key)
    if not isinstance(offer, dict) or "amount" not in offer:
        return None
    try:
        minor = parse(offer["amount"], currency)
    except NotAnAmount:
        return None
    return minor if minor >= 0 else None


def decision_attribute(
    decision: str, amount_minor: int, currency: str, trade_in_key: str, now: datetime
) -> dict[str, Any]:
    """The attribute that shows a decided offer to the customer and to the channel."""
    shown = {
        "decision": decision,
        "amount": show(amount_minor, currency),
        "decided_date": now.isoformat().replace("+00:00", "Z"),
    }
    return {trade_in_key + _DECISION: shown}


def with_decision(
    attributes: dict[str, Any], stored: Mapping[str, Any], trade_in_key: str
) -> dict[str, Any]:
    """New attributes of an item: a decision in the stored ones is final, so it stays."""
    key = trade_in_key + _DECISION
    return attributes | {key: stored[key]} if key in stored else attributes


def publish_offer(item_id: ItemId, offered: int | None, before: int | None, now: datetime) -> None:
    """Publish a new offer or a changed amount; a handler mails the customer."""
    if offered is not None and offered != before:
        payload = {"order_item": item_id, "amount_minor": offered}
        # The time keeps keys unique when an earlier amount is offered again.
        emit(OFFERED, key=f"trade_in/{item_id}/{now.isoformat()}", payload=payload)
