"""Asking for a channel's orders."""

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
        shop.send(caller, shop.document({"number": number}))
    return caller


def test_an_order_is_found_by_its_whole_number_only() -> None:
    caller = _three()

    found = shop.find(caller, "A-2").json()

    assert found["count"] == 1
    assert (found["next"], found["previous"]) == (None, None)
    assert [order["number"] for order in found["results"]] == ["A-2"]
    for other in ("a-2", "A-", "A-22", "%", "A_2"):
        assert shop.find(caller, other).json() == EMPTY


def test_spaces_around_a_number_do_not_matter() -> None:
    assert shop.find(_three(), " A-2 ").json()["count"] == 1


def test_all_orders_come_in_pages_the_newest_first() -> None:
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
    answer = _three().get(PATH, query)

    assert answer.status_code == 200
    assert answer.json()["count"] == len(answer.json()["results"]) == 3


def test_a_page_holds_a_hundred_orders_at_most() -> None:
    factories.make_channel()
    with zeal.zeal_ignore():
        for number in range(101):
            factories.make_order(number=str(number))

    answer = shop.client().get(PATH, {"limit": "10000000"}).json()

    assert (answer["count"], len(answer["results"])) == (101, 100)


@pytest.mark.parametrize("page", ["0", "-1", "2", "1000000000", "x", "", "10" * 20])
@pytest.mark.parametrize("number", [None, "A-1"])
def test_a_page_that_is_not_there_is_not_found(page: str, number: str | None) -> None:
    answer = _three().get(PATH, {"page": page} | ({"number": number} if number else {}))

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not found.", "code": "not_found"}


@pytest.mark.parametrize("number", ["A\x00", "\x00", "A\u202e1", "A\n1", "\u200b"])
def test_invisible_characters_in_a_number_are_a_field_error(number: str) -> None:
    answer = shop.find(_three(), number)

    assert answer.status_code == 400
    assert answer.json() == {
        "number": ["Control characters are not allowed."],
        "code": "invalid",
    }


@pytest.mark.parametrize("number", ["'", '"', "';--", "\u0130", "\u0131", "\\", "%27", "x" * 4000])
def test_other_characters_in_a_number_are_taken_literally(number: str) -> None:
    assert shop.find(_three(), number).json() == EMPTY


def test_two_numbers_at_once_are_no_question() -> None:
    caller = _three()

    answer = caller.get(PATH, {"number": ["A-1", "A-2"]})

    assert answer.status_code == 400
    assert answer.json() == {"number": ["Send this parameter once."], "code": "invalid"}
    assert caller.get(PATH, {"number": ["A-1", "A-1"]}).json()["count"] == 1


def test_orders_that_came_another_way_are_found_too() -> None:
    order = factories.make_rich_order()

    (found,) = shop.find(shop.client(), order.number).json()["results"]

    assert (found["id"], found["amount"]) == (order.pk, order.amount_minor / 100)
    line = found["orderitem_set"][0]
    assert line["price_list"]["code"] == line["stock_list"]["code"] == "T"
    assert line["datasource"]["token"] is None
    assert line["shipping_option_group"]["amount"] == 5
    assert line["benefitapplicant_set"][0]["amount"] == line["discount_amount"]


@pytest.mark.parametrize("query", [{}, {"number": "3"}])
def test_a_list_costs_the_same_number_of_queries_however_long_it_is(query: dict[str, str]) -> None:
    with zeal.zeal_ignore():
        for number in range(30):
            factories.make_order(number=str(number))
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as asked:
        answer = caller.get(PATH, {"limit": "100"} | query)

    assert answer.status_code == 200
    # The key, its limit, the orders, their lines, the shares; without a number also the count.
    assert len(asked) == (5 if query else 6)


def test_the_first_call_of_a_minute_notes_that_the_key_is_used() -> None:
    caller = _three()
    ApiKey.objects.update(last_used_at=None)

    with CaptureQueriesContext(connection) as asked:
        shop.find(caller)

    assert [query["sql"].split()[0] for query in asked] == ["SELECT", "INSERT", "UPDATE", "SELECT"]
    assert ApiKey.objects.get().last_used_at is not None
