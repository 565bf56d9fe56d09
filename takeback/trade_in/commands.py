"""Deciding a trade-in offer: lock the order, check the offer, write the decision."""

from datetime import datetime

from django.db import transaction

from takeback.core import errors
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.orders.locks import lock_orders_of
from takeback.trade_in.models import Decision, TradeIn
from takeback.trade_in.offers import offer_of


@transaction.atomic
def decide_offer(
    item_id: int, decision: Decision, amount_minor: int, *, by: ActorKind, now: datetime
) -> None:
    """Approve or reject the offer for an item; the same decision again is a no-op.

    `amount_minor` is the offer that the customer saw. Refused as not found, as in the contract: no
    offer, an offer of another amount, or one with the other decision.
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
