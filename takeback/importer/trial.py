"""A trial import: every order is written as the import would write it, and taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from takeback.importer.report import Report, Summary
from takeback.importer.writer import OrderWriter, SourceOrder
from takeback.orders.commands.store_snapshots import Snapshots
from takeback.orders.models import Order, OrderItem, Payment

SAMPLES = 3


class SampleItem(NamedTuple):
    """An item as it would be stored; amounts are minor units of its order's currency."""

    sku: str
    name: str
    quantity: int
    goods_minor: int
    discount_minor: int
    tax_minor: int
    status: int
    delivered_at: datetime | None
    refunded_quantity: int


class SamplePayment(NamedTuple):
    """A payment as it would be stored; amounts are minor units of its order's currency."""

    kind: str
    amount_minor: int
    captured_minor: int
    account: str | None
    reference: str | None
    provider_order: str | None
    currency: str | None


class SampleOrder(NamedTuple):
    """An order as it would be stored; amounts are minor units of its currency."""

    number: str
    placed_at: datetime
    currency: str
    status: int
    user_type: str
    email: str
    address: str
    amount_minor: int
    shipping_minor: int
    fee_minor: int
    rounding_minor: int
    refunded_minor: int
    items: list[SampleItem]
    payments: list[SamplePayment]


class TrialWriter(OrderWriter):
    """Writes each batch in a transaction that is rolled back, and keeps the first orders."""

    def __init__(
        self, channel_id: int, report: Report, summary: Summary, samples: list[SampleOrder]
    ) -> None:
        super().__init__(channel_id, report, summary)
        self._samples = samples

    def _write(self, batch: Sequence[SourceOrder]) -> None:
        with transaction.atomic():
            super()._write(batch)
            numbers = [source.order.number for source in batch]
            self._samples += self._stored(numbers)[: SAMPLES - len(self._samples)]
            transaction.set_rollback(True)
        # The snapshots of this batch are gone.
        self._snapshots = Snapshots()

    def _stored(self, numbers: Sequence[str]) -> list[SampleOrder]:
        """The first accepted orders of a batch."""
        if len(self._samples) >= SAMPLES:
            return []
        orders = Order.objects.filter(channel_id=self._channel_id, number__in=numbers)
        rows = list(orders.select_related("shipping_address").order_by("id")[:SAMPLES])
        items: dict[int, list[SampleItem]] = {order.pk: [] for order in rows}
        parts = OrderItem.objects.filter(order__in=rows).select_related("product").order_by("id")
        for item in parts:
            items[item.order_id].append(_sample_item(item))
        payments: dict[int, list[SamplePayment]] = {order.pk: [] for order in rows}
        columns = Payment.objects.filter(order__in=rows).order_by("id")
        for order_id, *values in columns.values_list("order_id", *SamplePayment._fields):
            payments[order_id].append(SamplePayment(*values))
        return [_sample(order, items[order.pk], payments[order.pk]) for order in rows]


def writer_for(
    channel_id: int, report: Report, summary: Summary, samples: list[SampleOrder] | None
) -> OrderWriter:
    """The writer of an import, or with `samples` that of a trial."""
    if samples is None:
        return OrderWriter(channel_id, report, summary)
    return TrialWriter(channel_id, report, summary, samples)


def _sample(order: Order, items: list[SampleItem], payments: list[SamplePayment]) -> SampleOrder:
    address = order.shipping_address
    places = [address.place[name]["name"] for name in ("city", "country")]
    return SampleOrder(
        number=order.number,
        placed_at=order.placed_at,
        currency=order.currency,
        status=order.status,
        user_type=order.user_type,
        email=order.user_email,
        address=", ".join([address.line, *places]),
        amount_minor=order.amount_minor,
        shipping_minor=order.shipping_minor,
        fee_minor=order.fee_minor,
        rounding_minor=order.rounding_minor,
        refunded_minor=order.refunded_elsewhere_minor,
        items=items,
        payments=payments,
    )


def _sample_item(item: OrderItem) -> SampleItem:
    return SampleItem(
        sku=item.sku,
        name=item.product.document["name"],
        quantity=item.quantity,
        goods_minor=item.goods_minor,
        discount_minor=item.discount_minor,
        tax_minor=item.tax_minor,
        status=item.status,
        delivered_at=item.delivered_date,
        refunded_quantity=item.refunded_elsewhere_quantity,
    )
