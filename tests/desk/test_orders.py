"""The page of an order, and cases that an agent creates, also against overridable rules."""

import re
from datetime import timedelta
from typing import Any

import pytest
import zeal

from takeback.accounts.models import Session
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.orders.models import Order
from takeback.orders.order_input import PaymentIn
from takeback.orders.statuses import Status
from tests import factories
from tests.desk.agents import PASSWORD, agent, browser_of, code_on, member, page_of, send
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

DELIVERED = {"status": Status.DELIVERED, "delivered_date": factories.NOW}
LATE = {"status": Status.DELIVERED, "delivered_date": factories.NOW - timedelta(days=30)}


def order_of(**fields: Any) -> Order:
    return factories.create_order(items=[factories.item_input(**fields)])


def order_of_number(number: str) -> Order:
    return factories.create_order(number=number)


def create_case(client: Any, order: Order, **fields: Any) -> Any:
    """Send the form as a browser does, with its empty fields."""
    kind = fields.get("kind", "cancel")
    with zeal.zeal_ignore():
        item = factories.items_of(order)[0].pk
        fields = {name.format(item=item): value for name, value in fields.items()}
        form = {
            "items": item,
            "kind": kind,
            "reason": fields.pop("reason", None) or factories.create_reason(kind=kind).pk,
            **dict.fromkeys(("description", "carrier", "iban", "holder_name", "note"), ""),
        }
        return send(client, f"/desk/orders/{order.pk}", **form | fields)


def test_page_shows_items_and_cases() -> None:
    order = order_of()
    case = factories.create_case(item=factories.items_of(order)[0])
    page = page_of(agent().get(f"/desk/orders/{order.pk}"))
    for text in (order.number, "A thing", "SKU-1", f"/desk/cases/{case.pk}", factories.GUEST):
        assert text in page


def test_order_without_open_items_has_no_form() -> None:
    page = page_of(agent().get(f"/desk/orders/{order_with_case().pk}"))
    assert "No item can get a new request" in page
    assert 'name="description"' not in page


def test_agent_without_decide_scope_gets_no_form() -> None:
    order = order_of()
    client = agent(scopes=["read"])
    assert 'name="description"' not in page_of(client.get(f"/desk/orders/{order.pk}"))
    with nothing_written():
        response = send(client, f"/desk/orders/{order.pk}", kind="cancel")
    assert (response.status_code, code_on(response)) == (403, "permission_denied")


def test_agent_creates_a_case_for_the_customer() -> None:
    user, order = member(), order_of()

    response = create_case(browser_of(user), order, description="by telephone")

    case = CancellationRequest.objects.get()
    assert (response.status_code, response["Location"]) == (
        303,
        f"/desk/orders/{order.pk}?created={case.pk}",
    )
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
    assert (step.internal_note, step.actor_number) == ("our mistake", user.pk)
    assert "1 request has been created." in page_of(client.get(third["Location"]))


def shipped_order(**fields: Any) -> Order:
    return order_of(status=Status.SHIPPED, **fields)


def order_paid_in_cash() -> Order:
    paid = PaymentIn(kind="funds_transfer", amount_minor=1000, captured_minor=1000)
    return factories.create_order(items=[factories.item_input()], payments=[paid])


def order_with_case() -> Order:
    order = order_of()
    factories.create_case(item=factories.items_of(order)[0])
    return order


NOT_OVERRIDABLE: list[tuple[Any, dict[str, Any], int, str]] = [
    (shipped_order, {}, 406, "cancellation_request_100_2"),
    (order_with_case, {}, 406, "cancellation_request_100_1"),
    (order_paid_in_cash, {}, 400, "bank_account_required"),
    (order_of, {"quantity_{item}": 2}, 406, "cancellation_request_100_9"),
    (order_of, {"reason": 999_999}, 400, "unknown_reason"),
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
        response = create_case(client, order, items=foreign, reason=reason)
    assert response.status_code == 400
    assert "Choose at least one item of this order." in page_of(response)


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
    {"items": "x"}, {"items": "9" * 30}, {"items": ""}, {"kind": "x"}, {"reason": " "},
    {"quantity_{item}": "0"}, {"quantity_{item}": "-1"}, {"quantity_{item}": "1.5"},
    {"quantity_{item}": "9" * 30}, {"quantity_{item}": "2", "iban": "TR00"},
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
    with django_assert_num_queries(12):
        assert client.get(f"/desk/orders/{order.pk}").status_code == 200


def order_of_three() -> Order:
    """A delivered item of two units, another delivered item, and one that is not shipped."""
    items = [
        factories.item_input(remote_id="1", quantity=2, goods_minor=2001, **DELIVERED),
        factories.item_input(remote_id="2", **DELIVERED),
        factories.item_input(remote_id="3"),
    ]
    return factories.create_order(items=items)


def test_several_items_are_returned_together() -> None:
    order, user = order_of_three(), member()
    client = browser_of(user)
    with zeal.zeal_ignore():
        first, second, _third = factories.items_of(order)
        fields = {"items": [first.pk, second.pk], f"quantity_{first.pk}": "1"}

    response = create_case(client, order, kind="refund", **fields)

    cases = list(CancellationRequest.objects.order_by("pk"))
    assert [(case.order_item_id, case.quantity) for case in cases] == [
        (first.pk, 1),
        (second.pk, 1),
    ]
    created = f"{cases[0].pk}-{cases[1].pk}"
    assert response["Location"] == f"/desk/orders/{order.pk}?created={created}"
    page = page_of(client.get(response["Location"]))
    assert "2 requests have been created." in page
    assert "decide on it" in page


def test_one_refused_item_refuses_all_and_is_named() -> None:
    order, client = order_of_three(), agent()
    with zeal.zeal_ignore():
        ids = [item.pk for item in factories.items_of(order)]
        reason = factories.create_reason(kind="refund").pk
    with nothing_written():
        response = create_case(client, order, kind="refund", items=ids, reason=reason)
    assert (response.status_code, code_on(response)) == (406, "cancellation_request_100_3")
    assert "A thing: This item cannot be returned at the moment." in page_of(response)


def test_form_starts_with_the_kind_of_the_items_and_groups_reasons() -> None:
    delivered, waiting = order_of(**DELIVERED), order_of_number("other")
    client = agent()
    with zeal.zeal_ignore():
        factories.create_reason(kind="cancel", subject="Too late")
        factories.create_reason(kind="refund", subject="Too small")

    page = page_of(client.get(f"/desk/orders/{delivered.pk}"))
    assert '<option value="refund" selected>' in page
    assert page.index("Too small") < page.index("Too late")
    assert page.count("<optgroup") == 2
    assert '<option value="cancel" selected>' in page_of(client.get(f"/desk/orders/{waiting.pk}"))


def test_page_shows_price_per_unit_and_refund() -> None:
    page = page_of(agent().get(f"/desk/orders/{order_of_three().pk}"))
    assert "TRY\u00a010.01 per unit" in page
    assert "refund of all: TRY\u00a020.01" in page


def test_all_problems_show_at_once_at_their_fields() -> None:
    order, client = order_paid_in_cash(), agent()
    reason = factories.create_reason(extra_information_needed=True).pk
    fields = {"quantity_{item}": "7", "iban": "TR00", "holder_name": "Ayla Ray"}
    with nothing_written():
        response = create_case(client, order, reason=reason, **fields)
    page = page_of(response)
    assert response.status_code == 400
    assert "<title>Error: Order" in page
    summary = page[page.index("There is a problem") : page.index("</ul>")]
    assert summary.count("<li>") == 3
    for name in ("iban", f"quantity_{factories.items_of(order)[0].pk}"):
        assert f'href="#{name}"' in summary
        field = re.search(f'<input[^>]*id="{name}"[^>]*>', page)
        assert field
        assert 'aria-invalid="true"' in field[0]
        assert f'aria-describedby="{name}_error"' in field[0]
        assert f'id="{name}_error"' in page


def test_return_needs_a_carrier_unless_the_shop_has_a_default(settings: Any) -> None:
    order, client = order_of(**DELIVERED), agent()
    with zeal.zeal_ignore():
        carrier = factories.create_carrier().pk
        reason = factories.create_reason(kind="refund").pk
    with nothing_written():
        response = create_case(client, order, kind="refund", reason=reason)
    assert (response.status_code, code_on(response)) == (400, "carrier_required")
    assert "Choose a carrier." in page_of(response)

    settings.RETURN_CARRIER = carrier
    assert create_case(client, order, kind="refund", reason=reason).status_code == 303
    easy_return = CancellationRequest.objects.select_related("easy_return").get().easy_return
    assert easy_return


def test_typed_form_returns_after_the_session_has_ended() -> None:
    order, client = order_of_three(), agent()
    with zeal.zeal_ignore():
        item = factories.items_of(order)[1].pk
    Session.objects.all().delete()
    response = create_case(client, order, items=[item], kind="refund", description="by telephone")
    assert "your text is kept" in page_of(response)
    fields = {name: response.context[name] for name in ("next", "unsent")}
    signed_in = send(client, "/desk/login", username="ada", password=PASSWORD, **fields)
    page = page_of(client.get(signed_in["Location"]))
    assert "by telephone</textarea>" in page
    assert f'name="items" value="{item}" checked' in page
    assert page.count(" checked>") == 1
    assert not CancellationRequest.objects.exists()
