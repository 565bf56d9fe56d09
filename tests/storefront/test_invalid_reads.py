"""Reading with invalid ids, pages, limits and filters, and reading foreign objects."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import Session
from takeback.orders.models import Order
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import assert_field_errors, assert_refused, nothing_written, verify_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

ORDERS = "/users/orders/"
LISTS = [
    ORDERS,
    "/users/orders/cancellation_requests/",
    "/users/old-orders/",
    "/address/",
    "/address/detailed/",
]
DETAILS = [
    "/users/orders/{}/",
    "/users/orders/{}/cancellation/",
    "/users/old-orders/{}/",
    "/address/{}/",
]
INVALID_IDS = [
    "0", "-1", "abc", "1.0", "+1", "1e3", "9" * 5_000, "%00", "1%00", "%D9%A1", "%EF%BC%91",
    "1%0A", "%20", "null", "None", str(2**63), str(2**63 - 1), "999999",
]  # fmt: skip


@pytest.fixture
def shop() -> tuple[HttpClient, dict[str, int]]:
    """A customer, and the ids of objects of another customer."""
    other = factories.create_customer(email="other@example.com")
    order = factories.create_order(number="1", customer=other)
    ids = {
        "/users/orders/{}/": order.pk,
        "/users/orders/{}/cancellation/": order.pk,
        "/users/old-orders/{}/": factories.create_old_order(customer=other).pk,
        "/address/{}/": factories.create_address(user=other).pk,
    }
    return factories.client_of(factories.create_customer()), ids


@pytest.mark.parametrize("path", [*LISTS, *(path.format(1) for path in DETAILS), "/current_user/"])
def test_reading_requires_a_session(path: str) -> None:
    factories.create_order()

    with nothing_written():
        assert_refused(HttpClient().get(path), 401, "not_authenticated")
        assert "Location" not in HttpClient().get(path)


def test_expired_session_is_not_authenticated() -> None:
    client = factories.client_of(factories.create_customer())
    Session.objects.update(expire_date=factories.NOW - timedelta(seconds=1))

    assert_refused(client.get(ORDERS), 401, "not_authenticated")


@pytest.mark.parametrize("path", DETAILS)
def test_foreign_object_gets_the_response_of_a_missing_one(
    shop: tuple[HttpClient, dict[str, int]], path: str
) -> None:
    client, ids = shop
    foreign = client.get(path.format(ids[path]))

    with nothing_written():
        responses = [client.get(path.format(pk)) for pk in INVALID_IDS]

    assert_refused(foreign, 404, "not_found")
    assert {response.status_code for response in responses} == {404}
    assert {response.content for response in responses} == {foreign.content}


def test_guest_reads_the_verified_order_only(shop: tuple[HttpClient, dict[str, int]]) -> None:
    _, ids = shop
    factories.create_order(number="2")
    verified = factories.create_order(number="3")
    client = HttpClient()
    verify_order(client, number="3")

    for pk in (ids["/users/orders/{}/"], Order.objects.get(number="2").pk, *INVALID_IDS):
        assert_refused(client.get(f"/users/orders/{pk}/"), 404, "not_found")
    assert client.get(f"/users/orders/{verified.pk}/").json()["number"] == "3"
    for path in LISTS[1:]:
        assert_refused(client.get(path), 401, "not_authenticated")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("page", ["0", "-1", "abc", "9" * 18, "9" * 400, "1.5", "%D9%A1", "2"])
def test_invalid_page_is_missing(path: str, page: str) -> None:
    client = factories.client_of(factories.create_customer())

    assert_refused(client.get(f"{path}?page={page}"), 404, "not_found")


@pytest.mark.parametrize("query", ["page=", "page=&page=2"])
def test_blank_and_repeated_page_parameters_are_refused(query: str) -> None:
    user = factories.create_customer()
    factories.create_order(customer=user)

    assert_refused(factories.client_of(user).get(f"{ORDERS}?{query}"), 404, "not_found")


@pytest.mark.parametrize(
    ("limit", "rows"),
    [("0", 1), ("-1", 10), ("101", 100), ("1000000000", 100), ("all", 10), ("", 10), ("12+", 12)],
)
def test_limit_is_between_one_and_a_hundred(limit: str, rows: int) -> None:
    user = factories.create_customer()
    for number in range(101):
        factories.create_old_order(customer=user, number=str(number))
    client = factories.client_of(user)

    page = client.get(f"/users/old-orders/?limit={limit}").json()

    expected = 10 if limit == "0" else rows
    assert (page["count"], len(page["results"])) == (101, expected)


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ("10", ["A100", "B10"]), ("a1", ["A100"]), ("%25", ["C%"]), ("_", ["D_"]),
        ("%5C", ["E\\"]), (".*", []), ("%27", []), ("zzz", []), ("%20A100%20", ["A100"]),
        ("", ["A100", "B10", "C%", "D_", "E\\"]), ("%20", ["A100", "B10", "C%", "D_", "E\\"]),
    ],
)  # fmt: skip
def test_search_takes_wildcards_literally(search: str, numbers: list[str]) -> None:
    user = factories.create_customer()
    for number in ("A100", "B10", "C%", "D_", "E\\"):
        factories.create_order(customer=user, number=number)

    page = factories.client_of(user).get(f"{ORDERS}?search={search}").json()

    assert sorted(factories.order_numbers(page["results"])) == numbers


@pytest.mark.parametrize("search", ["%00", "a%00b", "%E2%80%AE", "x" * 129, "x" * 10_240])
def test_invalid_search_is_a_field_error(search: str) -> None:
    client = factories.client_of(factories.create_customer())

    assert_field_errors(client.get(f"{ORDERS}?search={search}"), "search")


BAD_FILTERS = [
    ("last_month", "maybe"), ("last_month", "1"), ("last_month", "True"),
    ("created_date__gte", "2026-02-30"), ("created_date__gte", "abc"),
    ("created_date__gte", "9999-12-31T23:59:59-23:59"), ("created_date__gte", "20260101"),
    ("created_date__gte", "2026-W01-1"), ("created_date__gte", "0000-01-01"),
    ("created_date__gte", "%D9%A2026-01-01"), ("created_date__lte", "2026-1-1"),
    ("created_date__lte", "2026-01-01T25:00"), ("created_date__lte", "10000-01-01"),
    ("created_date__lte", "2026-01-01%00"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD_FILTERS)
def test_invalid_filter_is_a_field_error(name: str, value: str) -> None:
    client = factories.client_of(factories.create_customer())

    assert_field_errors(client.get(f"{ORDERS}?{name}={value}"), name)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("last_month=true", ["new"]),
        ("last_month=false", ["new", "old"]),
        ("created_date__gte=2026-01-01", ["new"]),
        ("created_date__gte=2026-03-10", ["new"]),
        ("created_date__gte=2026-03-10T12:00:00Z", ["new"]),
        ("created_date__gte=2026-03-10T12:00:00.000001Z", []),
        ("created_date__gte=2026-03-10T13:00:00%2B01:00", ["new"]),
        ("created_date__lte=2025-01-01", ["old"]),
        ("created_date__lte=2024-12-31", []),
        ("created_date__gte=2025-01-01+&created_date__lte=2026-01-01+&limit=12+", ["old"]),
        ("last_month=true&created_date__lte=2025-06-01", []),
        ("last_month=true&created_date__gte=2020-01-01", ["new"]),
        ("created_date__gte=2027-01-01&created_date__lte=2020-01-01", []),
    ],
)
def test_filters_select_orders_by_their_date(query: str, numbers: list[str]) -> None:
    user = factories.create_customer()
    factories.create_order(customer=user, number="new")
    factories.create_order(
        customer=user, number="old", placed_at=factories.NOW.replace(2025, 1, 1, 0)
    )

    page = factories.client_of(user).get(f"{ORDERS}?{query}").json()

    assert factories.order_numbers(page["results"]) == numbers
    assert page["count"] == len(numbers)


@pytest.mark.parametrize(
    "query",
    [
        "foo=1", "_connector=OR", "user=1", "order__user__password__startswith=p",
        "ordering=password", "format=json", "track=true", "cancel=true", "created_date__gt=abc",
        "user__email__regex=.*", "pk__in=1,abc",
    ],
)  # fmt: skip
def test_unknown_parameter_is_ignored(query: str) -> None:
    user = factories.create_customer()
    factories.create_order(customer=user)
    client = factories.client_of(user)
    plain = client.get(ORDERS).json()

    for path in LISTS:
        assert client.get(f"{path}?{query}").status_code == 200
    assert client.get(f"{ORDERS}?{query}").json()["results"] == plain["results"]


def test_links_start_with_the_site_url_and_keep_the_query(settings: Any) -> None:
    settings.SITE_URL = "https://shop.example"
    settings.ALLOWED_HOSTS = ["evil.example", "testserver"]
    user = factories.create_customer()
    for number in range(3):
        factories.create_order(customer=user, number=str(number))

    page = (
        factories.client_of(user)
        .get(
            f"{ORDERS}?page=2&limit=1&format=json",
            headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        )
        .json()
    )

    assert page["next"] == "https://shop.example/users/orders/?limit=1&format=json&page=3"
    assert page["previous"] == "https://shop.example/users/orders/?limit=1&format=json&page=1"
    assert factories.order_numbers(page["results"]) == ["1"]


def test_deep_page_of_a_large_account_takes_as_many_queries_as_the_first(
    long_run: bool,
) -> None:
    count = 10_000 if long_run else 300
    user = factories.create_customer()
    factories.create_orders(customer=user, count=count)
    client = factories.client_of(user)
    client.get(ORDERS)
    with CaptureQueriesContext(connection) as first:
        client.get(f"{ORDERS}?limit=100")

    with CaptureQueriesContext(connection) as deep:
        page = client.get(f"{ORDERS}?page={count // 100}&limit=100").json()

    assert (page["count"], len(page["results"]), page["next"]) == (count, 100, None)
    assert len(deep) == len(first)


@pytest.mark.parametrize("kind", ["evil", "CANCEL", "cancel,refund", "0", "%00"])
def test_unknown_kind_of_reasons_is_a_field_error(kind: str) -> None:
    factories.create_channel()

    path = "/users/orders/cancellation_reasons/"
    assert_field_errors(HttpClient().get(f"{path}?cancellation_type={kind}"), "cancellation_type")


def test_reasons_are_active_ones_of_the_channel_in_display_order() -> None:
    factories.create_channel()
    factories.create_channel(pk=2)
    reasons: list[dict[str, Any]] = [
        {"subject": "later", "order": 200},
        {"subject": "first", "order": 1},
        {"subject": "of ours", "order": 2, "channel_id": factories.SHOP},
        {"subject": "return", "order": 3, "kind": "refund"},
        {"subject": "of others", "channel_id": 2},
        {"subject": "gone", "is_active": False},
    ]
    for fields in reasons:
        factories.create_reason(**fields)

    path = "/users/orders/cancellation_reasons/"
    all_reasons = HttpClient().get(path).json()
    returns = HttpClient().get(f"{path}?cancellation_type=refund").json()

    subjects = [reason["subject"] for reason in all_reasons["results"]]
    assert subjects == ["first", "of ours", "return", "later"]
    assert [reason["subject"] for reason in returns["results"]] == ["return"]
    assert (all_reasons["count"], all_reasons["next"]) == (4, None)
