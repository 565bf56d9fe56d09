"""A trade-in offer on a line: what the shop would give for what the customer sends in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from takeback.core.money import NotAnAmount, parse
from takeback.outbox.commands import emit

OFFERED = "trade_in.offered"
"""Topic of the outbox: a line has an offer that it did not have before."""


def offered_minor(attributes: Mapping[str, Any], currency: str) -> int | None:
    """Minor units that a line's attributes offer; None if they hold no offer that can be read.

    The offer is an object under `TRADE_IN_KEY` with at least an `amount` in the order's currency.
    """
    inquiry = attributes.get(settings.TRADE_IN_KEY)
    if not isinstance(inquiry, dict) or "amount" not in inquiry:
        return None
    try:
        minor = parse(inquiry["amount"], currency)
    except NotAnAmount:
        return None
    return minor if minor >= 0 else None


def publish_offer(item_id: int, offered: int | None, before: int | None, now: datetime) -> None:
    """A new offer, or another amount; whoever mails the customer hears of it (`tradein`)."""
    if offered is not None and offered != before:
        payload = {"order_item": item_id, "amount_minor": offered}
        # The time tells an amount apart that comes back after another one.
        emit(OFFERED, key=f"trade_in/{item_id}/{now.isoformat()}", payload=payload)
