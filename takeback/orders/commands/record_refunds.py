"""Records refunds that other systems made, for an order that was received before."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.db import transaction

from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import OrderId
from takeback.core.money import show
from takeback.orders import errors
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.refunded_elsewhere import elsewhere_total, fields_above_charge, own_total


@dataclass(frozen=True, slots=True)
class OrderRefunds:
    """A report about an order, in minor units; None: the report does not have the amount.

    `stated` is what other systems refunded, `shop_total` the shop's total of all refunds.
    """

    stated: int | None = None
    shop_total: int | None = None


NO_REFUNDS = OrderRefunds()


@transaction.atomic
def record_refunds(channel_ids: Collection[int], order_id: OrderId, report: OrderRefunds) -> None:
    """Raise the total that other systems refunded.

    `Refused` if the order is in none of the channels, if the stated total is below the recorded
    one, and if all refunds together would exceed the charge.
    """
    lock_orders([order_id])
    order = Order.objects.filter(pk=order_id, channel_id__in=channel_ids).first()
    if order is None:
        raise Refused(NOT_FOUND)
    total = refunds_after(order, report)
    if report.stated is not None and report.stated < order.refunded_elsewhere_minor:
        least = _text(order.refunded_elsewhere_minor, order)
        raise Refused(errors.REFUND_FALLS.with_values(min=least), order_id=order.pk)
    if total != order.refunded_elsewhere_minor:
        Order.objects.filter(pk=order_id).update(
            refunded_elsewhere_minor=total, modified_date=ChangeTime()
        )


def refunds_after(order: Order, report: OrderRefunds) -> int:
    """The total that other systems refunded, after a report; the caller holds the order's lock.

    `Refused` names the field of an amount that exceeds the charge. An amount that changes nothing
    is never refused: it was accepted before.
    """
    stored, ours = order.refunded_elsewhere_minor, own_total(Payment.objects.filter(order=order))
    total = elsewhere_total(stored, stated=report.stated, shop_total=report.shop_total, ours=ours)
    over_limit = fields_above_charge(
        stated=report.stated,
        shop_total=report.shop_total,
        ours=ours,
        charged=order.amount_minor + order.interest_minor,
    )
    for field, most in over_limit.items() if total > stored else ():
        problem = errors.REFUND_ABOVE_CHARGE.with_values(max=_text(most, order))
        raise Refused(replace(problem, field=field), order_id=order.pk)
    return total


def ensure_units_exist(item: OrderItem, units: int) -> None:
    """`Refused` if a stated number of units falls, or exceeds the units that are not closed."""
    stored = item.refunded_elsewhere_quantity
    if units < stored:
        raise Refused(errors.UNITS_FALL.with_values(min=stored), order_item=item.pk)
    most = max(stored, item.quantity - item.units_closed)
    if units > most:
        raise Refused(errors.UNITS_ABOVE_QUANTITY.with_values(max=most), order_item=item.pk)


def _text(minor: int, order: Order) -> str:
    return f"{show(minor, order.currency)} {order.currency.upper()}"
