"""Every compiled query returns the rows of its queryset, on the database of this run."""

import importlib
import json
import pkgutil
from datetime import datetime
from inspect import get_annotations
from typing import Any, get_args, get_type_hints

import pytest
from django.db import connection
from django.db.models import Value
from django.test.utils import CaptureQueriesContext

import takeback
from takeback.accounts.models import ApiKey, Session
from takeback.addresses.models import Address
from takeback.cancellations.models import CancellationReason
from takeback.channel_sync import commands as channel_sync
from takeback.channel_sync.content_types import ContentType
from takeback.core.db.compiled_query import CompiledQuery, RowQuery
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders import queries
from takeback.orders.models import Order, Snapshot
from tests import factories

pytestmark = pytest.mark.django_db


def compiled_queries() -> dict[str, CompiledQuery[Any]]:
    """The compiled queries of all modules by name."""
    by_name = {}
    for module in pkgutil.walk_packages(takeback.__path__, "takeback."):
        if module.name.endswith((".queries", ".sessions")):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, CompiledQuery):
                    by_name[f"{value.build.__module__}.{name}"] = value
    return by_name


QUERIES = compiled_queries() | {"takeback.orders.queries._first_page": queries._first_page(2)}


def _known() -> dict[str, list[Any]]:
    """For each argument by name: values that match rows, then values that match none."""
    user = factories.create_customer()
    first = factories.create_full_order(customer=user)
    orders = [
        first,
        factories.create_order(customer=user, number="2"),
        factories.create_order(number="3"),
    ]
    factories.create_address(user=user)
    factories.create_old_order(customer=user, items=1)
    key = factories.create_session(user).session_key
    api_key = _create_api_key()
    _create_batch_and_report()
    cases = [row.pk for row in _cases(orders)]
    plan = factories.create_plan(case=cases[0])
    return {
        "user_id": [user.pk, 0],
        "user_ids": [[user.pk], []],
        "key_id": [api_key.pk, 0],
        "order_id": [first.pk, 0],
        "request_id": [cases[0], 0],
        "order_ids": [[order.pk for order in orders], [first.pk], []],
        "case_id": [cases[0], 0],
        "case_ids": [cases, []],
        "request_ids": [cases, []],
        "plan_ids": [[plan.pk], []],
        "snapshot_ids": [[*Snapshot.objects.values_list("pk", flat=True)], []],
        "item_ids": [[item.pk for item in factories.items_of(first)], []],
        "reason_ids": [[row.pk for row in CancellationReason.objects.all()], []],
        "carrier_ids": [[row.pk for row in EasyReturnShippingCompany.objects.all()], []],
        "address_ids": [[row.pk for row in Address.objects.filter(is_copy=False)], []],
        "channel_id": [factories.SHOP, 0],
        "channel_ids": [[factories.SHOP, 2], []],
        **{name: ["3", "unknown"] for name in ("number", "number_key")},
        "email_key": [factories.GUEST, "else@example.com"],
        "session_key": [key, "x"],
        "public_id": ["abcdefgh", "x"],
        "now": [factories.NOW.replace(year=2020)],
    }


def _create_api_key() -> ApiKey:
    api_key = ApiKey.objects.create(name="till", public_id="abcdefgh", secret_hash="x")
    api_key.channels.add(factories.SHOP)
    return api_key


def _create_batch_and_report() -> None:
    """Create a batch with an object, and an error report about it."""
    batch_id = channel_sync.open_batch(factories.SHOP, factories.NOW)
    entry = channel_sync.ObjectIn(ContentType.PRODUCT, 7, "p-7", factories.NOW)
    channel_sync.change_batch(
        factories.SHOP, batch_id, channel_sync.BatchIn(objects=[entry]), factories.NOW
    )
    channel_sync.store_report(
        factories.SHOP,
        channel_sync.ReportIn(
            action_content_type=ContentType.BATCH_REQUEST,
            action_object_id=batch_id,
            target_content_type=ContentType.CHANNEL,
            target_object_id=factories.SHOP,
            obj_modified_date=factories.NOW,
            error_code="e",
            error_desc="e",
            raw_request="asked",
            raw_response="answered",
            is_ok=False,
        ),
        factories.NOW,
    )


def _cases(orders: list[Any]) -> list[Any]:
    return [factories.create_case(item=factories.items_of(order)[0]) for order in orders[1:]]


def _flat(value: Any, kind: Any) -> list[Any]:
    """The columns of a nested row as a flat list; an absent relation is None in each column."""
    nested = next((k for k in (*get_args(kind), kind) if hasattr(k, "_fields")), None)
    if nested is None:
        return [value]
    hints = get_type_hints(nested)
    parts = [None] * len(hints) if value is None else list(value)
    return [
        column
        for part, inner in zip(parts, hints.values(), strict=True)
        for column in _flat(part, inner)
    ]


def _like(column: Any, expected: Any) -> bool:
    """Whether value and type are equal; JSON columns come as text."""
    if isinstance(expected, dict | list) and isinstance(column, str):
        return bool(json.loads(column) == expected)
    return type(column) is type(expected) and bool(column == expected)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_compiled_query_returns_the_rows_of_its_queryset(name: str) -> None:
    query, known = QUERIES[name], _known()
    names = [key for key in get_annotations(query.build) if key != "return"]
    missing = [key for key in names if key not in known]
    assert not missing, f"add values for {missing} to this test"

    widest = 0
    for position in range(max([len(known[key]) for key in names] or [1])):
        arguments = {key: known[key][min(position, len(known[key]) - 1)] for key in names}
        expected = list(query.queryset(**arguments))
        actual = [_flat(row, query.row) for row in query(**arguments)]
        assert len(actual) == len(expected)
        for row, other in zip(actual, expected, strict=True):
            columns = zip(query.columns, row, other, strict=True)
            assert [name for name, ours, theirs in columns if not _like(ours, theirs)] == []
        widest = max(widest, len(actual))
    assert widest, "no arguments match a row"


def test_queryset_is_compiled_at_the_first_call_only() -> None:
    order = factories.create_order()
    calls: list[list[int]] = []

    def build(order_ids: list[int]) -> Any:
        calls.append(order_ids)
        return queries._orders_by_id(order_ids)

    query = CompiledQuery(queries.OrderRow, build)
    query(order_ids=[order.pk])
    compilations = len(calls)
    with CaptureQueriesContext(connection) as captured:
        (row,) = query(order_ids=[order.pk])

    assert row.id == order.pk
    assert len(captured) == 1
    assert len(calls) == compilations


def test_row_query_returns_the_rows_of_any_queryset() -> None:
    order, other = factories.create_order(number="1"), factories.create_order(number="2")
    query = RowQuery(queries.OrderRow)
    orders = queries._orders_by_id([order.pk, other.pk])

    (row,) = query.fetch(orders.filter(number="2"))

    assert row == queries.orders_by_id(order_ids=[other.pk])[0]
    assert [row.id for row in query.fetch(orders.order_by("-id")[1:])] == [order.pk]
    assert query.fetch(orders.none()) == []


def test_none_is_refused_as_an_argument() -> None:
    with pytest.raises(TypeError, match="None would change the SQL"):
        queries.own_order(user_id=None, order_id=1)


def test_argument_that_django_changes_in_the_sql_is_refused() -> None:
    def build(number: str) -> Any:
        return Order.objects.filter(number__icontains=number)

    with pytest.raises(TypeError, match="number is not in the SQL unchanged"):
        CompiledQuery(queries.OrderRow, _annotated(build))(number="1")


def _annotated(build: Any) -> Any:
    def annotated(number: str) -> Any:
        return build(number).annotate(unpaid_minor=queries._UNPAID, total=Value(1))

    return annotated


def test_expired_session_is_not_returned() -> None:
    from takeback.accounts.sessions import running_session

    session = factories.create_session(factories.create_customer())
    ends: datetime = Session.objects.get().expire_date

    assert running_session(session_key=session.session_key, now=ends) == []
    assert len(running_session(session_key=session.session_key, now=factories.NOW)) == 1


def test_relation_is_a_nested_row_or_none() -> None:
    from takeback.channel.orders.queries import items_of_orders

    bare = factories.items_of(factories.create_order(number="1"))[0]
    rich = factories.items_of(factories.create_full_order(number="2"))[0]

    without, with_, _ = items_of_orders(order_ids=[bare.order_id, rich.order_id])

    assert (without.price_list, without.data_source) == (None, None)
    assert with_.price_list is not None
    assert with_.price_list.id == rich.price_list_id
    assert without.product.id == bare.product_id
