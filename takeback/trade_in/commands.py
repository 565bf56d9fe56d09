"""Answering a trade-in offer: lock the order, look, decide, write the row."""

from datetime import datetime

from django.db import transaction

from takeback.core import errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.orders.locks import lock_orders_of
from takeback.trade_in.models import TradeIn
from takeback.trade_in.queries import offer_of
from takeback.trade_in.statuses import Decision


@transaction.atomic
def decide(
    item_id: int, decision: Decision, amount_minor: int, *, by: ActorKind, now: datetime
) -> None:
    """Approve or reject the offer of a line; saying the same again changes nothing.

    `amount_minor` is the offer that was seen. Refused as not found (contract S1): no offer, an
    offer of another amount, or one that was answered the other way.
    """
    lock_orders_of([item_id])
    offer = offer_of(item_id)
    if offer is None or offer.amount_minor != amount_minor:
        raise Refused(errors.NOT_FOUND)
    if offer.decision == decision:
        return
    if offer.decision:
        raise Refused(errors.NOT_FOUND)
    TradeIn.objects.create(
        order_item_id=item_id,
        decision=decision.value,
        amount_minor=amount_minor,
        decided_at=now,
        decided_by=by.value,
    )
