"""Orders with payments and points, for tests of loyalty accounts."""

from typing import Any
from uuid import uuid4

from takeback.loyalty.models import LoyaltyAccount
from takeback.orders.models import Order, Payment
from takeback.orders.order_input import LoyaltyIn, PaymentIn
from tests import factories


def create_payment(*, amount: int = 10_000, number: str = "A-1", **fields: Any) -> Payment:
    """The captured payment of a new order."""
    order = create_order(amount=amount, number=number, **fields)
    return Payment.objects.select_related("order").get(order=order)


def create_order(
    *, amount: int = 10_000, number: str = "A-1", points: tuple[int, ...] = (), **fields: Any
) -> Order:
    """An order that was paid by card, and that earned (positive) or spent points."""
    return factories.create_order(
        number=number,
        items=[factories.item_input(goods_minor=amount)],
        payments=[PaymentIn(kind="credit_card", amount_minor=amount, captured_minor=amount)],
        loyalty=[LoyaltyIn(uuid=uuid4(), amount_minor=value) for value in points],
        **fields,
    )


def balances() -> dict[str, int]:
    """The balance of each account by its address."""
    return dict(LoyaltyAccount.objects.values_list("user_email", "balance_minor"))
