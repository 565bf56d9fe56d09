"""Records what a system learns later of an order's payments: ids and captured amounts."""

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from takeback.core.db.change_time import ChangeTime
from takeback.core.errors import NOT_FOUND, Problem, Refused
from takeback.core.ids import OrderId
from takeback.orders.commands.insert_parts import insert_rows_of, payment_row
from takeback.orders.locks import lock_orders
from takeback.orders.merge_payments import PaymentMerge
from takeback.orders.models import Order, Payment
from takeback.orders.order_input import UNKNOWN_KIND
from takeback.orders.payment_rows import PaymentChanges, PaymentUpdate
from takeback.orders.stored_orders import stored_payments

PATH = "payments"


@transaction.atomic
def record_payments(
    channel_ids: Collection[int], order_id: OrderId, updates: Sequence[PaymentUpdate]
) -> Mapping[str, Problem]:
    """Fill in ids that were unknown, and raise captured amounts.

    A payment without a reference is divided if an update names a part of it: one capture of
    several. Returns the refused fields by path, and then writes nothing. `Refused` if the order
    is in none of the channels.
    """
    lock_orders([order_id])
    order = Order.objects.filter(pk=order_id, channel_id__in=channel_ids).first()
    if order is None:
        raise Refused(NOT_FOUND)
    merge = PaymentMerge(
        stored_payments([order_id])[order_id],
        path=PATH,
        currency=order.currency,
        own_kind=order.payment_type or UNKNOWN_KIND,
        is_update=True,
    )
    for position, update in enumerate(updates):
        merge.update(update, position)
    if not merge.refused and (changes := merge.changes()):
        _write(order, changes)
    return merge.refused


def _write(order: Order, changes: PaymentChanges) -> None:
    orders = Order.objects.filter(pk=order.pk)
    if changes.amounts_change:
        orders.update(is_finalized=False)
    write_payments(order.pk, order.currency, changes)
    # Receiving the order again may now skip fields: it no longer counts as unchanged.
    orders.update(is_finalized=True, fingerprint="", modified_date=ChangeTime())


def write_payments(order_id: int, currency: str, changes: PaymentChanges) -> None:
    """Write changed and new payments. If amounts change, the order is not finalized meanwhile."""
    for payment_id, values in changes.values.items():
        Payment.objects.filter(pk=payment_id).update(**values)
    insert_rows_of(
        Payment,
        [{"order_id": order_id, **payment_row(payment, currency)} for payment in changes.added],
    )
