"""Loads the cases that `case_filters` finds, before all others: they are the oldest."""

from datetime import datetime
from uuid import UUID

from benchmarks import case_filters
from takeback.accounts import api_keys
from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import ApiKey, Channel
from takeback.addresses.address_input import AddressIn
from takeback.cancellations.models import CancellationPlan, CancellationReason, CancellationRequest
from takeback.cancellations.statuses import Kind, PlanStatus, Status
from takeback.core.db.bulk import insert_objects
from takeback.logistics.models import EasyReturn
from takeback.orders.commands.ingest import ingest_orders
from takeback.orders.models import OrderItem
from takeback.orders.order_input import ItemIn, OrderIn

STATUSES = {0: Status.WAITING_APPROVAL, 1: Status.CONFIRMED}
"""The statuses of the cases of the first two orders; all others are rejected."""


def load(now: datetime) -> None:
    """Load the API key of the clients, the orders, and a case for each item."""
    small, _ = Channel.objects.get_or_create(
        pk=case_filters.SMALL_CHANNEL, defaults={"name": "Small shop"}
    )
    public_id = api_keys.public_id_of(case_filters.KEY)
    assert public_id
    key = ApiKey.objects.create(
        name="bench",
        public_id=public_id,
        secret_hash=api_keys.digest(case_filters.KEY),
        scopes=list(ApiKey.SCOPES),
    )
    key.channels.set([case_filters.CHANNEL, small.pk])
    orders = [_order(value) for value in range(case_filters.VALUES)]
    ingest_orders(case_filters.CHANNEL, orders, source="bench", now=now)
    ingest_orders(small.pk, orders[:1], source="bench", now=now)
    reason = CancellationReason.objects.create(cancellation_type=Kind.CANCEL, subject="Sought")
    for position in range(case_filters.VALUES + 1):
        _load_cases(position, reason, now)


def _order(value: int) -> OrderIn:
    address = AddressIn(
        first_name=case_filters.first_name(value),
        last_name=case_filters.last_name(value),
        phone_number="05550000000",
        line="Long Street 1",
        country="tr",
        country_name="Türkiye",
        city="Adana",
    )
    return OrderIn(
        number=case_filters.number(value),
        currency="try",
        placed_at=case_filters.placed_at(value),
        customer=CustomerIn(
            email=case_filters.email(value),
            first_name=case_filters.first_name(value),
            last_name=case_filters.last_name(value),
        ),
        shipping_address=address,
        items=[_item(value, number) for number in range(case_filters.MATCHES)],
        status=550,
    )


def _item(value: int, number: int) -> ItemIn:
    product = {"sku": case_filters.sku(value), "name": "Sought"}
    return ItemIn(
        remote_id=str(number),
        sku=case_filters.sku(value),
        product=product,
        goods_minor=1_000,
        status=550,
    )


def _load_cases(position: int, reason: CancellationReason, now: datetime) -> None:
    items = OrderItem.objects.select_related("order").order_by("id")
    items = items[position * case_filters.MATCHES : (position + 1) * case_filters.MATCHES]
    order = items[0].order
    status = STATUSES.get(position, Status.REJECTED)
    parcel = EasyReturn.objects.create(
        carrier="yurtici",
        carrier_label="Yurtiçi Kargo",
        code=case_filters.code(position),
        tracking_number=case_filters.tracking_number(position),
        status="received",
        max_count=case_filters.MATCHES,
    )
    plan = None
    if status == Status.CONFIRMED:
        plan = CancellationPlan.objects.create(
            order=order,
            plan_type=Kind.CANCEL,
            status=PlanStatus.WAITING,
            created_by_kind="staff",
            modified_by_kind="staff",
        )
    first = 1 + position * case_filters.MATCHES
    cases = [
        CancellationRequest(
            uuid=UUID(int=2**64 + first + number),
            channel_id=order.channel_id,
            order_item=item,
            plan=plan,
            reason=reason,
            easy_return=parcel,
            cancellation_type=Kind.CANCEL,
            status=status,
            created_date=now,
            modified_date=now,
        )
        for number, item in enumerate(items)
    ]
    insert_objects(cases)
