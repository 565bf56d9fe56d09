"""An order at the desk, and requests that an agent opens for a customer; rules set aside."""

from datetime import timedelta
from typing import Any

import pytest
import zeal

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.orders.models import Order
from takeback.orders.order_input import TenderIn
from takeback.orders.statuses import Status
from tests import factories
from tests.desk.agents import agent, browser_of, code_on, member, page_of, send
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

LATE = {"status": Status.DELIVERED, "delivered_date": factories.NOW - timedelta(days=30)}


def order_of(**fields: Any) -> Order:
    return factories.create_order(items=[factories.item_input(**fields)])


def ask(client: Any, order: Order, **told: Any) -> Any:
    """The form as a browser sends it, empty fields and all."""
    kind = told.get("kind", "cancel")
    with zeal.zeal_ignore():
        form = {
            "order_item": factories.items_of(order)[0].pk,
            "kind": kind,
            "reason": told.pop("reason", None) or factories.create_reason(kind=kind).pk,
            **dict.fromkeys(("quantity", "description", "iban", "holder_name", "note"), ""),
        }
        return send(client, f"/desk/orders/{order.pk}", **form | told)


def test_an_order_is_shown_with_its_lines_and_cases() -> None:
    order = order_of()
    case = factories.create_case(item=factories.items_of(order)[0])
    page = page_of(agent().get(f"/desk/orders/{order.pk}"))
    for told in (order.number, "A thing", "SKU-1", f"/desk/cases/{case.pk}", factories.GUEST):
        assert told in page


def test_who_may_only_read_gets_no_form() -> None:
    order = order_of()
    client = agent(scopes=["read"])
    assert "<textarea" not in page_of(client.get(f"/desk/orders/{order.pk}"))
    with nothing_written():
        answer = send(client, f"/desk/orders/{order.pk}", kind="cancel")
    assert (answer.status_code, code_on(answer)) == (403, "permission_denied")


def test_an_agent_asks_for_a_customer() -> None:
    user, order = member(), order_of()

    answer = ask(browser_of(user), order, description="by telephone")

    case = CancellationRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/desk/cases/{case.pk}?done=open")
    assert (case.source, case.description, case.status) == ("staff", "by telephone", "waiting")
    step = CaseHistory.objects.get()
    assert (step.actor_kind, step.actor_number, step.overridden) == ("staff", user.pk, [])


def test_only_waivable_rules_in_the_way_are_told_and_may_be_set_aside_with_a_reason() -> None:
    user, order = member(), order_of(**LATE)
    client = browser_of(user)
    reason = factories.create_reason(kind="refund", extra_information_needed=True).pk

    with nothing_written():
        first = ask(client, order, kind="refund", reason=reason)
    assert (first.status_code, code_on(first)) == (406, "cancellation_request_100_3")
    page = page_of(first)
    assert 'name="override" value="true"' in page
    assert "cancellation_request_100_5" in page

    with nothing_written():
        second = ask(client, order, kind="refund", reason=reason, override="true", note=" ")
    assert second.status_code == 400
    assert 'name="override" value="true"' in page_of(second)

    third = ask(client, order, kind="refund", reason=reason, override="true", note="our mistake")
    assert third.status_code == 303
    step = CaseHistory.objects.get()
    assert step.overridden == ["cancellation_request_100_3", "cancellation_request_100_5"]
    assert (step.message, step.actor_number) == ("our mistake", user.pk)
    shown = page_of(client.get(third["Location"].partition("?")[0]))
    assert "our mistake" in shown
    assert shown.count("cancellation_request_100_3") == 2


def sent(**fields: Any) -> Order:
    return order_of(status=Status.SHIPPED, **fields)


def in_cash() -> Order:
    paid = TenderIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)
    return factories.create_order(items=[factories.item_input()], tenders=[paid])


def asked_already() -> Order:
    order = order_of()
    factories.create_case(item=factories.items_of(order)[0])
    return order


NEVER: list[tuple[Any, dict[str, Any], int, str]] = [
    (sent, {}, 406, "cancellation_request_100_2"),
    (asked_already, {}, 406, "cancellation_request_100_1"),
    (in_cash, {}, 400, "bank_account_required"),
    (order_of, {"quantity": 2}, 406, "cancellation_request_100_9"),
    (order_of, {"reason": 999_999}, 400, "unknown_reason"),
    (order_of, {"order_item": 999_999}, 400, "unknown_item"),
]


@pytest.mark.parametrize(("make_order", "told", "status", "code"), NEVER)
def test_a_fact_is_not_set_aside(
    make_order: Any, told: dict[str, Any], status: int, code: str
) -> None:
    order, client = make_order(), agent()
    for more in ({}, {"override": "true", "note": "please"}):
        reason = factories.create_reason().pk
        with nothing_written():
            answer = ask(client, order, **{"reason": reason} | told | more)
        assert (answer.status_code, code_on(answer)) == (status, code)
        assert 'name="override"' not in page_of(answer)


def test_the_item_of_another_order_is_unknown() -> None:
    order, client = order_of(), agent()
    other = factories.create_order(number="other")
    with zeal.zeal_ignore():
        foreign = factories.items_of(other)[0].pk
        reason = factories.create_reason().pk
    with nothing_written():
        answer = ask(client, order, order_item=foreign, reason=reason)
    assert (answer.status_code, code_on(answer)) == (400, "unknown_item")


@pytest.mark.parametrize("scope", ["money", "pii"])
def test_an_account_is_taken_with_its_holder_and_is_right_if_one_works_with_money(
    scope: str,
) -> None:
    # P21
    order, client = in_cash(), agent(scopes=["read", "decide", scope])
    reason = factories.create_reason().pk
    iban = "TR33 0006 1005 1978 6457 8413 26"
    with nothing_written():
        assert ask(client, order, reason=reason, iban=iban).status_code == 400
    assert ask(client, order, reason=reason, iban=iban, holder_name="Ayla Ray").status_code == 303
    assert CancellationRequest.objects.get().is_bank_account_confirmed is (scope == "money")


def test_a_carrier_that_comes_comes_to_where_the_order_went() -> None:
    order, client = order_of(**LATE | {"delivered_date": factories.NOW}), agent()
    carrier = factories.create_carrier(needs_pickup=True).pk
    assert ask(client, order, kind="refund", carrier=carrier).status_code == 303
    way_back = CancellationRequest.objects.select_related("easy_return").get().easy_return
    assert way_back
    assert way_back.pickup_address_id == order.shipping_address_id


FORMS: list[dict[str, Any]] = [
    {"order_item": "x"}, {"order_item": "9" * 30}, {"kind": "x"}, {"reason": " "},
    {"quantity": "0"}, {"quantity": "-1"}, {"quantity": "1.5"}, {"quantity": "9" * 30},
    {"description": "x" * 2001}, {"description": "\x00"}, {"carrier": "x"}, {"iban": "TR00"},
    {"iban": "x" * 5000, "holder_name": "A B"}, {"holder_name": "Ayla Ray"},
    {"refund_to_loyalty": "x"},
    {"override": "x", "note": "x"}, {"note": "\u202e"},
]  # fmt: skip


@pytest.mark.parametrize("told", FORMS, ids=lambda told: repr(told)[:30])
def test_a_form_that_cannot_be_read_changes_nothing(told: dict[str, Any]) -> None:
    order, client = order_of(), agent()
    reason = factories.create_reason().pk
    with nothing_written():
        answer = ask(client, order, **{"reason": reason} | told)
    assert answer.status_code == 400
    page_of(answer)


@pytest.mark.parametrize("lines", [1, 7])
def test_the_page_of_an_order_asks_as_much_however_long_it_is(
    lines: int, django_assert_num_queries: Any
) -> None:
    with zeal.zeal_ignore():
        items = [factories.item_input(remote_id=str(number)) for number in range(lines)]
        order = factories.create_order(items=items)
        for item in factories.items_of(order):
            factories.create_case(item=item)
    client = agent()
    with django_assert_num_queries(7):
        assert client.get(f"/desk/orders/{order.pk}").status_code == 200
