"""Promise P19: whatever does not match, the answer to a look-up is the same to the last byte."""

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
def classes() -> dict[str, dict[str, str]]:
    """A pair for every reason why there can be nothing to show."""
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


def asked(pair: dict[str, str], **options: Any) -> tuple[Any, list[str]]:
    """The answer and the statements that it took, with their values left out."""
    with CaptureQueriesContext(connection) as queries:
        answer = look_up(HttpClient(), **pair, **options)
    return answer, [_bare(query["sql"]) for query in queries.captured_queries]


def _bare(sql: str) -> str:
    """The statement up to its first value."""
    return re.split(r"'|VALUES|\"s\d", sql, maxsplit=1)[0]


def told(answer: Any) -> tuple[int, bytes, dict[str, str], int]:
    """All that a caller can see of an answer, but for the request's own name."""
    headers = {name: value for name, value in answer.items() if name != "X-Request-Id"}
    return answer.status_code, answer.content, headers, len(answer.cookies)


@pytest.mark.parametrize("dialect", ["classic", "v3"])
def test_every_reason_for_finding_nothing_answers_with_the_same_bytes_and_headers(
    classes: dict[str, dict[str, str]], dialect: str
) -> None:
    headers = {"X-Takeback-Dialect": dialect}
    answers = {name: told(asked(pair, headers=headers)[0]) for name, pair in classes.items()}

    (status, body, fields, cookies), *others = answers.values()
    assert status == 400
    assert body == (
        b'{"non_field_errors":"We could not find an order with this number and e-mail address.",'
        b'"error_code":"order_lookup_100_1"}'
    )
    assert "Set-Cookie" not in fields
    assert cookies == 0
    assert all(other == (status, body, fields, cookies) for other in others)


def test_every_reason_for_finding_nothing_costs_the_same_statements(
    classes: dict[str, dict[str, str]],
) -> None:
    statements = [asked(pair)[1] for pair in classes.values()]

    assert len(statements[0]) == 5
    assert all(other == statements[0] for other in statements)


def test_every_reason_for_finding_nothing_logs_the_same_line(
    classes: dict[str, dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    logged = []
    for pair in classes.values():
        capfd.readouterr()
        asked(pair)
        out = capfd.readouterr().out
        assert f': "{pair["number"]}"' not in out
        assert pair["email"] not in out
        logged.append([_shape(line) for line in out.splitlines()])

    assert logged[0]
    assert all(lines == logged[0] for lines in logged)


def _shape(line: str) -> list[str]:
    """A line of the log without its times and names."""
    changing = ("request_id", "timestamp", '"ms"')
    return [part for part in line.split(", ") if not any(name in part for name in changing)]


def test_a_look_up_at_its_limit_answers_the_same_for_right_and_wrong_pairs(
    classes: dict[str, dict[str, str]], frozen_now: Any
) -> None:
    # L6
    for number in range(10):
        look_up(number=f"x{number}", email=f"{number}@example.com")

    right = look_up(number="1", email="one@example.com")
    wrong = [asked(pair)[0] for pair in classes.values()]

    assert right.status_code == 429
    assert all(told(answer) == told(right) for answer in wrong)


def test_a_shopper_who_is_signed_in_learns_no_more(classes: dict[str, dict[str, str]]) -> None:
    # L27: their own order is not a guest's either.
    user = factories.create_customer(email="other@example.com")
    client = factories.client_of(user)
    factories.create_order(number="5", customer=user)
    headers = token_of(client)

    stranger = look_up(client, number="5", email="other@example.com", headers=headers)
    silent = look_up(number="9", email="nine@example.com")

    assert (stranger.status_code, stranger.content) == (silent.status_code, silent.content)
    assert client.get("/current_user/").json()["email"] == "other@example.com"
