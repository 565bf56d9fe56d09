"""Lists of a channel's orders."""

from typing import Any

import pytest
import zeal
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import ApiKey
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}
PATH = "/api/v1/channel/1/orders/"


def _three() -> Any:
    caller = shop.client()
    for number in ("A-1", "A-2", "A-3"):
        shop.create_order(caller, shop.order_body({"number": number}))
    return caller


def test_order_is_found_by_its_exact_number() -> None:
    caller = _three()

    page = shop.find_orders(caller, "A-2").json()

    assert page["count"] == 1
    assert (page["next"], page["previous"]) == (None, None)
    assert [order["number"] for order in page["results"]] == ["A-2"]
    for other in ("a-2", "A-", "A-22", "%", "A_2"):
        assert shop.find_orders(caller, other).json() == EMPTY


def test_spaces_around_a_number_are_ignored() -> None:
    assert shop.find_orders(_three(), " A-2 ").json()["count"] == 1


def test_orders_are_paged_newest_first() -> None:
    caller = _three()

    first = caller.get(PATH, {"limit": 2}).json()
    second = caller.get(PATH, {"limit": 2, "page": 2}).json()

    assert [order["number"] for order in first["results"]] == ["A-3", "A-2"]
    assert [order["number"] for order in second["results"]] == ["A-1"]
    assert (first["count"], second["count"]) == (3, 3)
    assert first["next"] == f"{settings.SITE_URL}{PATH}?limit=2&page=2"
    assert (first["previous"], second["next"]) == (None, None)
    assert second["previous"] == f"{settings.SITE_URL}{PATH}?limit=2&page=1"


@pytest.mark.parametrize(
    "query",
    [
        {"number": ""},
        {"limit": "10000000"},
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "x"},
        {"page_size": "50"},
        {"state": "evil", "ordering": "password", "number__regex": ".*", "page": "1"},
        {"number__startswith": "B", "customer__password__startswith": "a"},
    ],
)
def test_other_parameters_change_nothing(query: dict[str, str]) -> None:
    response = _three().get(PATH, query)

    assert response.status_code == 200
    assert response.json()["count"] == len(response.json()["results"]) == 3


def test_page_holds_at_most_a_hundred_orders() -> None:
    factories.create_channel()
    with zeal.zeal_ignore():
        for number in range(101):
            factories.create_order(number=str(number))

    page = shop.client().get(PATH, {"limit": "10000000"}).json()

    assert (page["count"], len(page["results"])) == (101, 100)


@pytest.mark.parametrize("page", ["0", "-1", "2", "1000000000", "x", "", "10" * 20])
@pytest.mark.parametrize("number", [None, "A-1"])
def test_missing_page_is_not_found(page: str, number: str | None) -> None:
    response = _three().get(PATH, {"page": page} | ({"number": number} if number else {}))

    assert response.status_code == 404
    assert response.json() == {"detail": "Not found.", "code": "not_found"}


@pytest.mark.parametrize("number", ["A\x00", "\x00", "A\u202e1", "A\n1", "\u200b"])
def test_invisible_characters_in_a_number_are_a_field_error(number: str) -> None:
    response = shop.find_orders(_three(), number)

    assert response.status_code == 400
    assert response.json() == {
        "number": ["Control characters are not allowed."],
        "code": "invalid",
    }


@pytest.mark.parametrize("number", ["'", '"', "';--", "\u0130", "\u0131", "\\", "%27", "x" * 4000])
def test_special_characters_in_a_number_are_literal(number: str) -> None:
    assert shop.find_orders(_three(), number).json() == EMPTY


def test_two_different_numbers_are_refused() -> None:
    caller = _three()

    response = caller.get(PATH, {"number": ["A-1", "A-2"]})

    assert response.status_code == 400
    assert response.json() == {"number": ["Send this parameter only once."], "code": "invalid"}
    assert caller.get(PATH, {"number": ["A-1", "A-1"]}).json()["count"] == 1


def test_orders_of_other_sources_are_found() -> None:
    order = factories.create_full_order()

    (document,) = shop.find_orders(shop.client(), order.number).json()["results"]

    assert (document["id"], document["amount"]) == (order.pk, order.amount_minor / 100)
    item = document["orderitem_set"][0]
    assert item["price_list"]["code"] == item["stock_list"]["code"] == "T"
    assert item["datasource"]["token"] is None
    assert item["shipping_option_group"]["amount"] == 5
    assert item["benefitapplicant_set"][0]["amount"] == item["discount_amount"]


@pytest.mark.parametrize("query", [{}, {"number": "3"}])
def test_list_needs_the_same_queries_for_any_length(query: dict[str, str]) -> None:
    with zeal.zeal_ignore():
        for number in range(30):
            factories.create_order(number=str(number))
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as queries:
        response = caller.get(PATH, {"limit": "100"} | query)

    assert response.status_code == 200
    # Key, rate limit, orders, statuses, items, shares; without a number also the count.
    assert len(queries) == (6 if query else 7)


def test_first_request_of_a_minute_updates_last_used_at() -> None:
    caller = _three()
    ApiKey.objects.update(last_used_at=None)

    with CaptureQueriesContext(connection) as queries:
        shop.find_orders(caller)

    assert [query["sql"].split()[0] for query in queries] == [
        "SELECT",
        "INSERT",
        "UPDATE",
        "SELECT",
    ]
    assert ApiKey.objects.get().last_used_at is not None
