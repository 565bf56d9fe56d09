"""Cancelling or returning an order, or some of its items, in one request."""

from typing import Any

import pytest
import zeal
from pytest_django import Settings

from takeback.cancellations.commands import cancel_order
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.core import clock
from takeback.core.encryption import decrypt
from takeback.logistics.models import EasyReturn
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import PaymentIn
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

IBAN = "TR330006100519786457841326"


def _order(*statuses: int, **fields: Any) -> tuple[Order, list[int]]:
    items = [
        factories.item_input(remote_id=str(at), status=status)
        for at, status in enumerate(statuses or (400, 400))
    ]
    values: dict[str, Any] = {"items": items, "now": clock.now()}
    order = factories.create_order(**values | fields)
    return order, [item.pk for item in factories.items_of(order)]


def _cancel(
    order: Order, body: Any, *, prefix: str = "/api/v1/channel/1", caller: HttpClient | None = None
) -> Any:
    path = f"{prefix}/orders/{order.pk}/cancel/"
    with zeal.zeal_context():
        return (caller or shop.client()).post(path, body, content_type="application/json")


def _some(*items: int, **fields: Any) -> dict[str, Any]:
    reason = factories.create_reason().pk
    reasons = {str(item): reason for item in items}
    return {"cancel_items": list(items), "reasons": reasons} | fields


def _all_of(*items: int, **fields: Any) -> dict[str, Any]:
    return _some(*items) | {"is_all": True, "cancel_items": []} | fields


def _statuses() -> list[int]:
    return list(OrderItem.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize("prefix", [*(f"{p}/channel/1" for p in shop.PREFIXES), *shop.PREFIXES])
def test_chosen_items_are_opened_and_confirmed_in_one_step(prefix: str) -> None:
    order, (first, second) = _order()
    body = _some(first, order=order.pk, forced_refund_amount=None)

    response = _cancel(order, body, prefix=prefix)

    assert response.status_code == 201
    document = response.json()
    assert (document["id"], document["status"]) == (order.pk, 50)
    assert [item["status"] for item in document["orderitem_set"]] == [
        "cancellation_waiting",
        "approved",
    ]
    (case,) = CancellationRequest.objects.all()
    assert (case.order_item_id, case.cancellation_type, case.status) == (
        first,
        "cancel",
        "confirmed",
    )
    assert (case.source, str(case.reason_id)) == ("channel", str(body["reasons"][str(first)]))
    (plan,) = CancellationPlan.objects.all()
    assert case.plan_id == plan.pk
    assert (plan.plan_type, plan.status, plan.order_id) == ("cancel", "waiting", order.pk)
    assert (plan.forced_refund_minor, plan.is_cargo_refund) == (None, False)
    actors = set(CaseHistory.objects.values_list("actor_kind", flat=True))
    assert actors == {"channel"}
    assert second


def test_all_live_items_are_returned_on_the_given_terms() -> None:
    order, (first, second, ended) = _order(550, 500, 100)
    body = _all_of(
        first,
        second,
        ended,
        forced_refund_amount="12.50",
        is_cargo_refund=True,
        refund_invoice_number=" R-1 ",
    )

    assert _cancel(order, body).status_code == 201

    assert _statuses() == [50, 50, 100]
    cases = CancellationRequest.objects.values_list("cancellation_type", "status")
    assert list(cases) == [("refund", "confirmed")] * 2
    plan = CancellationPlan.objects.get()
    assert (plan.plan_type, plan.forced_refund_minor, plan.is_cargo_refund) == (
        "refund",
        1250,
        True,
    )
    assert plan.refund_invoice_number == "R-1"


def test_return_is_picked_up_at_the_shipping_address(settings: Settings) -> None:
    settings.RETURN_CARRIER = factories.create_carrier(needs_pickup=True).pk
    order, items = _order(550, 550)

    assert _cancel(order, _all_of(*items)).status_code == 201

    (way_back,) = EasyReturn.objects.all()
    assert (way_back.pickup_address_id, way_back.max_count) == (order.shipping_address_id, 2)


@pytest.mark.parametrize("amount", [False, True, None])
def test_boolean_amounts_force_no_amount(amount: Any) -> None:
    order, (first, _) = _order()

    assert _cancel(order, _some(first, forced_refund_amount=amount)).status_code == 201

    assert CancellationPlan.objects.get().forced_refund_minor is None


def test_items_may_be_the_keys_of_an_object() -> None:
    order, (first, second) = _order()
    body = _some(first, second)

    response = _cancel(order, body | {"cancel_items": {str(first): 1, str(second): 1}})

    assert (response.status_code, _statuses()) == (201, [50, 50])


@pytest.mark.parametrize(("scopes", "is_trusted"), [((), False), (("money",), True)])
def test_refund_of_a_transfer_goes_to_the_given_accounts(
    scopes: tuple[str, ...], is_trusted: bool
) -> None:
    order, (first, second) = _order(payment_type="funds_transfer")
    body = _some(
        first,
        second,
        ibans={str(first): IBAN, str(second): IBAN},
        holder_names={str(first): "Ayla Ray", str(second): "Ayla Ray"},
    )

    caller = shop.client(shop.key(scopes=["decide", *scopes]))
    assert _cancel(order, body, caller=caller).status_code == 201

    case = CancellationRequest.objects.order_by("pk")[0]
    assert case.iban_encrypted
    assert decrypt(case.iban_encrypted, str(case.uuid)) == IBAN
    assert case.is_bank_account_confirmed is is_trusted


def test_idempotency_key_cancels_once() -> None:
    order, (first, _) = _order()
    body = _some(first)

    path, key = f"/api/v1/orders/{order.pk}/cancel/", {"Idempotency-Key": "k"}
    caller = shop.client()

    def cancel() -> Any:
        with zeal.zeal_context():
            return caller.post(path, body, content_type="application/json", headers=key)

    responses = [cancel(), cancel()]

    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json() == responses[1].json()
    assert CancellationRequest.objects.count() == 1


def _refused(order: Order, body: Any, status: int = 400) -> Any:
    before = (shop.row_counts(), _statuses())
    response = _cancel(order, body)
    assert response.status_code == status, response.content
    with zeal.zeal_ignore():
        after = {k: v for k, v in shop.row_counts().items() if "ApiKey" not in k}
    assert (after, _statuses()) == (
        {k: v for k, v in before[0].items() if "ApiKey" not in k},
        before[1],
    )
    return response.json()


def test_second_cancellation_waits_for_the_first() -> None:
    order, (first, second) = _order()
    assert _cancel(order, _some(first)).status_code == 201

    assert _refused(order, _some(second))["code"] == "order_cancel_in_progress"
    assert _refused(order, _some(first))["code"] == "order_cancel_in_progress"


def test_cancellation_and_return_need_two_requests() -> None:
    order, items = _order(400, 550)

    assert _refused(order, _some(*items))["code"] == "order_cancel_mixed"
    assert _refused(order, _all_of(*items))["code"] == "order_cancel_mixed"


def test_items_paid_on_delivery_are_cancelled_by_status() -> None:
    order, items = _order(500, 550, payment_type="pay_on_delivery")

    assert _refused(order, _some(*items))["code"] == "order_cancel_mixed_statuses"


def test_ended_items_are_not_cancelled() -> None:
    order, items = _order(100, 600)

    assert _refused(order, _all_of(*items))["code"] == "order_cancel_nothing_left"
    assert _refused(order, _some(items[0]))["code"] == "cancellation_request_100_2"


def test_number_of_items_per_request_is_limited_and_the_refusal_logged(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cancel_order, "MAX_ITEMS", 1)
    order, items = _order(400, 400)

    refused = _refused(order, _all_of(*items))
    assert refused["code"] == "order_cancel_too_many"
    assert refused["is_all"] == ["Too many items in one request. Send at most 1."]
    assert '"code":"order_cancel_too_many"' in capfd.readouterr().out
    assert _refused(order, _some(*items))["code"] == "order_cancel_too_many"
    assert _cancel(order, _some(items[0])).status_code == 201


def test_item_with_an_open_case_is_refused() -> None:
    order, (first, _) = _order()
    factories.create_case(item=OrderItem.objects.get(pk=first))

    refused = _refused(order, _some(first))

    assert set(refused) == {"detail", "code"}
    assert refused["code"] == "cancellation_request_100_1"


def test_forced_amount_above_the_payment_is_refused() -> None:
    order, (first, _) = _order()
    refused = _refused(order, _some(first, forced_refund_amount=order.amount_minor))

    assert set(refused) == {"forced_refund_amount", "code"}
    assert refused["code"] == "more_than_paid"


BAD: list[tuple[str, Any, str]] = [
    ("is_all", True, "cancel_items"),
    ("is_all", "perhaps", "is_all"),
    ("order", 777, "order"),
    ("order", "x", "order"),
    ("cancel_items", [], "cancel_items"),
    ("cancel_items", None, "cancel_items"),
    ("cancel_items", "1", "cancel_items"),
    ("cancel_items", [0], "cancel_items"),
    ("cancel_items", [None], "cancel_items"),
    ("cancel_items", [[1]], "cancel_items"),
    ("cancel_items", [True], "cancel_items"),
    ("cancel_items", [10**15], "cancel_items"),
    ("cancel_items", [10**30], "cancel_items"),
    ("cancel_items", list(range(1, 502)), "cancel_items"),
    ("reasons", {}, "reasons"),
    ("reasons", None, "reasons"),
    ("reasons", [], "reasons"),
    ("reasons", {"x": 1}, "reasons"),
    ("reasons", {"1": None}, "reasons"),
    ("forced_refund_amount", -1, "forced_refund_amount"),
    ("forced_refund_amount", "1.234", "forced_refund_amount"),
    ("forced_refund_amount", 10**30, "forced_refund_amount"),
    ("forced_refund_amount", [], "forced_refund_amount"),
    ("is_cargo_refund", 2, "is_cargo_refund"),
    ("refund_invoice_number", "x" * 129, "refund_invoice_number"),
    ("refund_invoice_number", 5, "refund_invoice_number"),
    ("ibans", {"1": "no iban"}, "ibans"),
    ("ibans", {"1": IBAN}, "ibans"),
    ("ibans", [], "ibans"),
    ("holder_names", {"1": "Ayla Ray"}, "ibans"),
    ("holder_names", {"1": 5}, "holder_names"),
]


@pytest.mark.parametrize(("field", "value", "named"), BAD)
def test_invalid_field_is_named_and_nothing_is_written(field: str, value: Any, named: str) -> None:
    order, (first, _) = _order()

    assert set(_refused(order, _some(first) | {field: value})) == {named, "code"}


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("try", "7.5", 750), ("jpy", 7, 7), ("kwd", "0.250", 250)]
)
def test_forced_amount_has_the_decimals_of_the_currency(
    currency: str, amount: Any, minor: int
) -> None:
    order, (first, _) = _order(currency=currency)

    assert _cancel(order, _some(first, forced_refund_amount=amount)).status_code == 201
    assert [plan.forced_refund_minor for plan in CancellationPlan.objects.all()] == [minor]


@pytest.mark.parametrize("twin", ["0{}", " {}", "{} ", "00{}"])
@pytest.mark.parametrize("field", ["reasons", "ibans", "holder_names"])
def test_item_that_is_named_twice_is_refused(field: str, twin: str) -> None:
    order, (first, second) = _order(payment_type="funds_transfer")
    accounts = {
        "ibans": {str(item): IBAN for item in (first, second)},
        "holder_names": {str(item): "Ayla Ray" for item in (first, second)},
    }
    body = _some(first, second, **accounts)
    body[field] |= {twin.format(first): body[field][str(second)]}

    refused = _refused(order, body)
    assert set(refused) == {field, "code"}
    if twin.strip() == twin:  # an id with a space is none
        assert refused[field] == [f"The item {first} is named twice. Name each item once."]


def test_refund_of_a_card_payment_goes_to_no_account() -> None:
    order, (first, _) = _order()
    accounts = {"ibans": {str(first): IBAN}, "holder_names": {str(first): "Ayla Ray"}}

    refused = _refused(order, _some(first, **accounts))
    assert (set(refused), refused["code"]) == ({"ibans", "code"}, "order_cancel_no_transfer")


@pytest.mark.parametrize("payment_type", ["credit_card", "saved_card", "masterpass"])
def test_card_payment_must_be_captured(payment_type: str) -> None:
    unpaid = {"payment_type": payment_type, "status": 300}
    order, (first, second) = _order(300, 300, **unpaid)

    assert _refused(order, _some(first))["code"] == "order_cancel_no_purchase"
    assert _refused(order, _all_of(first, second))["code"] == "order_cancel_no_purchase"


def test_refund_of_a_card_is_at_most_the_captured_amount() -> None:
    items = [factories.item_input(remote_id=str(at)) for at in range(3)]
    charged = PaymentIn(kind="credit_card", amount_minor=3000, captured_minor=2000)
    order, order_items = _order(items=items, payments=[charged])

    refused = _refused(order, _all_of(*order_items))
    assert (set(refused), refused["code"]) == ({"forced_refund_amount", "code"}, "more_than_paid")
    assert _cancel(order, _some(*order_items[:2])).status_code == 201


@pytest.mark.parametrize("payment_type", ["funds_transfer", "pay_on_delivery"])
def test_other_payments_need_not_be_captured(payment_type: str) -> None:
    order, (first, _) = _order(300, 300, payment_type=payment_type, status=300)

    assert _cancel(order, _some(first)).status_code == 201


def test_every_item_needs_an_offered_reason() -> None:
    order, (first, second) = _order()
    body = _some(first, second)

    refused = _refused(order, body | {"reasons": {str(first): 1}})
    assert (set(refused), refused["code"]) == ({"reasons", "code"}, "order_cancel_reason_missing")
    unknown = {str(first): 10**15, str(second): 10**15}
    assert _refused(order, body | {"reasons": unknown})["code"] == "unknown_reason"


def test_items_of_other_orders_are_unknown() -> None:
    order, _ = _order()
    other, (item, _) = _order(number="2")

    refused = _refused(order, _some(item))
    assert set(refused) == {"cancel_items", "code"}
    assert refused["code"] == "order_cancel_unknown_item"
    assert _cancel(other, _some(item)).status_code == 201


def test_order_of_other_channel_is_reported_like_a_missing_one() -> None:
    order, (first, _) = _order(channel_id=shop.OTHER)
    body = _some(first)
    strangers = [*(f"{p}/channel/1" for p in shop.PREFIXES), *shop.PREFIXES]

    for prefix in strangers:
        response = _cancel(order, body, prefix=prefix)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    for pk in ("0", "x", "1" * 40, "%00"):
        path = f"/api/v1/orders/{pk}/cancel/"
        response = shop.client().post(path, body, content_type="application/json")
        assert response.status_code == 404
    assert not CancellationRequest.objects.exists()


@pytest.mark.parametrize("scopes", [["read"], ["money"], ["pii"]])
def test_cancelling_needs_scope_decide(scopes: list[str]) -> None:
    order, (first, _) = _order()
    caller = shop.client(shop.key(scopes=scopes))

    for path in (f"/api/v1/channel/1/orders/{order.pk}/cancel/", f"/api/orders/{order.pk}/cancel"):
        response = caller.post(path, _some(first), content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert not CancellationRequest.objects.exists()
