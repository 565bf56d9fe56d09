"""Items and units that a received order adds to the stored one, and what they are worth.

The amounts of the stored order were allocated when it arrived, and never change. So the addition
is an order of its own: its goods are the new items and units, its shipping, fee, discount and
payments are what the received totals have more than the stored ones, and it is allocated alone.
It is accepted only if stored and added amounts make up the received one. Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from takeback.core.errors import Problem
from takeback.orders import errors
from takeback.orders.allocation import Allocation, InconsistentOrder, allocate, with_captured
from takeback.orders.merge_payments import PaymentMerge
from takeback.orders.order_input import UNKNOWN_KIND, DiscountIn, ItemIn, OrderIn
from takeback.orders.payment_rows import PaymentChanges, StoredPayment
from takeback.orders.statuses import Status


class AdditionRefused(Exception):
    """The received items and amounts contradict the stored ones; problems by path."""

    def __init__(self, fields: Mapping[str, Problem]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


class ItemTotals(NamedTuple):
    """The units of an item and the amounts of all of them, in minor units."""

    quantity: int
    goods: int
    discount: int
    tax: int
    interest: int
    retail: int | None = None
    closed: int = 0
    elsewhere: int = 0

    @classmethod
    def of(cls, parts: "Sequence[ItemTotals]") -> "ItemTotals":
        """The totals of an item's parts together."""
        if len(parts) == 1:
            return parts[0]
        retail = [part.retail for part in parts if part.retail is not None]
        return cls(
            quantity=sum(part.quantity for part in parts),
            goods=sum(part.goods for part in parts),
            discount=sum(part.discount for part in parts),
            tax=sum(part.tax for part in parts),
            interest=sum(part.interest for part in parts),
            retail=sum(retail) if retail else None,
            closed=sum(part.closed for part in parts),
            elsewhere=sum(part.elsewhere for part in parts),
        )


class OrderTotals(NamedTuple):
    """The amounts of the stored order, in minor units."""

    amount: int
    discount: int
    shipping: int
    fee: int
    interest: int
    discounts: Mapping[str, int]
    """The amounts of the discounts by name."""
    payments: Sequence[StoredPayment]
    payment_kind: str = UNKNOWN_KIND
    """The kind of payments that were assumed when the order arrived without any."""


@dataclass(slots=True)
class Addition:
    """The added items and units as an order of their own."""

    order: OrderIn
    allocation: Allocation
    positions: list[int]
    """For each item: its position in the received order."""

    @property
    def statuses(self) -> list[int]:
        """The statuses of the added items."""
        return [self.order.status_of_item(item) for item in self.order.items]


@dataclass(slots=True)
class Added:
    """The outcome: an addition, if there is one, and what changes of the payments."""

    addition: Addition | None = None
    payments: PaymentChanges = field(default_factory=PaymentChanges)
    skipped: list[str] = field(default_factory=list)


def addition_of(
    stored: OrderTotals,
    received: OrderIn,
    matches: Sequence[ItemTotals | None],
    *,
    is_partial: bool,
) -> Added:
    """What the received order adds; `matches` are the stored totals of its items.

    `is_partial`: stored items are missing in it. Raises AdditionRefused.
    """
    pieces, refused = _pieces(received, matches)
    if refused:
        raise AdditionRefused(refused)
    added = Added()
    more = _more(stored, received, added, is_partial=is_partial, is_addition=bool(pieces))
    _check_amount(stored, received, pieces, more, added, is_partial=is_partial)
    merge = PaymentMerge(
        stored.payments,
        path=received.payments_path,
        currency=received.currency,
        own_kind=stored.payment_kind,
    )
    if pieces:
        added.addition = _addition(stored, received, pieces, more, merge)
    else:
        merge.receive_all(received.payments)
    if merge.refused:
        raise AdditionRefused(merge.refused)
    added.payments = merge.changes()
    added.skipped += merge.skipped
    return added


def _addition(
    stored: OrderTotals,
    received: OrderIn,
    pieces: Mapping[int, ItemIn],
    more: "_More",
    merge: PaymentMerge,
) -> Addition:
    """The added pieces as an order, and its allocation."""
    due = sum(piece.goods_minor for piece in pieces.values()) + more.net + more.interest
    payments = merge.receive_added(received.payments, due)
    order = replace(
        received,
        items=list(pieces.values()),
        status=None if received.status == Status.CANCELLATION_WAITING else received.status,
        amount_minor=None,
        discount_minor=None,
        shipping_minor=more.shipping,
        fee_minor=more.fee,
        interest_minor=more.interest,
        refunded_elsewhere_minor=None,
        refunded_total_minor=None,
        discounts=_added_discounts(stored, received, more.discount),
        payments=[],
        loyalty=[],
    )
    try:
        allocation = allocate(order)
    except InconsistentOrder as error:
        raise AdditionRefused({"amount": errors.ADDITION_DOES_NOT_ADD_UP}) from error
    if payments is not None:
        allocation.payments = [with_captured(payment, order) for payment in payments]
    return Addition(order, allocation, list(pieces))


def _pieces(
    received: OrderIn, matches: Sequence[ItemTotals | None]
) -> tuple[dict[int, ItemIn], dict[str, Problem]]:
    """New items and added units by position, and the fields that contradict the stored items."""
    has_discounts = any(item.discount_minor for item in received.items)
    has_interest = any(item.interest_minor for item in received.items)
    pieces: dict[int, ItemIn] = {}
    refused: dict[str, Problem] = {}
    for position, (item, match) in enumerate(zip(received.items, matches, strict=True)):
        discount = item.discount_minor or 0 if has_discounts else None
        interest = item.interest_minor or 0 if has_interest else None
        if match is None:
            pieces[position] = replace(item, discount_minor=discount, interest_minor=interest)
            continue
        more = {
            "quantity": item.quantity - match.quantity,
            "price": item.goods_minor - match.goods,
            "discount_amount": 0 if discount is None else discount - match.discount,
            "tax_amount": 0 if item.tax_minor is None else item.tax_minor - match.tax,
            "installment_interest_amount": 0 if interest is None else interest - match.interest,
        }
        # Units that a priced item has more, without a price, are no addition: the price changed.
        has_units = more["quantity"] > 0 and (more["price"] > 0 or not match.goods)
        wrong = [name for name, value in more.items() if value < 0 or (value and not has_units)]
        refused |= {f"order_item.{position}.{name}": errors.ORDER_IS_FIXED for name in wrong}
        if has_units and not wrong:
            pieces[position] = replace(
                item,
                quantity=more["quantity"],
                goods_minor=more["price"],
                discount_minor=None if discount is None else more["discount_amount"],
                tax_minor=None if item.tax_minor is None else more["tax_amount"],
                interest_minor=None if interest is None else more["installment_interest_amount"],
                retail_minor=None,
                refunded_elsewhere_quantity=None,
            )
    return pieces, refused


class _More(NamedTuple):
    """What the received order has more than the stored one, without goods."""

    discount: int
    shipping: int
    fee: int
    interest: int

    @property
    def net(self) -> int:
        """The sum that is added to the goods, without interest."""
        return self.shipping + self.fee - self.discount


def _more(
    stored: OrderTotals, received: OrderIn, added: Added, *, is_partial: bool, is_addition: bool
) -> _More:
    """Compare the order's own amounts; raises AdditionRefused for what no addition explains."""
    compared = {
        "discount_amount": (_discount(received), stored.discount),
        "shipping_amount": (received.shipping_minor, stored.shipping),
        "fee_amount": (received.fee_minor, stored.fee),
        "installment_interest_amount": (_interest(received), stored.interest),
    }
    refused: dict[str, Problem] = {}
    more: list[int] = []
    for name, (amount, before) in compared.items():
        difference = 0 if amount is None else amount - before
        if difference < 0 and is_partial:
            # The amounts of a part of the order.
            added.skipped.append(name)
            difference = 0
        elif difference < 0 or (difference and not is_addition):
            refused[name] = errors.ORDER_IS_FIXED
        more.append(difference)
    if refused:
        raise AdditionRefused(refused)
    return _More(*more)


def _discount(order: OrderIn) -> int | None:
    """The received discount of the order; None if it was not sent."""
    if order.discount_minor is not None:
        return order.discount_minor
    if order.discounts:
        return sum(discount.amount_minor for discount in order.discounts)
    per_item = [item.discount_minor for item in order.items]
    return sum(off or 0 for off in per_item) if any(per_item) else None


def _interest(order: OrderIn) -> int | None:
    if order.interest_minor:
        return order.interest_minor
    per_item = [item.interest_minor for item in order.items]
    return sum(part or 0 for part in per_item) if any(per_item) else order.interest_minor


def _check_amount(
    stored: OrderTotals,
    received: OrderIn,
    pieces: Mapping[int, ItemIn],
    more: _More,
    added: Added,
    *,
    is_partial: bool,
) -> None:
    """Raises AdditionRefused unless stored and added amounts make up the received one."""
    amount = received.amount_minor
    total = stored.amount + sum(piece.goods_minor for piece in pieces.values()) + more.net
    if amount == total:
        return
    if amount is None:
        if pieces and is_partial:
            raise AdditionRefused(
                {f"order_item.{position}": errors.ITEM_IS_NOT_EXPLAINED for position in pieces}
            )
        return
    goods = sum(item.goods_minor for item in received.items)
    own = (received.shipping_minor or 0) + (received.fee_minor or 0) - (_discount(received) or 0)
    if pieces or not is_partial or amount != goods + own:
        raise AdditionRefused({"amount": errors.ADDITION_DOES_NOT_ADD_UP})
    added.skipped.append("amount")


def _added_discounts(stored: OrderTotals, received: OrderIn, amount: int) -> list[DiscountIn]:
    """The discounts of the addition; those of the stored order are deducted by name."""
    if not amount:
        return []
    by_name: Counter[str] = Counter()
    for discount in received.discounts:
        by_name[discount.name] += discount.amount_minor
    by_name.subtract(stored.discounts)
    if min(by_name.values(), default=-1) < 0 or sum(by_name.values()) != amount:
        return [DiscountIn(name="", amount_minor=amount)]
    return [DiscountIn(name=name, amount_minor=off) for name, off in by_name.items() if off]
