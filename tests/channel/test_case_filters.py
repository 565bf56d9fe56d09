"""Filters of cases: each filter finds exactly the matching cases; invalid values are refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings

from takeback.accounts.models import User
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.channel.cases.serializers import FILTERS
from takeback.core.normalize import name_key
from takeback.orders.models import Order, OrderItem
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

LIST, DETAILED, UPDATES = (
    f"/api/v1/channel/{factories.SHOP}/cancellation_requests/{path}"
    for path in ("", "detailed/", "updates/")
)


@pytest.fixture(autouse=True)
def _in_istanbul(settings: LazySettings) -> None:
    settings.SHOP_TIME_ZONE = "Europe/Istanbul"


def _case(number: str, *, kind: str = "cancel", **case: Any) -> CancellationRequest:
    item = factories.items_of(
        factories.create_order(number=number, guest=f"guest{number}@example.com")
    )[0]
    return factories.create_case(item=item, kind=kind, **case)


def _ids(caller: HttpClient, path: str = LIST, **query: Any) -> list[int]:
    response = caller.get(path, query)
    assert response.status_code == 200, response.json()
    page = response.json()
    assert page["count"] == len(page["results"])
    return [row["id"] for row in page["results"]]


def _the_one() -> CancellationRequest:
    """A case that differs from the others in every filtered column."""
    case = _case("AB-7", kind="refund", status="approved", easy_return=factories.create_easy_return(
        code="Code-7", tracking_number="Track-7"
    ))  # fmt: skip
    item = case.order_item
    OrderItem.objects.filter(pk=item.pk).update(sku="Sku-7")
    Order.objects.filter(pk=item.order_id).update(
        placed_at=datetime(2026, 3, 7, 21, 30, tzinfo=UTC)
    )
    User.objects.filter(pk=item.order.user_id).update(
        first_name_key=name_key("Iş\u0131l"), last_name_key=name_key("Straße")
    )
    plan = CancellationPlan.objects.create(
        order=item.order, plan_type="refund", status="approved",
        created_by_kind="staff", modified_by_kind="staff",
    )  # fmt: skip
    CancellationRequest.objects.filter(pk=case.pk).update(plan=plan)
    return case


# Days are those of the shop, three hours ahead of UTC: 21:30 UTC is after midnight.
FINDS: list[tuple[str, str]] = [
    ("status", "approved"),
    ("cancellation_type", "refund"),
    ("number", "ab-7"),
    ("date_placed", "2026-03-07T21:30:00Z"),
    ("date_placed", "2026-03-08T00:30:00+03:00"),
    ("date_placed__lte", "2026-03-07T21:30:00Z"),
    ("date_placed__lt", "2026-03-07T21:30:01Z"),
    ("date_placed__lt", "2026-03-08"),
    ("date_placed__date__lte", "2026-03-08"),
    ("date_placed__date__lt", "2026-03-09"),
    ("sku", "SKU-7"),
    ("customer_first_name", "IŞIL"),
    ("customer_first_name", " \u0131ş\u0131l "),
    ("customer_last_name", "STRAẞE"),
    ("customer_email", "GuestAB-7@Example.com"),
    ("cancellation_plan_status", "approved"),
    ("easy_return_code", "CODE-7"),
    ("tracking_number", "TRACK-7"),
]
MISSES: list[tuple[str, str]] = [
    ("status", "completed"),
    ("number", "AB"),
    ("number", "%"),
    ("number", "AB_7"),
    ("number", "'; DROP TABLE orders_order; --"),
    ("date_placed", "2026-03-07T21:30:00.000001Z"),
    ("date_placed__lt", "2026-03-07T21:30:00Z"),
    ("date_placed__date__lt", "2026-03-08"),
    ("date_placed__date__lte", "2026-03-07"),
    ("date_placed__date__gt", "9999-12-31"),
    ("date_placed__gte", "9999-12-31T23:59:59Z"),
    ("date_placed__date__lt", "0001-01-01"),
    ("sku", "_KU-1"),
    ("channel", "2"),
    ("channel", "9223372036854775807"),
    ("customer_first_name", "%"),
    ("customer_last_name", "Straß"),
    ("customer_email", "%@example.com"),
    ("customer_email", "\u0130"),
    ("order_id", "9223372036854775807"),
    ("cancellation_plan_status", "confirmation_waiting"),
    ("cancellation_plan_status", "waiting_for_payment"),
    ("cancellation_plan_status", "completed"),
    ("easy_return_code", "\u212aode-7"),
    ("tracking_number", "x" * 8_000),
    ("pk__in", "9223372036854775807"),
]


@pytest.mark.parametrize(("name", "value"), FINDS)
def test_filter_finds_only_matching_case(name: str, value: str) -> None:
    case, caller = _the_one(), shop.client()
    _case("other")

    assert _ids(caller, **{name: value}) == [case.pk]
    assert _ids(caller, UPDATES, **{name: value}) == [case.pk]
    if name != "date_placed":
        assert _ids(caller, DETAILED, **{name: value}) == [case.pk]


def test_plan_whose_refund_is_under_way_waits_for_payment() -> None:
    case = _the_one()
    CancellationPlan.objects.update(status="waiting_for_payment")

    caller = shop.client()
    assert _ids(caller, cancellation_plan_status="waiting_for_payment") == [case.pk]
    assert _ids(caller, cancellation_plan_status="approved") == []


@pytest.mark.parametrize(("name", "value"), MISSES)
def test_value_of_no_case_finds_nothing(name: str, value: str) -> None:
    _the_one()

    assert _ids(shop.client(), **{name: value}) == []


def test_date_and_id_filters_find_the_other_cases() -> None:
    case, caller = _the_one(), shop.client()
    other = _case("other")

    assert _ids(caller, date_placed__gt="2026-03-07T21:30:00Z") == [other.pk]
    assert _ids(caller, date_placed__gte="2026-03-07T21:30:00Z") == [other.pk, case.pk]
    assert _ids(caller, date_placed__date__gt="2026-03-08") == [other.pk]
    assert _ids(caller, date_placed__date__gte="2026-03-08") == [other.pk, case.pk]
    assert _ids(caller, date_placed__date__gt="2026-03-07") == [other.pk, case.pk]
    assert _ids(caller, date_placed__gte="2026-03-08", date_placed__lte="2026-03-07") == []
    assert _ids(caller, pk__in=f"{case.pk}, {other.pk}") == [other.pk, case.pk]
    assert _ids(caller, pk__in=f"{case.pk},99999") == [case.pk]
    assert _ids(caller, order_id=case.order_item.order_id, channel=factories.SHOP) == [case.pk]
    assert _ids(caller, status="approved", cancellation_type="cancel") == []


def test_every_filter_is_tested() -> None:
    others = {"pk__in", "order_id", "channel"}
    others |= {f"date_placed__{bound}" for bound in ("gt", "gte", "date__gt", "date__gte")}

    assert {name for name, _ in FINDS} | others == set(FILTERS)


def test_rejected_includes_withdrawn_and_lists_exclude_hidden_cases() -> None:
    caller = shop.client()
    withdrawn, rejected = (_case(name, status=name) for name in ("withdrawn", "rejected"))
    _case("hidden", status="rejected", is_hidden=True)

    assert _ids(caller, status="rejected") == [rejected.pk, withdrawn.pk]
    assert {row["status"] for row in caller.get(LIST).json()["results"]} == {"rejected"}


BAD: list[tuple[str, str]] = [
    *[("pk__in", text) for text in ("", " ", "1,,2", "1;2", "1,abc", "-1", "0", "1 2", "9" * 41)],
    ("pk__in", ",".join(map(str, range(1, 502)))),
    ("pk__in", "\u0661"),
    ("status", "evil"),
    ("status", "waiting,rejected"),
    ("status", "withdrawn"),
    ("status", "Waiting"),
    ("cancellation_type", "evil"),
    ("cancellation_plan_status", "evil"),
    ("date_placed", "abc"),
    ("date_placed__gte", "2026-02-30"),
    ("date_placed__gte", "9999-12-31T23:59:59-23:59"),
    ("date_placed__gte", "2026-01-01T00:00:00 03:00"),
    ("date_placed__lt", "1" * 10_240),
    ("date_placed__date__gt", "2026-01-01T00:00:00Z"),
    ("date_placed__date__gt", "2026-13-01"),
    ("channel", "abc"),
    ("channel", "9" * 41),
    ("order_id", "-1"),
    ("number", "a\x00b"),
    ("sku", "a\u202eb"),
    ("easy_return_code", "\x00"),
    ("tracking_number", "a\x1bb"),
    ("customer_email", "x" * 10_240),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_invalid_value_is_a_field_error(name: str, value: str) -> None:
    caller = shop.client()

    for path in (LIST, UPDATES, DETAILED):
        response = caller.get(path, {name: value})
        if path == DETAILED and name == "date_placed":
            assert response.json()["results"] == []
        else:
            assert (response.status_code, set(response.json())) == (400, {name, "code"})


@pytest.mark.parametrize("name", ["status", "number", "pk__in"])
def test_two_values_of_a_filter_are_refused(name: str) -> None:
    response = shop.client().get(LIST, {name: ["1", "2"]})

    assert response.json() == {name: ["Send this parameter only once."], "code": "invalid"}


def test_five_hundred_ids_are_accepted() -> None:
    case = _case("1")
    numbers = ",".join(str(case.pk + step) for step in range(500))

    assert _ids(shop.client(), pk__in=numbers) == [case.pk]


UNKNOWN = [
    "foo",
    "date_placed__regex",
    "customer_email__isnull",
    "order__customer__email",
    "password__startswith",
    "order_item__order__user__password__startswith",
    "_connector",
    "ordering",
    "is_hidden",
]


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_parameter_is_ignored(name: str) -> None:
    case = _case("1")

    assert _ids(shop.client(), **{name: "password"}) == [case.pk]
    assert _ids(shop.client(), **{name: "OR", "number": "2"}) == []
