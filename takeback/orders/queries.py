"""Queries for orders: rows of columns, no model instances, a fixed number of queries per page."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    Window,
)
from django.db.models.functions import Cast

from takeback.addresses.queries import AddressRow
from takeback.core.db.compiled_query import CompiledQuery
from takeback.core.ids import ItemId, OrderId, id_of
from takeback.core.money import MinorUnits
from takeback.core.normalize import INVISIBLE, number_key, without_marks
from takeback.core.paging import MAX_LIMIT, Page
from takeback.orders.models import (
    DiscountItem,
    LoyaltyTransaction,
    Order,
    OrderItem,
    Payment,
    Snapshot,
)


class SnapshotRow(NamedTuple):
    """A snapshot of external data; `document` is JSON text."""

    id: int
    document: str


class OrderRow(NamedTuple):
    """An order with its two addresses; amounts are minor units, JSON columns are text."""

    id: OrderId
    number: str
    user_id: int
    user_type: str
    user_email: str
    status: int
    currency: str
    discount_minor: int
    shipping_minor: int
    amount_minor: int
    interest_minor: int
    refund_minor: int
    discount_refund_minor: int
    shipping_refund_minor: int
    refunded_elsewhere_minor: int
    return_days: int | None
    cancel_minutes: int | None
    shipping_tax_rate: Decimal | None
    payment_option_id: int | None
    payment_type: str
    bank_id: int | None
    bin_number: str | None
    installment_count: int
    shipping_company: str | None
    tracking_number: str | None
    tracking_url: str | None
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    has_gift_box: bool
    gift_box_note: str | None
    notes: str | None
    language_code: str
    client_type: str
    order_type: str | None
    remote_addr: str | None
    extra_field: Any
    details: Any
    placed_at: datetime
    modified_date: datetime
    unpaid_minor: int | None
    total: int
    shipping_address: AddressRow
    billing_address: AddressRow


class ItemRow(NamedTuple):
    """An item; amounts are minor units for all its units together, JSON columns are text."""

    id: ItemId
    order_id: OrderId
    status: int
    quantity: int
    units_closed: int
    refunded_elsewhere_quantity: int
    goods_minor: int
    discount_minor: int
    retail_minor: int | None
    tax_rate: Decimal
    product_id: int
    price_list_id: int | None
    stock_list_id: int | None
    data_source_id: int | None
    shipping_option_group_id: int | None
    shipping_company: str | None
    tracking_number: str | None
    tracking_url: str | None
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    estimated_delivery_date: date | None
    shipped_date: datetime | None
    delivered_date: datetime | None
    image: str | None
    is_tradable: bool
    attributes: Any
    extra_field: Any
    details: Any
    created_date: datetime
    modified_date: datetime


class ExtraRow(NamedTuple):
    """A discount (`label` is its name) or a loyalty transaction (`label` is its reference)."""

    kind: str
    order_id: OrderId
    id: int
    label: str | None
    token: str | None
    amount_minor: int
    created_date: datetime
    email: str | None


class _ExtraOrSnapshotRow(NamedTuple):
    """An `ExtraRow`, or a snapshot with its kind as `label` and its JSON text as `document`."""

    kind: str
    order_id: int | None
    id: int
    label: str | None
    token: str | None
    amount_minor: int | None
    created_date: datetime | None
    email: str | None
    document: str | None


DISCOUNT, LOYALTY, SNAPSHOT = "discount", "loyalty", "snapshot"

_UNPAID = Subquery(
    Payment.objects.filter(order_id=OuterRef("pk"))
    .values("order_id")
    .annotate(unpaid=Sum(F("amount_minor") - F("captured_minor")))
    .values("unpaid")
)


def _own_orders(user_id: int) -> "QuerySet[Order]":
    return (
        Order.objects.filter(user_id=user_id)
        .annotate(unpaid_minor=_UNPAID, total=Window(Count("*")))
        .order_by("-placed_at", "-id")
    )


def _guest_order(
    channel_id: int, number: str, number_key: str, email_key: str
) -> "QuerySet[Order]":
    """The order with this number in any notation.

    If several orders of the channel have one normal form, each needs its exact number. The
    subquery runs for a matching pair only, so that all mismatches take the same time.
    """
    alternatives = Order.objects.filter(channel_id=channel_id, number_key=number_key)
    is_only_one = ~Exists(alternatives.exclude(pk=OuterRef("pk")))
    return Order.objects.filter(
        Q(number=number) | is_only_one,
        channel_id=channel_id,
        number_key=number_key,
        email_key=email_key,
        user_type="guest",
    ).annotate(unpaid_minor=_UNPAID, total=Value(1))


def _orders_by_id(order_ids: list[int]) -> "QuerySet[Order]":
    orders = Order.objects.filter(pk__anyof=order_ids).order_by("-placed_at", "-id")
    return orders.annotate(unpaid_minor=_UNPAID, total=Value(1))


def _own_order(user_id: int, order_id: int) -> "QuerySet[Order]":
    orders = Order.objects.filter(user_id=user_id, pk=order_id)
    return orders.annotate(unpaid_minor=_UNPAID, total=Value(1))


def _items(order_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(order_id__anyof=order_ids).order_by("id")


def _extras_and_snapshots(order_ids: list[int], snapshot_ids: list[int]) -> "QuerySet[Any]":
    no_text = Value(None, output_field=TextField())
    no_number = Value(None, output_field=BigIntegerField())
    discounts = DiscountItem.objects.filter(order_id__anyof=order_ids).annotate(
        kind=Value(DISCOUNT), label=F("name"), token=no_text, email=no_text, document=no_text
    )
    points = LoyaltyTransaction.objects.filter(order_id__anyof=order_ids).annotate(
        kind=Value(LOYALTY),
        label=F("reference"),
        token=Cast("uuid", CharField()),
        email=F("user_email"),
        document=no_text,
    )
    snapshots = Snapshot.objects.filter(pk__anyof=snapshot_ids)
    columns = _ExtraOrSnapshotRow._fields
    return discounts.values_list(*columns).union(
        points.values_list(*columns),
        snapshots.values_list(
            Value(SNAPSHOT),
            no_number,
            "id",
            "kind",
            no_text,
            no_number,
            Value(None, output_field=DateTimeField()),
            no_text,
            Cast("document", TextField()),
        ),
        all=True,
    )


guest_order = CompiledQuery(OrderRow, _guest_order)
own_order = CompiledQuery(OrderRow, _own_order)
orders_by_id = CompiledQuery(OrderRow, _orders_by_id)
items_of = CompiledQuery(ItemRow, _items)
_read_extras_and_snapshots = CompiledQuery(_ExtraOrSnapshotRow, _extras_and_snapshots)


def order_extras(
    order_ids: list[OrderId], snapshot_ids: list[int]
) -> tuple[list[ExtraRow], list[tuple[str, SnapshotRow]]]:
    """Discounts and loyalty transactions of these orders, and these snapshots with their kinds.

    It is one query, so that the number of queries does not depend on cached snapshots.
    """
    extras: list[ExtraRow] = []
    snapshots: list[tuple[str, SnapshotRow]] = []
    for row in _read_extras_and_snapshots(order_ids=order_ids, snapshot_ids=snapshot_ids):
        if row.kind == SNAPSHOT:
            snapshots.append((str(row.label), SnapshotRow(row.id, str(row.document))))
        else:
            extras.append(ExtraRow._make(row[:-1]))
    return extras, snapshots


class GuestMailbox(NamedTuple):
    """The order of a guest, and the key of its e-mail address."""

    order_id: OrderId
    email_key: str


def guest_mailbox(channel_id: int, number: str) -> GuestMailbox | None:
    """The mailbox of a guest's order; None if there is no such order, or it has no address.

    Of several orders with one normal form, the exact number names one.
    """
    key = number_key(number)
    orders = Order.objects.filter(channel_id=channel_id, number_key=key, user_type="guest")
    rows = list(orders.values_list("number", "id", "email_key"))
    named = [row for row in rows if row[0] == number] or (rows if len(rows) == 1 else [])
    return next((GuestMailbox(OrderId(pk), email) for _, pk, email in named if email), None)


def captured_amount(order_id: int) -> MinorUnits:
    payments = Payment.objects.filter(order_id=order_id)
    return MinorUnits(payments.aggregate(captured=Sum("captured_minor"))["captured"] or 0)


def own_order_named(channel_id: int, user_id: int, name: str) -> OrderId | None:
    """The id of a customer's order by its number, else by its id: storefronts send either.

    A number in another notation comes last, and names an order only if it fits no other one.
    """
    name = without_marks(name)
    if INVISIBLE.search(name):
        return None
    orders = Order.objects.filter(channel_id=channel_id, user_id=user_id)
    ids = dict(orders.filter(number_key=number_key(name)).values_list("number", "id"))
    order_id = ids.get(name)
    if order_id is None and (number := id_of(name)):
        order_id = orders.filter(pk=number).values_list("id", flat=True).first()
    if order_id is None and len(ids) == 1:
        order_id = next(iter(ids.values()))
    return None if order_id is None else OrderId(order_id)


def order_of_item(item_id: ItemId) -> OrderId | None:
    """The id of an item's order, in any channel."""
    order_id = OrderItem.objects.filter(pk=item_id).values_list("order_id", flat=True).first()
    return None if order_id is None else OrderId(order_id)


@lru_cache(maxsize=MAX_LIMIT)
def _first_page(limit: int) -> CompiledQuery[OrderRow]:
    """One compiled query per page size: LIMIT is a literal in Django's SQL, and sizes are few."""

    def build(user_id: int) -> "QuerySet[Order]":
        return _own_orders(user_id)[:limit]

    return CompiledQuery(OrderRow, build)


def own_orders(user_id: int, page: Page, **filters: Any) -> list[OrderRow]:
    """A page of a customer's orders, newest first; each row has the `total` of the list.

    `filters` are Django look-ups from our own code, never names from a request.
    """
    if page.number == 1 and not filters:
        return _first_page(page.limit)(user_id=user_id)
    query = _first_page(MAX_LIMIT)
    orders = _own_orders(user_id).filter(**filters)
    return query.fetch(orders[page.offset : page.offset + page.limit])
