"""Orders with a trade-in offer."""

from typing import Any

from takeback.accounts.models import User
from takeback.orders.models import OrderItem
from takeback.orders.order_input import ItemIn
from takeback.trade_in.offers import Offer, offer_of
from tests import factories

AMOUNT = "120.50"


def offered_item(amount: Any = AMOUNT, **fields: Any) -> ItemIn:
    """An item whose attributes contain an offer."""
    return factories.item_input(attributes={"tradein_inquiry": {"amount": amount}}, **fields)


def make_offer(
    *, customer: User | None = None, number: str = factories.NUMBER, **fields: Any
) -> OrderItem:
    """The only item of an order, with an offer."""
    data = {"items": [offered_item()]} | fields
    order = factories.create_order(customer=customer, number=number, **data)
    return factories.items_of(order)[0]


def the_offer(item: OrderItem) -> Offer:
    """The offer for an item that has one."""
    offer = offer_of(item.pk)
    assert offer
    return offer
