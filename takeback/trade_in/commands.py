"""Deciding a trade-in offer: lock the order, check the offer, write the decision."""

from datetime import datetime

from django.db import transaction

from takeback.accounts.policy import shop_policy
from takeback.core import errors
from takeback.core.actor import ActorKind
from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import Refused
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import Order, OrderItem
from takeback.orders.trade_in_offers import decision_attribute
from takeback.trade_in.models import Decision, TradeIn
from takeback.trade_in.offers import Offer, offer_of


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
    _show_decision(offer, decision, now)


def _show_decision(offer: Offer, decision: Decision, now: datetime) -> None:
    """Add the decision to the attributes of the item, which customer and channel read."""
    item = OrderItem.objects.get(pk=offer.item_id)
    key = shop_policy(offer.channel_id).trade_in_key
    shown = decision_attribute(decision.value, offer.amount_minor, offer.currency, key, now)
    changed = OrderItem.objects.filter(pk=item.pk)
    changed.update(attributes=item.attributes | shown, modified_date=ChangeTime())
    Order.objects.filter(pk=item.order_id).update(modified_date=ChangeTime())
