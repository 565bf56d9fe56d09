"""Every compiled query gives the rows of its queryset, on the database this run is on."""

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
from takeback.channel_sync import commands as exchange
from takeback.channel_sync.content_types import ContentType
from takeback.core.db.compiled_query import CompiledQuery
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders import queries
from takeback.orders.models import Order, Snapshot
from tests import factories

pytestmark = pytest.mark.django_db


def compiled_queries() -> dict[str, CompiledQuery[Any]]:
    """All that any module keeps, by name."""
    found = {}
    for module in pkgutil.walk_packages(takeback.__path__, "takeback."):
        if module.name.endswith((".queries", ".sessions")):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, CompiledQuery):
                    found[f"{value.build.__module__}.{name}"] = value
    return found


QUERIES = compiled_queries() | {"takeback.orders.queries._first_page": queries._first_page(2)}


def _known() -> dict[str, list[Any]]:
    """For every argument by name: what finds rows, and what finds none."""
    user = factories.make_customer()
    first = factories.make_rich_order(customer=user)
    orders = [
        first,
        factories.make_order(customer=user, number="2"),
        factories.make_order(number="3"),
    ]
    factories.make_address(user=user)
    factories.make_old_order(customer=user, lines=1)
    key = factories.session_of(user).session_key
    api_key = ApiKey.objects.create(name="till", public_id="abcdefgh", secret_hash="x")
    api_key.channels.add(factories.SHOP)
    _exchange()
    cases = [row.pk for row in _cases(orders)]
    plan = factories.make_plan(case=cases[0])
    return {
        "user_id": [user.pk, 0],
        "user_ids": [[user.pk], []],
        "key_id": [api_key.pk, 0],
        "order_id": [first.pk, 0],
        "request_id": [cases[0], 0],
        "order_ids": [[order.pk for order in orders], [first.pk], []],
        "request_ids": [cases, []],
        "case_ids": [cases, []],
        "plan_ids": [[plan.pk], []],
        "snapshot_ids": [[*Snapshot.objects.values_list("pk", flat=True)], []],
        "item_ids": [[item.pk for item in factories.items_of(first)], []],
        "reason_ids": [[row.pk for row in CancellationReason.objects.all()], []],
        "carrier_ids": [[row.pk for row in EasyReturnShippingCompany.objects.all()], []],
        "address_ids": [[row.pk for row in Address.objects.filter(is_copy=False)], []],
        "channel_id": [factories.SHOP, 0],
        "channel_ids": [[factories.SHOP, 2], []],
        "number": ["3", "unknown"],
        "email_key": [factories.GUEST, "else@example.com"],
        "session_key": [key, "x"],
        "public_id": ["abcdefgh", "x"],
        "now": [factories.NOW.replace(year=2020)],
    }


def _exchange() -> None:
    """A batch with an object, and a report about it."""
    batch_id = exchange.open_batch(factories.SHOP, factories.NOW)
    told = exchange.ObjectIn(ContentType.PRODUCT, 7, "p-7", factories.NOW)
    exchange.change_batch(factories.SHOP, batch_id, exchange.BatchIn(objects=[told]), factories.NOW)
    exchange.report(
        factories.SHOP,
        exchange.ReportIn(
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
    return [factories.make_request(item=factories.items_of(order)[0]) for order in orders[1:]]


def _flat(value: Any, kind: Any) -> list[Any]:
    """The columns of a row in a line; a relation that is None stands for all of its columns."""
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
    """Equal in value and type; a JSON column comes as its text."""
    if isinstance(expected, dict | list) and isinstance(column, str):
        return bool(json.loads(column) == expected)
    return type(column) is type(expected) and bool(column == expected)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_compiled_query_gives_the_rows_of_its_queryset(name: str) -> None:
    query, known = QUERIES[name], _known()
    wanted = [key for key in get_annotations(query.build) if key != "return"]
    missing = [key for key in wanted if key not in known]
    assert not missing, f"tell this test which values {missing} may have"

    widest = 0
    for position in range(max([len(known[key]) for key in wanted] or [1])):
        arguments = {key: known[key][min(position, len(known[key]) - 1)] for key in wanted}
        expected = list(query.queryset(**arguments))
        given = [_flat(row, query.row) for row in query(**arguments)]
        assert len(given) == len(expected)
        for row, other in zip(given, expected, strict=True):
            pairs = zip(query.columns, row, other, strict=True)
            assert [name for name, one, two in pairs if not _like(one, two)] == []
        widest = max(widest, len(given))
    assert widest, "it never found a row"


def test_a_compiled_query_is_made_into_sql_once() -> None:
    order = factories.make_order()
    query = CompiledQuery(queries.OrderRow, queries._orders_by_id)

    query(order_ids=[order.pk])
    (statement,) = query._statements.values()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        (row,) = query(order_ids=[order.pk])

    assert row.id == order.pk
    assert query._statements == {connection.vendor: statement}
    assert len(asked) == 1


def test_none_is_refused_as_an_argument() -> None:
    with pytest.raises(TypeError, match="None would change the SQL"):
        queries.own_order(user_id=None, order_id=1)


def test_an_argument_that_the_sql_does_not_hold_as_it_is_is_refused() -> None:
    def build(number: str) -> Any:
        return Order.objects.filter(number__icontains=number)

    with pytest.raises(TypeError, match="number does not reach the SQL as it is"):
        CompiledQuery(queries.OrderRow, _annotated(build))(number="1")


def _annotated(build: Any) -> Any:
    def annotated(number: str) -> Any:
        return build(number).annotate(unpaid_minor=queries._UNPAID, total=Value(1))

    return annotated


def test_an_expired_session_is_not_found() -> None:
    from takeback.accounts.sessions import running_session

    session = factories.session_of(factories.make_customer())
    ends: datetime = Session.objects.get().expire_date

    assert running_session(session_key=session.session_key, now=ends) == []
    assert len(running_session(session_key=session.session_key, now=factories.NOW)) == 1


def test_a_relation_is_a_row_of_its_own_and_none_where_there_is_nothing() -> None:
    from takeback.channel.orders.queries import items_of

    bare = factories.items_of(factories.make_order(number="1"))[0]
    rich = factories.items_of(factories.make_rich_order(number="2"))[0]

    without, with_, _ = items_of(order_ids=[bare.order_id, rich.order_id])

    assert (without.price_list, without.data_source) == (None, None)
    assert with_.price_list is not None
    assert with_.price_list.id == rich.price_list_id
    assert without.product.id == bare.product_id
