"""What every line is worth: shared out once, when the order arrives, by largest remainder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from takeback.core.money import split
from takeback.orders.order_input import DiscountIn, ItemIn, OrderIn, TenderIn
from takeback.orders.statuses import Status

PAID_LATER = frozenset({"pay_on_delivery"})
"""Payment types whose money does not exist before the goods are handed over."""

_BASIS_POINTS = 10_000


class DoesNotAddUp(ValueError):
    """The parts of the order contradict each other; the text says which."""


class ItemAmounts(NamedTuple):
    """The components of one line, in minor units."""

    goods: int
    discount: int
    tax: int
    shipping: int
    fee: int
    interest: int


@dataclass(slots=True)
class Allocation:
    """The whole order, shared out; `shares[d][i]` is what discount d takes off line i."""

    lines: list[ItemAmounts]
    discounts: list[DiscountIn]
    shares: list[list[int]]
    tenders: list[TenderIn]
    goods: int
    discount: int
    amount: int
    interest: int


def allocate(order: OrderIn) -> Allocation:
    """Share the order's amounts out over its lines, or say why they cannot all be true."""
    items = order.items
    if not items:
        raise DoesNotAddUp("an order needs at least one line")
    goods = [item.goods_minor for item in items]
    if min(goods) < 0:
        raise DoesNotAddUp("a line is worth less than nothing")
    discounts, shares = _discounts(order)
    taken = [sum(column) for column in zip(*shares, strict=True)] if shares else [0] * len(items)
    if any(off > worth for off, worth in zip(taken, goods, strict=True)):
        raise DoesNotAddUp("a line is discounted by more than it is worth")
    amount = sum(goods) - sum(taken) + order.shipping_minor + order.fee_minor
    if order.amount_minor is not None and order.amount_minor != amount:
        raise DoesNotAddUp(f"the parts add up to {amount}, the order says {order.amount_minor}")
    shipping, fee = split(order.shipping_minor, goods), split(order.fee_minor, goods)
    interest = _interest(order, goods)
    lines = [
        ItemAmounts(
            goods[i], taken[i], _tax(item, goods[i] - taken[i]), shipping[i], fee[i], interest[i]
        )
        for i, item in enumerate(items)
    ]
    total_interest = sum(interest)
    tenders = _tenders(order, amount + total_interest)
    return Allocation(
        lines, discounts, shares, tenders, sum(goods), sum(taken), amount, total_interest
    )


def _discounts(order: OrderIn) -> tuple[list[DiscountIn], list[list[int]]]:
    """The discounts, and what each takes off each line."""
    told = [item.discount_minor for item in order.items]
    lines_say = sum(off for off in told if off is not None) if any(told) else None
    discounts = list(order.discounts)
    total = order.discount_minor
    if total is None:
        total = sum(d.amount_minor for d in discounts) if discounts else (lines_say or 0)
    if not discounts and total:
        discounts = [DiscountIn(name="", amount_minor=total)]
    if sum(discount.amount_minor for discount in discounts) != total:
        raise DoesNotAddUp("the discounts do not add up to the order's discount")
    if lines_say is not None and lines_say != total:
        raise DoesNotAddUp("the lines' discounts do not add up to the order's discount")
    if lines_say is None:
        return discounts, [_by_worth(discount, order.items) for discount in discounts]
    left = [off or 0 for off in told]
    return discounts, [_out_of(discount, order.items, left) for discount in discounts]


def _touched(discount: DiscountIn, items: Sequence[ItemIn]) -> list[bool]:
    touched = [not discount.items or item.remote_id in discount.items for item in items]
    if not any(touched):
        raise DoesNotAddUp(f"discount {discount.name!r} touches no line of the order")
    return touched


def _by_worth(discount: DiscountIn, items: Sequence[ItemIn]) -> list[int]:
    """In proportion to the worth of the lines that the discount touches."""
    touched = _touched(discount, items)
    weights = [item.goods_minor if hit else 0 for item, hit in zip(items, touched, strict=True)]
    if discount.amount_minor > sum(weights):
        raise DoesNotAddUp(f"discount {discount.name!r} is larger than the lines it touches")
    return split(discount.amount_minor, weights) if sum(weights) else [0] * len(items)


def _out_of(discount: DiscountIn, items: Sequence[ItemIn], left: list[int]) -> list[int]:
    """Out of what the lines themselves say they were discounted by; uses up `left`."""
    missing = discount.amount_minor
    shares = []
    for index, hit in enumerate(_touched(discount, items)):
        share = min(missing, left[index]) if hit else 0
        left[index] -= share
        missing -= share
        shares.append(share)
    if missing:
        raise DoesNotAddUp(f"discount {discount.name!r} does not fit the lines' own discounts")
    return shares


def _interest(order: OrderIn, goods: list[int]) -> list[int]:
    told = [item.interest_minor for item in order.items]
    if not any(told):
        return split(order.interest_minor, goods)
    shares = [share or 0 for share in told]
    if order.interest_minor and sum(shares) != order.interest_minor:
        raise DoesNotAddUp("the lines' interest does not add up to the order's interest")
    return shares


def _tax(item: ItemIn, paid: int) -> int:
    """The tax inside the price, half up; the rate is in percent with two decimals at most."""
    if item.tax_minor is not None:
        return item.tax_minor
    rate = int(item.tax_rate * 100)
    return (2 * paid * rate + _BASIS_POINTS + rate) // (2 * (_BASIS_POINTS + rate)) if rate else 0


def _tenders(order: OrderIn, due: int) -> list[TenderIn]:
    """How the order is paid; untold, it is paid in one way, at once unless it waits for money."""
    if order.tenders:
        if sum(tender.amount_minor for tender in order.tenders) != due:
            raise DoesNotAddUp("the payments do not add up to the order's amount")
        return order.tenders
    unpaid = order.status == Status.PAYMENT_WAITING or order.payment_type in PAID_LATER
    kind = order.payment_type or "unknown"
    return [TenderIn(kind=kind, amount_minor=due, captured_minor=0 if unpaid else due)]
