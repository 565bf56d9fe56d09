"""Answering a trade-in offer: lock the order, look, decide, write row and message."""

from datetime import datetime

from django.db import transaction

from takeback.core import problems
from takeback.core.actor import ActorKind
from takeback.core.problems import Refused
from takeback.orders.queries import lock_orders_of
from takeback.outbox.commands import emit
from takeback.tradein.models import TradeIn
from takeback.tradein.queries import offer_of
from takeback.tradein.states import Decision
from takeback.tradein.topics import Topic


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
        raise Refused(problems.NOT_FOUND)
    if offer.decision == decision:
        return
    if offer.decision:
        raise Refused(problems.NOT_FOUND)
    TradeIn.objects.create(
        order_item_id=item_id,
        decision=decision.value,
        amount_minor=amount_minor,
        decided_at=now,
        decided_by=by.value,
    )
    payload = {"order_item": item_id, "amount_minor": amount_minor}
    emit(Topic[decision.name], key=f"trade_in/{item_id}", payload=payload)
