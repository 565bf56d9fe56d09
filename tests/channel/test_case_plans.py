"""Query plans of the case filters: each filter uses its index and scans no table."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from takeback.accounts.customer_input import CustomerIn
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.channel.cases.queries import case_ids
from takeback.channel.cases.serializers import UPDATE_FILTERS
from takeback.channel.filters import NEWEST, OLDEST_CHANGE, build_filter
from takeback.core.db.planner import analyze_tables
from takeback.core.paging import Page
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem
from tests import factories

pytestmark = pytest.mark.django_db

CODES = {
    "number": "guest_look_up",
    "sku": "items_by_sku",
    "customer_first_name": "customers_by_first_name",
    "customer_email": "accounts_user_email_key",
    "order_id": "orders_orderitem_order_id",
    "easy_return_code": "returns_by_code",
    "tracking_number": "returns_by_tracking_number",
}
"""Selective filters and their indexes; others need a large shop: `benchmarks.scale`."""
VALUES: dict[str, Any] = {"pk__in": [1, 2], "channel": factories.SHOP, "order_id": 1} | {
    name: factories.NOW.date() if "__date__" in name else factories.NOW
    for name in UPDATE_FILTERS
    if "date" in name
}
WORDS = {
    "status": "approved",
    "cancellation_type": "cancel",
    "cancellation_plan_status": "approved",
}


def _plan(name: str, order: tuple[str, ...] = NEWEST) -> str:
    values = {name: VALUES.get(name, WORDS.get(name, "x"))} if name else {}
    cases = CancellationRequest.objects.filter(
        build_filter(UPDATE_FILTERS, values), channel_id=factories.SHOP, is_hidden=False
    ).order_by(*order)
    return cases.values_list("id")[:10_001].explain()


def _make_cases(count: int) -> None:
    """Cases with different customers, items and values in every filtered column."""
    orders = [
        factories.order_input(
            number=str(number),
            placed_at=factories.NOW + timedelta(hours=number),
            customer=CustomerIn(
                email=f"{number}@x.example", first_name=f"F{number}", last_name="L"
            ),
            items=[factories.item_input(sku=f"SKU-{number}")],
        )
        for number in range(count)
    ]
    factories.create_channel()
    factories.ingest(*orders)
    reason = factories.create_reason()
    returns = EasyReturn.objects.bulk_create(
        EasyReturn(carrier="x", carrier_label="X", code=str(n), tracking_number=str(n))
        for n in range(count)
    )
    items = list(OrderItem.objects.order_by("id"))
    columns = {"created_by_kind": "staff", "modified_by_kind": "staff", "plan_type": "cancel"}
    plans = CancellationPlan.objects.bulk_create(
        CancellationPlan(order_id=item.order_id, status="completed", **columns) for item in items
    )
    CancellationRequest.objects.bulk_create(
        CancellationRequest(
            channel_id=factories.SHOP, order_item=item, reason=reason, easy_return=way, plan=plan,
            cancellation_type="refund", status="completed",
        )
        for item, way, plan in zip(items, returns, plans, strict=True)
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", *UPDATE_FILTERS])
def test_filter_uses_an_index(name: str) -> None:
    if connection.vendor == "sqlite":
        plan = _plan(name)
        assert "SCAN" not in plan
        return
    with connection.cursor() as cursor:
        # The tables of a test are so small that a sequential scan is cheapest.
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "Seq Scan" not in _plan(name)


def test_analyzed_database_starts_with_the_code() -> None:
    _make_cases(300)
    if connection.vendor == "sqlite":
        analyze_tables(factories.NOW)
    else:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    taken = {name: _plan(name) for name in CODES}

    assert {name: plan for name, plan in taken.items() if CODES[name] not in plan} == {}


def test_updates_are_not_sorted() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    plan = _plan("", OLDEST_CHANGE)

    assert "requests_as_they_changed" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_filter_query_is_never_prepared() -> None:
    for _ in range(5):
        case_ids(factories.SHOP, build_filter(UPDATE_FILTERS, {"number": "1"}), Page(1, 10))

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            prepared = [statement for (statement,) in cursor.fetchall()]
        assert [statement for statement in prepared if "LOWER" in statement] == []
