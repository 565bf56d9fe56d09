"""The queue, its order, filters and pages; and the activity of staff."""

from datetime import timedelta
from typing import Any

import pytest
import zeal

from takeback.cancellations.models import CancellationPlan, CancellationRequest
from tests import factories
from tests.desk.agents import (
    agent,
    browser_of,
    code_on,
    filter_queue,
    member,
    page_of,
    rows_on,
    send,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

STATUSES = "waiting", "waiting_approval", "confirmed", "approved", "completed", "rejected"


def case(number: str, **fields: Any) -> CancellationRequest:
    """A case of a new order."""
    with zeal.zeal_ignore():
        of_order = ("guest", "items", "channel_id")
        order_fields = {name: fields.pop(name) for name in of_order if name in fields}
        order = factories.create_order(number=number, **order_fields)
        return factories.create_case(item=factories.items_of(order)[0], **fields)


def queue_ids(query: str = "", client: Any = None) -> list[int]:
    return rows_on((client or agent()).get(f"/desk/{query}"))


def test_undecided_cases_are_listed_oldest_first() -> None:
    cases = [case(status, status=status).pk for status in STATUSES]
    client = agent()
    assert queue_ids(client=client) == cases[:3]
    assert queue_ids("?sort=newest", client) == cases[2::-1]
    assert queue_ids("?status=all", client) == cases
    assert queue_ids("?status=completed", client) == cases[4:5]


def test_undecided_cases_are_counted_by_status() -> None:
    for number in range(3):
        case(f"w{number}")
    case("c", status="confirmed")
    case("r", status="rejected")
    response: Any = agent().get("/desk/")
    assert response.context["total"] == 4
    assert [count for _, _, count in response.context["counts"]] == [3, 0, 1]


def case_for_all_filters() -> CancellationRequest:
    """A case that every row of `MATCHES` finds."""
    easy_return = factories.create_easy_return(code="Er-77", tracking_number="Back-1")
    match = case(
        "Nr-1",
        guest="Find.Me@example.com",
        items=[factories.item_input(sku="Sku-9", status=550)],
        kind="refund",
        easy_return=easy_return,
        created_date=factories.NOW - timedelta(days=3),
    )
    user = match.order_item.order.user
    type(user).objects.filter(pk=user.pk).update(first_name_key="özge", last_name_key="çelik ray")
    plan = CancellationPlan.objects.create(
        order_id=match.order_item.order_id, plan_type="refund", created_by_kind="system",
        modified_by_kind="system",
    )  # fmt: skip
    CancellationRequest.objects.filter(pk=match.pk).update(plan=plan)
    return match


MATCHES = [
    {"kind": "refund"},
    {"channel": "1", "kind": "refund"},
    {"number": " nr-1 "},
    {"number": "# Nr - 1"},
    {"email": "FIND.me@example.com"},
    {"name": "Özge Çelik"},
    {"name": "ÇELIK"},
    {"sku": "sku-9"},
    {"since": "2026-03-07", "until": "2026-03-07"},
    {"until": "2026-03-09"},
    {"plan": "waiting"},
    {"code": "ER-77"},
    {"tracking": "back-1"},
]


@pytest.mark.parametrize("fields", MATCHES, ids="&".join)
def test_filter_matches_one_case(fields: dict[str, str]) -> None:
    target = case_for_all_filters()
    case("other")
    assert rows_on(filter_queue(agent(), **fields)) == [target.pk]


NO_MATCH = [
    {"kind": "cancel"}, {"channel": "2"}, {"number": "Nr-2"}, {"email": "me@example.com"},
    {"name": "zge"}, {"sku": "sku"}, {"since": "2026-03-08"}, {"until": "2026-03-06"},
    {"plan": "approved"}, {"code": "77"}, {"tracking": "1"}, {"number": "%"}, {"name": "%"},
    {"since": "9999-12-31"}, {"until": "0001-01-01"},
]  # fmt: skip


@pytest.mark.parametrize("fields", NO_MATCH, ids=lambda fields: "&".join(map(str, fields.items())))
def test_filter_without_a_match_lists_nothing(fields: dict[str, str]) -> None:
    case_for_all_filters()
    assert rows_on(filter_queue(agent(), **fields)) == []


INVALID = [
    {"status": "x"}, {"kind": "x"}, {"channel": "x"}, {"since": "x"}, {"until": "2026-02-30"},
    {"plan": "x"}, {"sort": "x"}, {"number": "x" * 256}, {"email": "\x00"}, {"name": "\u202e"},
    {"sku": "\u200b"}, {"code": "\n"}, {"channel": "9" * 30},
]  # fmt: skip


@pytest.mark.parametrize("fields", INVALID, ids=lambda fields: repr(fields)[:30])
def test_invalid_filter_is_an_error_and_lists_nothing(fields: dict[str, str]) -> None:
    case("1")
    response = filter_queue(agent(), **fields)
    assert (response.status_code, rows_on(response)) == (400, [])
    assert 'role="alert"' in page_of(response)


def test_unknown_parameters_are_ignored_up_to_a_limit() -> None:
    target, client = case("1"), agent()
    assert queue_ids("?utm=1&status=&kind=", client) == [target.pk]
    response = client.get("/desk/?" + "a=1&" * 101)
    assert (response.status_code, code_on(response)) == (400, "malformed_request")


def test_number_filter_links_to_an_order_without_cases() -> None:
    order = factories.create_order(number="77")
    client = agent()
    assert f'href="/desk/orders/{order.pk}"' in page_of(client.get("/desk/?number=77"))
    assert f'href="/desk/orders/{order.pk}"' in page_of(filter_queue(client, number="No. 77"))
    factories.create_order(number="88", channel_id=2)
    assert "/desk/orders/" not in page_of(client.get("/desk/?number=88"))


def test_pages_cover_all_cases() -> None:
    with zeal.zeal_ignore():
        reason = factories.create_reason()
        cases = [case(str(number), reason=reason).pk for number in range(52)]
    client = agent()
    assert queue_ids("", client) == cases[:50]
    assert f'href="/desk/?start={cases[50]}"' in page_of(client.get("/desk/"))
    assert queue_ids(f"?start={cases[50]}", client) == cases[50:]
    assert queue_ids(f"?sort=newest&start={cases[1]}", client) == cases[1::-1]


@pytest.mark.parametrize("count", [1, 12])
def test_query_count_of_the_queue_is_constant(count: int, django_assert_num_queries: Any) -> None:
    with zeal.zeal_ignore():
        for number in range(count):
            case(str(number))
    client = agent()
    with django_assert_num_queries(6):
        assert len(rows_on(client.get("/desk/"))) == count


def decide(client: Any, target: CancellationRequest, **fields: Any) -> None:
    with zeal.zeal_ignore():
        response = send(client, f"/desk/cases/{target.pk}/decide", version=1, **fields)
    assert response.status_code == 303


def test_activity_lists_the_latest_decisions_by_user() -> None:
    ada, bea = member(), member("bea")
    first, second, other = case("one"), case("two"), case("far", channel_id=2)
    decide(browser_of(ada), first, step="confirm")
    decide(browser_of(bea), second, step="reject", message="worn <out>")
    decide(agent(username="eve", channels=[2]), other, step="confirm")
    client = browser_of(ada)

    own, everyone = page_of(client.get("/desk/activity")), client.get("/desk/activity?who=all")
    hers = page_of(client.get(f"/desk/activity?who={bea.pk}"))

    assert f"/desk/cases/{first.pk}" in own
    assert f"/desk/cases/{second.pk}" not in own
    assert "worn &lt;out&gt;" in hers
    page = page_of(everyone)
    assert page.index(f"cases/{second.pk}") < page.index(f"cases/{first.pk}")
    assert f"/desk/cases/{other.pk}" not in page


def test_query_count_of_the_activity_is_constant(django_assert_num_queries: Any) -> None:
    client = agent()
    for count in (0, 3):
        for number in range(count):
            decide(client, case(f"{number}"), step="reject", message="no")
        with django_assert_num_queries(4):
            assert client.get("/desk/activity").status_code == 200
