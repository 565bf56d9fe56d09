"""Promise P19: all mismatches of a look-up get the same response, byte for byte."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.cancellations.models import CancellationRequest
from takeback.orders.models import Order
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import look_up, token_of

pytestmark = pytest.mark.django_db

OTHER_SHOP = 2


@pytest.fixture
def mismatches() -> dict[str, dict[str, str]]:
    """A pair for each kind of mismatch."""
    customer = factories.create_customer()
    factories.create_order(number="1", guest="one@example.com")
    factories.create_order(number="2", customer=customer)
    factories.create_order(number="3", guest="three@example.com", channel_id=OTHER_SHOP)
    erased = factories.create_order(number="4", guest="four@example.com")
    CancellationRequest.objects.filter(order_item__order=erased).delete()
    Order.objects.filter(pk=erased.pk).update(is_finalized=False)
    Order.objects.filter(pk=erased.pk).delete()
    return {
        "unknown number": {"number": "9", "email": "one@example.com"},
        "other e-mail": {"number": "1", "email": "two@example.com"},
        "registered customer's order": {"number": "2", "email": customer.email},
        "other shop's order": {"number": "3", "email": "three@example.com"},
        "erased order": {"number": "4", "email": "four@example.com"},
    }


def look_up_statements(pair: dict[str, str], **options: Any) -> tuple[Any, list[str]]:
    """The response, and its statements without their values."""
    with CaptureQueriesContext(connection) as queries:
        response = look_up(HttpClient(), **pair, **options)
    return response, [bare(query["sql"]) for query in queries.captured_queries]


def bare(sql: str) -> str:
    """The statement up to its first value."""
    return re.split(r"'|VALUES|\"s\d", sql, maxsplit=1)[0]


def visible_parts(response: Any) -> tuple[int, bytes, dict[str, str], int]:
    """The visible parts of a response, without the request id."""
    headers = {name: value for name, value in response.items() if name != "X-Request-Id"}
    return response.status_code, response.content, headers, len(response.cookies)


@pytest.mark.parametrize("dialect", ["classic", "v3"])
def test_all_mismatches_get_the_same_bytes_and_headers(
    mismatches: dict[str, dict[str, str]], dialect: str
) -> None:
    headers = {"X-Takeback-Dialect": dialect}
    responses = {
        name: visible_parts(look_up_statements(pair, headers=headers)[0])
        for name, pair in mismatches.items()
    }

    (status, body, fields, cookies), *others = responses.values()
    assert status == 400
    assert body == (
        b'{"non_field_errors":"We could not find an order with this number and e-mail address.",'
        b'"error_code":"order_lookup_100_1"}'
    )
    assert "Set-Cookie" not in fields
    assert cookies == 0
    assert all(other == (status, body, fields, cookies) for other in others)


def test_all_mismatches_run_the_same_statements(
    mismatches: dict[str, dict[str, str]],
) -> None:
    # An address each: the fifth failure of one raises an alarm, which is one more statement.
    statements = [
        look_up_statements(pair, address=f"192.0.2.{place}")[1]
        for place, pair in enumerate(mismatches.values())
    ]

    assert len(statements[0]) == 5
    assert all(other == statements[0] for other in statements)


def test_all_mismatches_log_the_same_entries(
    mismatches: dict[str, dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    logged = []
    for place, pair in enumerate(mismatches.values()):
        capfd.readouterr()
        look_up_statements(pair, address=f"192.0.2.{place}")
        out = capfd.readouterr().out
        assert f': "{pair["number"]}"' not in out
        assert pair["email"] not in out
        logged.append([_shape(entry) for entry in out.splitlines()])

    assert logged[0]
    assert all(entries == logged[0] for entries in logged)


def _shape(entry: str) -> list[str]:
    """An entry of the log without times and request id."""
    changing = ("request_id", "timestamp", '"ms"')
    return [part for part in entry.split(", ") if not any(name in part for name in changing)]


def test_limit_refuses_matching_and_other_pairs_alike(
    mismatches: dict[str, dict[str, str]], frozen_now: Any
) -> None:
    for number in range(10):
        look_up(number=f"x{number}", email=f"{number}@example.com")

    right = look_up(number="1", email="one@example.com")
    wrong = [look_up_statements(pair)[0] for pair in mismatches.values()]

    assert right.status_code == 429
    assert all(visible_parts(response) == visible_parts(right) for response in wrong)


def test_signed_in_customer_gets_the_same_refusal(mismatches: dict[str, dict[str, str]]) -> None:
    # The order of a customer is not a guest's order.
    user = factories.create_customer(email="other@example.com")
    client = factories.client_of(user)
    factories.create_order(number="5", customer=user)
    headers = token_of(client)

    own = look_up(client, number="5", email="other@example.com", headers=headers)
    unknown = look_up(number="9", email="nine@example.com")

    assert (own.status_code, own.content) == (unknown.status_code, unknown.content)
    assert client.get("/current_user/").json()["email"] == "other@example.com"
