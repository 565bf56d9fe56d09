"""Loads the cases that `finding` looks for, before all others: they are the oldest."""

from datetime import datetime
from uuid import UUID

from benchmarks import finding
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
"""What becomes of the first two orders' cases, and of no others."""


def load(now: datetime) -> None:
    """The key of the callers, the orders, and a case of every line."""
    small, _ = Channel.objects.get_or_create(
        pk=finding.SMALL_CHANNEL, defaults={"name": "Small shop"}
    )
    public_id = api_keys.public_id_of(finding.KEY)
    assert public_id
    key = ApiKey.objects.create(
        name="bench",
        public_id=public_id,
        secret_hash=api_keys.digest(finding.KEY),
        scopes=list(ApiKey.SCOPES),
    )
    key.channels.set([finding.CHANNEL, small.pk])
    told = [_order(sought) for sought in range(finding.SOUGHT)]
    ingest_orders(finding.CHANNEL, told, source="bench", now=now)
    ingest_orders(small.pk, told[:1], source="bench", now=now)
    reason = CancellationReason.objects.create(cancellation_type=Kind.CANCEL, subject="Sought")
    for position in range(finding.SOUGHT + 1):
        _load_cases(position, reason, now)


def _order(sought: int) -> OrderIn:
    address = AddressIn(
        first_name=finding.first_name(sought),
        last_name=finding.last_name(sought),
        phone_number="05550000000",
        line="Long Street 1",
        country="tr",
        country_name="Türkiye",
        city="Adana",
    )
    return OrderIn(
        number=finding.number(sought),
        currency="try",
        placed_at=finding.placed_at(sought),
        customer=CustomerIn(
            email=finding.email(sought),
            first_name=finding.first_name(sought),
            last_name=finding.last_name(sought),
        ),
        shipping_address=address,
        items=[_line(sought, line) for line in range(finding.FOUND)],
        status=550,
    )


def _line(sought: int, line: int) -> ItemIn:
    product = {"sku": finding.sku(sought), "name": "Sought"}
    return ItemIn(
        remote_id=str(line),
        sku=finding.sku(sought),
        product=product,
        goods_minor=1_000,
        status=550,
    )


def _load_cases(position: int, reason: CancellationReason, now: datetime) -> None:
    lines = OrderItem.objects.select_related("order").order_by("id")
    lines = lines[position * finding.FOUND : (position + 1) * finding.FOUND]
    order = lines[0].order
    status = STATUSES.get(position, Status.REJECTED)
    parcel = EasyReturn.objects.create(
        carrier="yurtici",
        carrier_label="Yurtiçi Kargo",
        code=finding.code(position),
        tracking_number=finding.tracking_number(position),
        status="received",
        max_count=finding.FOUND,
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
    first = 1 + position * finding.FOUND
    cases = [
        CancellationRequest(
            uuid=UUID(int=2**64 + first + number),
            channel_id=order.channel_id,
            order_item=line,
            plan=plan,
            reason=reason,
            easy_return=parcel,
            cancellation_type=Kind.CANCEL,
            status=status,
            created_date=now,
            modified_date=now,
        )
        for number, line in enumerate(lines)
    ]
    insert_objects(cases)
