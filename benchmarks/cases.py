"""Loads the cases of the measured shop, spread evenly over its orders."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from rich.progress import Progress

from benchmarks import case_filters
from benchmarks.shop import (
    ITEMS_PER_ORDER,
    ORDERS_PER_CUSTOMER,
    PROBES,
    REQUESTS_PER_PROBE,
    Shop,
    number_of,
)
from takeback.cancellations.models import CancellationPlan, CancellationReason, CancellationRequest
from takeback.cancellations.statuses import Kind, PlanStatus, Status
from takeback.core.db.bulk import insert_rows, reserve_ids
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem

BATCH = 10_000
_REQUEST_COLUMNS = (
    "uuid",
    "channel_id",
    "order_item_id",
    "reason_id",
    "easy_return_id",
    "plan_id",
    "cancellation_type",
    "status",
    "quantity",
    "description",
    "fully_refund_as_loyalty_money",
    "source",
    "attributes",
    "created_date",
    "modified_date",
)
_RETURN_COLUMNS = (
    "id",
    "uuid",
    "carrier",
    "carrier_label",
    "code",
    "status",
    "tracking_number",
    "start_date",
    "end_date",
    "max_count",
    "created_date",
    "modified_date",
)
_PLAN_COLUMNS = (
    "id",
    "uuid",
    "order_id",
    "plan_type",
    "status",
    "refund_minor",
    "rounding_minor",
    "discount_refund_minor",
    "shipping_refund_minor",
    "is_cargo_refund",
    "created_by_kind",
    "modified_by_kind",
)
_CODE_LIFETIME = timedelta(days=14)


class _Case(NamedTuple):
    item_id: int
    order_id: int
    kind: Kind
    status: Status


def load(shop: Shop, progress: Progress, now: datetime) -> None:
    """Load all cases: each refund has a return, each completed case a plan."""
    task = progress.add_task("requests", total=shop.requests)
    reasons = {
        kind: CancellationReason.objects.create(cancellation_type=kind, subject=f"{kind} it").pk
        for kind in Kind
    }
    planned = _cases(shop)
    written = 0
    while batch := [entry for _, entry in zip(range(BATCH), planned, strict=False)]:
        with transaction.atomic():
            _write(batch, written, reasons, now)
        written += len(batch)
        progress.advance(task, len(batch))


def _write(batch: Sequence[_Case], written: int, reasons: dict[Kind, int], now: datetime) -> None:
    returns = iter(reserve_ids(EasyReturn, len(batch)))
    plans = iter(reserve_ids(CancellationPlan, len(batch)))
    common = (1, "It does not fit", False, "customer", "{}", now, now)
    rows, return_rows, plan_rows = [], [], []
    for number, (item_id, order_id, kind, status) in enumerate(batch, written + 1):
        return_id = next(returns) if kind == Kind.RETURN else None
        plan_id = next(plans) if status == Status.COMPLETED else None
        if return_id:
            return_rows.append(_easy_return(return_id, number, now))
        if plan_id:
            completed = (UUID(int=number), order_id, kind.value, PlanStatus.COMPLETED.value)
            plan_rows.append((plan_id, *completed, 0, 0, 0, 0, False, "staff", "staff"))
        ids = (UUID(int=number), case_filters.CHANNEL, item_id, reasons[kind], return_id, plan_id)
        rows.append((*ids, kind.value, status.value, *common))
    insert_rows(EasyReturn, _RETURN_COLUMNS, return_rows)
    insert_rows(CancellationPlan, _PLAN_COLUMNS, plan_rows)
    insert_rows(CancellationRequest, _REQUEST_COLUMNS, rows)


def _easy_return(key: int, number: int, now: datetime) -> tuple[Any, ...]:
    carrier = ("yurtici", "Yurtiçi Kargo", f"CODE{number:09d}", "booked", f"BACK{number:09d}")
    return (key, UUID(int=number), *carrier, now, now + _CODE_LIFETIME, 1, now, now)


def _cases(shop: Shop) -> Iterator[_Case]:
    """The item, kind and status of each case; only the last case of an item may be live."""
    probes = PROBES if shop.has_probes else 0
    per_probe = ORDERS_PER_CUSTOMER * ITEMS_PER_ORDER
    items = OrderItem.objects.exclude(order__number__startswith=case_filters.NUMBERS).order_by("id")
    rows = items.values_list("id", "order_id", "order__number", "status")
    left = shop.requests - probes * REQUESTS_PER_PROBE
    others = shop.orders * ITEMS_PER_ORDER - probes * per_probe
    positions: dict[int, int] = {}
    due = 0
    for item_id, order_id, number, item_status in rows:
        owner = shop.customer_of(int(number) - int(number_of(0)))
        kind = Kind.CANCEL if item_status in {400, 450, 100} else Kind.RETURN
        rejected = _Case(item_id, order_id, kind, Status.REJECTED)
        if owner is not None and owner < probes:
            position = positions[owner] = positions.get(owner, 0) + 1
            yield rejected
            if position <= REQUESTS_PER_PROBE - per_probe:
                yield rejected
            continue
        due += left
        if due >= others:
            due -= others
            ended = item_status in {100, 600}
            yield rejected._replace(status=Status.COMPLETED if ended else Status.WAITING)
