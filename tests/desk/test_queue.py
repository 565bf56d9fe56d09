"""The queue: which cases, in which order, by which filters; and what staff did last."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import zeal

from takeback.cancellations.models import CancellationPlan, CancellationRequest
from tests import factories
from tests.desk.agents import agent, browser_of, code_on, member, page_of, rows_on, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

STATUSES = "waiting", "waiting_approval", "confirmed", "approved", "completed", "rejected"


def case(number: str, **fields: Any) -> CancellationRequest:
    """A case of an order of its own."""
    with zeal.zeal_ignore():
        told = {
            name: fields.pop(name) for name in ("guest", "items", "channel_id") if name in fields
        }
        order = factories.create_order(number=number, **told)
        return factories.create_case(item=factories.items_of(order)[0], **fields)


def found(query: str = "", client: Any = None) -> list[int]:
    return rows_on((client or agent()).get(f"/desk/{query}"))


def test_whoever_waits_longest_comes_first_and_what_is_decided_is_out_of_the_way() -> None:
    cases = [case(status, status=status).pk for status in STATUSES]
    client = agent()
    assert found(client=client) == cases[:3]
    assert found("?sort=newest", client) == cases[2::-1]
    assert found("?status=all", client) == cases
    assert found("?status=completed", client) == cases[4:5]


def test_what_waits_is_counted() -> None:
    for number in range(3):
        case(f"w{number}")
    case("c", status="confirmed")
    case("r", status="rejected")
    answer: Any = agent().get("/desk/")
    assert answer.context["total"] == 4
    assert [count for _, _, count in answer.context["counts"]] == [3, 0, 1]


def by_everything() -> CancellationRequest:
    """A case that every filter of `FILTERS` finds."""
    way_back = factories.create_easy_return(code="Er-77", tracking_number="Back-1")
    found = case(
        "Nr-1",
        guest="Find.Me@example.com",
        items=[factories.item_input(sku="Sku-9", status=550)],
        kind="refund",
        easy_return=way_back,
        created_date=factories.NOW - timedelta(days=3),
    )
    user = found.order_item.order.user
    type(user).objects.filter(pk=user.pk).update(first_name_key="özge", last_name_key="çelik ray")
    plan = CancellationPlan.objects.create(
        order_id=found.order_item.order_id, plan_type="refund", created_by_kind="system",
        modified_by_kind="system",
    )  # fmt: skip
    CancellationRequest.objects.filter(pk=found.pk).update(plan=plan)
    return found


FILTERS = [
    {"kind": "refund"},
    {"channel": "1", "kind": "refund"},
    {"number": " nr-1 "},
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


@pytest.mark.parametrize("told", FILTERS, ids="&".join)
def test_a_filter_finds_the_one_and_leaves_the_others(told: dict[str, str]) -> None:
    wanted = by_everything()
    case("other")
    assert found(f"?{urlencode(told)}") == [wanted.pk]


NOTHING = [
    {"kind": "cancel"}, {"channel": "2"}, {"number": "Nr-2"}, {"email": "me@example.com"},
    {"name": "zge"}, {"sku": "sku"}, {"since": "2026-03-08"}, {"until": "2026-03-06"},
    {"plan": "approved"}, {"code": "77"}, {"tracking": "1"}, {"number": "%"}, {"name": "%"},
    {"since": "9999-12-31"}, {"until": "0001-01-01"},
]  # fmt: skip


@pytest.mark.parametrize("told", NOTHING, ids=lambda told: "&".join(map(str, told.items())))
def test_a_filter_leaves_out_what_it_is_not_about(told: dict[str, str]) -> None:
    by_everything()
    assert found(f"?{urlencode(told)}") == []


FAULTS = [
    {"status": "x"}, {"kind": "x"}, {"channel": "x"}, {"since": "x"}, {"until": "2026-02-30"},
    {"plan": "x"}, {"sort": "x"}, {"number": "x" * 256}, {"email": "\x00"}, {"name": "\u202e"},
    {"sku": "\u200b"}, {"code": "\n"}, {"channel": "9" * 30},
]  # fmt: skip


@pytest.mark.parametrize("told", FAULTS, ids=lambda told: repr(told)[:30])
def test_a_filter_that_cannot_be_read_says_so_and_finds_nothing(told: dict[str, str]) -> None:
    case("1")
    answer = agent().get(f"/desk/?{urlencode(told)}")
    assert (answer.status_code, rows_on(answer)) == (400, [])
    assert 'role="alert"' in page_of(answer)


def test_unknown_words_and_too_many_of_them() -> None:
    wanted, client = case("1"), agent()
    assert found("?utm=1&status=&kind=", client) == [wanted.pk]
    answer = client.get("/desk/?" + "a=1&" * 101)
    assert (answer.status_code, code_on(answer)) == (400, "malformed_request")


def test_an_order_that_is_looked_for_is_offered_even_without_a_case() -> None:
    order = factories.create_order(number="77")
    client = agent()
    assert f'href="/desk/orders/{order.pk}"' in page_of(client.get("/desk/?number=77"))
    factories.create_order(number="88", channel_id=2)
    assert "/desk/orders/" not in page_of(client.get("/desk/?number=88"))


def test_pages_follow_each_other_without_a_gap() -> None:
    with zeal.zeal_ignore():
        reason = factories.create_reason()
        cases = [case(str(number), reason=reason).pk for number in range(52)]
    client = agent()
    assert found("", client) == cases[:50]
    assert f'href="/desk/?start={cases[50]}"' in page_of(client.get("/desk/"))
    assert found(f"?start={cases[50]}", client) == cases[50:]
    assert found(f"?sort=newest&start={cases[1]}", client) == cases[1::-1]


@pytest.mark.parametrize("count", [1, 12])
def test_the_queue_asks_as_much_however_long_it_is(
    count: int, django_assert_num_queries: Any
) -> None:
    with zeal.zeal_ignore():
        for number in range(count):
            case(str(number))
    client = agent()
    with django_assert_num_queries(5):
        assert len(rows_on(client.get("/desk/"))) == count


def decide(client: Any, wanted: CancellationRequest, **told: Any) -> None:
    with zeal.zeal_ignore():
        answer = send(client, f"/desk/cases/{wanted.pk}/decide", version=1, **told)
    assert answer.status_code == 303


def test_what_staff_did_is_listed_by_person_the_last_first() -> None:
    ada, bea = member(), member("bea")
    one, two, other = case("one"), case("two"), case("far", channel_id=2)
    decide(browser_of(ada), one, step="confirm")
    decide(browser_of(bea), two, step="reject", note="worn <out>")
    decide(agent(username="eve", channels=[2]), other, step="confirm")
    client = browser_of(ada)

    own, everybody = page_of(client.get("/desk/activity")), client.get("/desk/activity?who=all")
    hers = page_of(client.get(f"/desk/activity?who={bea.pk}"))

    assert f"/desk/cases/{one.pk}" in own
    assert f"/desk/cases/{two.pk}" not in own
    assert "worn &lt;out&gt;" in hers
    assert page_of(everybody).index(f"cases/{two.pk}") < page_of(everybody).index(f"cases/{one.pk}")
    assert f"/desk/cases/{other.pk}" not in page_of(everybody)


def test_the_activity_asks_as_much_however_long_it_is(django_assert_num_queries: Any) -> None:
    client = agent()
    for count in (0, 3):
        for number in range(count):
            decide(client, case(f"{number}"), step="reject", note="no")
        with django_assert_num_queries(3):
            assert client.get("/desk/activity").status_code == 200
