"""The refunds that need a person: reasons, filters, pages, and the number in the navigation."""

import re
from typing import Any

import pytest
import zeal
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.desk.refund_labels import NEEDS
from takeback.desk.refund_queries import count_waiting_refunds
from takeback.refunds.models import Refund
from takeback.refunds.statuses import Attention
from tests import factories
from tests.desk.agents import agent, code_on, page_of
from tests.desk.test_decisions import text_of
from tests.refunds.rows import (
    create_account,
    create_paid_order,
    create_refund,
    create_waiting_refunds,
    days_ago,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

QUEUE = "/desk/refunds/"


def refunds_on(response: Any) -> list[int]:
    """The ids of the refunds that a page lists, in its order."""
    return [int(pk) for pk in re.findall(r'id="refund-(\d+)"', page_of(response))]


def count_on(response: Any) -> int:
    """The number next to the link in the navigation."""
    match = re.search(r'<strong class="count" aria-hidden="true">(\d+)</strong>', page_of(response))
    return int(match[1]) if match else 0


def test_every_reason_has_a_sentence_and_a_next_step() -> None:
    assert set(NEEDS) == {*(reason.value for reason in Attention), "second_person"}


def test_page_shows_each_reason_with_order_amount_age_and_next_step() -> None:
    order = create_paid_order()
    refunds = create_waiting_refunds(order)
    create_refund(order=order)  # needs nobody
    response = agent().get(QUEUE)
    text = text_of(response)

    assert refunds_on(response) == [refund.pk for refund in refunds.values()]
    for reason in refunds:
        need = NEEDS[reason]
        assert f"€1.00 · Order {order.number} Planned {need.reason} {need.next_step}" in text
    assert count_on(response) == len(refunds) == len(Attention) + 1


def test_oldest_refund_comes_first_with_its_age_and_account() -> None:
    create_account()
    order = create_paid_order()
    first = create_refund(order=order, attention="refused", created_date=days_ago(3))
    second = create_refund(order=order, attention="refused", created_date=days_ago(1))
    response = agent().get(QUEUE)
    assert refunds_on(response) == [first.pk, second.pk]
    assert "main 3 days ago" in text_of(response)
    assert "main 1 day ago" in text_of(response)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"needs_second_person": True, "approved_by_number": 5},
        {"needs_second_person": True, "status": "cancelled"},
        {"attention": "refused", "status": "cancelled"},
    ],
)
def test_refund_without_a_reason_is_not_listed(fields: dict[str, Any]) -> None:
    create_refund(order=create_paid_order(), **fields)
    response = agent().get(QUEUE)
    assert "No refund needs a person." in page_of(response)
    assert (refunds_on(response), count_on(response)) == ([], 0)


def test_refunds_of_other_channels_are_neither_listed_nor_counted() -> None:
    factories.create_channel(pk=2)
    create_refund(order=create_paid_order(channel_id=2), attention="refused")
    own = create_refund(order=create_paid_order(), attention="refused")

    response = agent().get(QUEUE)
    both = agent(username="both", channels=(1, 2)).get("/desk/")

    assert (refunds_on(response), count_on(response)) == ([own.pk], 1)
    assert count_on(both) == 2


def test_filters_by_reason_account_and_channel() -> None:
    factories.create_channel(pk=2)
    main, spare = create_account(), create_account(code="spare")
    order, far = create_paid_order(), create_paid_order(channel_id=2)
    refused = create_refund(order=order, attention="refused")
    second = create_refund(order=order, needs_second_person=True)
    both = create_refund(order=order, needs_second_person=True, attention="key_expired")
    moved = create_refund(order=order, attention="total_moved", account=spare)
    other = create_refund(order=far, attention="refused", account=None)
    client = agent(channels=(1, 2))
    expected = {
        "?reason=refused": [refused, other],
        "?reason=second_person": [second],
        "?reason=key_expired": [both],
        f"?account={main.pk}": [refused, second, both],
        f"?account={spare.pk}": [moved],
        "?channel=2": [other],
        f"?reason=refused&channel=1&account={main.pk}": [refused],
        "?reason=&channel=&unknown=1": [refused, second, both, moved, other],
    }
    with zeal.zeal_ignore():
        for query, refunds in expected.items():
            assert refunds_on(client.get(QUEUE + query)) == [row.pk for row in refunds], query


def test_filter_without_a_match_shows_a_sentence() -> None:
    create_refund(order=create_paid_order(), attention="refused")
    page = page_of(agent().get(f"{QUEUE}?reason=unreadable"))
    assert "No refunds match these filters." in page


@pytest.mark.parametrize("query", ["?reason=x", "?account=x", "?channel=-1"])
def test_invalid_filter_matches_nothing(query: str) -> None:
    create_refund(order=create_paid_order(), attention="refused")
    response = agent().get(QUEUE + query)
    assert (response.status_code, refunds_on(response)) == (400, [])
    assert 'role="alert"' in page_of(response)


def test_pages_have_fifty_refunds_and_keep_the_filters() -> None:
    order = create_paid_order(100_000)
    with zeal.zeal_ignore():
        ids = [create_refund(order=order, attention="refused").pk for _ in range(52)]
    client = agent()

    first = client.get(f"{QUEUE}?reason=refused")

    assert refunds_on(first) == ids[:50]
    assert f'href="{QUEUE}?reason=refused&amp;start={ids[50]}"' in page_of(first)
    second = client.get(f"{QUEUE}?reason=refused&start={ids[50]}")
    assert refunds_on(second) == ids[50:]
    assert f'href="{QUEUE}?reason=refused">First page' in page_of(second)
    assert client.get(f"{QUEUE}?start=x").status_code == 404


def test_paused_accounts_are_named_with_the_reason() -> None:
    create_account(paused_because="Provider is away")
    create_account(code="spare", paused_because="restored")
    create_account(code="old", paused_because="staff", is_active=False)
    text = text_of(agent().get(QUEUE))
    assert "Payment account main is paused: its refunds are not sent. Provider is away" in text
    assert "Payment account spare is paused" in text
    assert "run “takeback reconcile”" in text
    assert "account old" not in text


@pytest.mark.parametrize(("scopes", "is_shown"), [(["read"], False), (["read", "money"], True)])
def test_links_to_payment_accounts_need_the_scope_money(scopes: list[str], is_shown: bool) -> None:
    create_account(paused_because="staff")
    page = page_of(agent(scopes=scopes).get(QUEUE))
    assert ("/payment-accounts" in page) is is_shown


def test_page_needs_the_scope_read() -> None:
    response = agent(scopes=["decide"]).get(QUEUE)
    assert (response.status_code, code_on(response)) == (403, "permission_denied")


@pytest.mark.parametrize("language", ["tr", "en", "de", "ar"])
def test_page_is_shown_in_each_language(language: str) -> None:
    create_waiting_refunds(create_paid_order())
    response = agent().get(QUEUE, headers={"accept-language": language})
    assert response.status_code == 200
    assert f'lang="{language}"' in page_of(response)


@pytest.mark.parametrize("count", [1, 12])
def test_query_count_of_the_page_is_constant(count: int, django_assert_num_queries: Any) -> None:
    create_account()
    order = create_paid_order(100_000)
    with zeal.zeal_ignore():
        for _ in range(count):
            create_refund(order=order, attention="refused")
    client = agent()
    with django_assert_num_queries(5):
        assert len(refunds_on(client.get(QUEUE))) == count


def test_partial_index_serves_the_number_in_the_navigation() -> None:
    """Among many refunds the few that need a person are counted without reading the others."""
    order = create_paid_order(10_000_000)
    template = create_refund(order=order, status="confirmed")
    columns = {
        field.attname: getattr(template, field.attname)
        for field in Refund._meta.concrete_fields
        if field.attname not in ("id", "uuid")
    }
    Refund.objects.bulk_create(Refund(**columns) for _ in range(3000))
    create_refund(order=order, attention="refused")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE refunds_refund")

    with CaptureQueriesContext(connection) as queries:
        assert count_waiting_refunds([1]) == 1

    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(explain + queries[-1]["sql"])
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "refunds_for_a_person" in plan
