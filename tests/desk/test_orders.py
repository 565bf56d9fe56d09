"""The page of an order, and cases that an agent creates, also against overridable rules."""

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


def create_case(client: Any, order: Order, **fields: Any) -> Any:
    """Send the form as a browser does, with its empty fields."""
    kind = fields.get("kind", "cancel")
    with zeal.zeal_ignore():
        form = {
            "order_item": factories.items_of(order)[0].pk,
            "kind": kind,
            "reason": fields.pop("reason", None) or factories.create_reason(kind=kind).pk,
            **dict.fromkeys(("quantity", "description", "iban", "holder_name", "note"), ""),
        }
        return send(client, f"/desk/orders/{order.pk}", **form | fields)


def test_page_shows_items_and_cases() -> None:
    order = order_of()
    case = factories.create_case(item=factories.items_of(order)[0])
    page = page_of(agent().get(f"/desk/orders/{order.pk}"))
    for text in (order.number, "A thing", "SKU-1", f"/desk/cases/{case.pk}", factories.GUEST):
        assert text in page


def test_agent_without_decide_scope_gets_no_form() -> None:
    order = order_of()
    client = agent(scopes=["read"])
    assert "<textarea" not in page_of(client.get(f"/desk/orders/{order.pk}"))
    with nothing_written():
        response = send(client, f"/desk/orders/{order.pk}", kind="cancel")
    assert (response.status_code, code_on(response)) == (403, "permission_denied")


def test_agent_creates_a_case_for_the_customer() -> None:
    user, order = member(), order_of()

    response = create_case(browser_of(user), order, description="by telephone")

    case = CancellationRequest.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/desk/cases/{case.pk}?done=open")
    assert (case.source, case.description, case.status) == ("staff", "by telephone", "waiting")
    step = CaseHistory.objects.get()
    assert (step.actor_kind, step.actor_number, step.overridden) == ("staff", user.pk, [])


def test_overridable_rules_are_overridden_with_a_note() -> None:
    user, order = member(), order_of(**LATE)
    client = browser_of(user)
    reason = factories.create_reason(kind="refund", extra_information_needed=True).pk

    with nothing_written():
        first = create_case(client, order, kind="refund", reason=reason)
    assert (first.status_code, code_on(first)) == (406, "cancellation_request_100_3")
    page = page_of(first)
    assert 'name="override" value="true"' in page
    assert "cancellation_request_100_5" in page

    with nothing_written():
        second = create_case(client, order, kind="refund", reason=reason, override="true", note=" ")
    assert second.status_code == 400
    assert 'name="override" value="true"' in page_of(second)

    third = create_case(
        client, order, kind="refund", reason=reason, override="true", note="our mistake"
    )
    assert third.status_code == 303
    step = CaseHistory.objects.get()
    assert step.overridden == ["cancellation_request_100_3", "cancellation_request_100_5"]
    assert (step.message, step.actor_number) == ("our mistake", user.pk)
    shown = page_of(client.get(third["Location"].partition("?")[0]))
    assert "our mistake" in shown
    assert shown.count("cancellation_request_100_3") == 2


def shipped_order(**fields: Any) -> Order:
    return order_of(status=Status.SHIPPED, **fields)


def order_paid_in_cash() -> Order:
    paid = TenderIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)
    return factories.create_order(items=[factories.item_input()], tenders=[paid])


def order_with_case() -> Order:
    order = order_of()
    factories.create_case(item=factories.items_of(order)[0])
    return order


NOT_OVERRIDABLE: list[tuple[Any, dict[str, Any], int, str]] = [
    (shipped_order, {}, 406, "cancellation_request_100_2"),
    (order_with_case, {}, 406, "cancellation_request_100_1"),
    (order_paid_in_cash, {}, 400, "bank_account_required"),
    (order_of, {"quantity": 2}, 406, "cancellation_request_100_9"),
    (order_of, {"reason": 999_999}, 400, "unknown_reason"),
    (order_of, {"order_item": 999_999}, 400, "unknown_item"),
]


@pytest.mark.parametrize(("create_order", "fields", "status", "code"), NOT_OVERRIDABLE)
def test_other_rules_are_not_overridable(
    create_order: Any, fields: dict[str, Any], status: int, code: str
) -> None:
    order, client = create_order(), agent()
    for more in ({}, {"override": "true", "note": "please"}):
        reason = factories.create_reason().pk
        with nothing_written():
            response = create_case(client, order, **{"reason": reason} | fields | more)
        assert (response.status_code, code_on(response)) == (status, code)
        assert 'name="override"' not in page_of(response)


def test_item_of_another_order_is_unknown() -> None:
    order, client = order_of(), agent()
    other = factories.create_order(number="other")
    with zeal.zeal_ignore():
        foreign = factories.items_of(other)[0].pk
        reason = factories.create_reason().pk
    with nothing_written():
        response = create_case(client, order, order_item=foreign, reason=reason)
    assert (response.status_code, code_on(response)) == (400, "unknown_item")


@pytest.mark.parametrize("scope", ["money", "pii"])
def test_account_of_an_agent_with_money_scope_is_confirmed(
    scope: str,
) -> None:
    order, client = order_paid_in_cash(), agent(scopes=["read", "decide", scope])
    reason = factories.create_reason().pk
    iban = "TR33 0006 1005 1978 6457 8413 26"
    with nothing_written():
        assert create_case(client, order, reason=reason, iban=iban).status_code == 400
    assert (
        create_case(client, order, reason=reason, iban=iban, holder_name="Ayla Ray").status_code
        == 303
    )
    assert CancellationRequest.objects.get().is_bank_account_confirmed is (scope == "money")


def test_carrier_picks_up_at_the_shipping_address() -> None:
    order, client = order_of(**LATE | {"delivered_date": factories.NOW}), agent()
    carrier = factories.create_carrier(needs_pickup=True).pk
    assert create_case(client, order, kind="refund", carrier=carrier).status_code == 303
    easy_return = CancellationRequest.objects.select_related("easy_return").get().easy_return
    assert easy_return
    assert easy_return.pickup_address_id == order.shipping_address_id


INVALID_FORMS: list[dict[str, Any]] = [
    {"order_item": "x"}, {"order_item": "9" * 30}, {"kind": "x"}, {"reason": " "},
    {"quantity": "0"}, {"quantity": "-1"}, {"quantity": "1.5"}, {"quantity": "9" * 30},
    {"description": "x" * 2001}, {"description": "\x00"}, {"carrier": "x"}, {"iban": "TR00"},
    {"iban": "x" * 5000, "holder_name": "A B"}, {"holder_name": "Ayla Ray"},
    {"refund_to_loyalty": "x"},
    {"override": "x", "note": "x"}, {"note": "\u202e"},
]  # fmt: skip


@pytest.mark.parametrize("fields", INVALID_FORMS, ids=lambda fields: repr(fields)[:30])
def test_invalid_form_changes_nothing(fields: dict[str, Any]) -> None:
    order, client = order_of(), agent()
    reason = factories.create_reason().pk
    with nothing_written():
        response = create_case(client, order, **{"reason": reason} | fields)
    assert response.status_code == 400
    page_of(response)


@pytest.mark.parametrize("item_count", [1, 7])
def test_query_count_of_a_page_is_constant(item_count: int, django_assert_num_queries: Any) -> None:
    with zeal.zeal_ignore():
        items = [factories.item_input(remote_id=str(number)) for number in range(item_count)]
        order = factories.create_order(items=items)
        for item in factories.items_of(order):
            factories.create_case(item=item)
    client = agent()
    with django_assert_num_queries(7):
        assert client.get(f"/desk/orders/{order.pk}").status_code == 200
