"""A refund from its preview to its late return, as shopper, guest and channel read it (D.5)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from takeback.core import clock
from takeback.handlers.refunds import HANDLERS
from takeback.orders.models import Payment
from takeback.outbox.worker import Worker
from takeback.refunds.commands.look import look_at_payments
from takeback.refunds.models import Refund
from takeback.refunds.providers import RefundStatus
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import caller, send, transition
from tests.factories import HttpClient
from tests.refunds.factories import create_account, create_charged_order
from tests.refunds.fake_provider import FakePayment, FakeProvider, lose_reply
from tests.storefront.api import post, token_of, verify_order
from tests.storefront.routes import GUEST_OPEN_CASE, OPEN_CASE

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a story of many requests"),
    pytest.mark.usefixtures("clock_at_now", "provider"),
]

CHANNEL = f"/api/v1/channel/{shop.SHOP}"
DUE, PAID, CAME_BACK = "2026-03-24", "2026-03-10", "2026-03-30"
# Status, day and sum of the refund, the label of its status, and `cancel_status` of the order.
STORY = {
    "planned": ("planned", DUE, "10.00", "Planned", "approved"),
    "sent": ("sending", DUE, "10.00", "On its way", "approved"),
    "in doubt": ("in_doubt", DUE, "10.00", "On its way", "waiting_for_payment"),
    "confirmed": ("confirmed", PAID, "10.00", "Paid", "cancelled"),
    "returned": ("returned", CAME_BACK, "10.00", "Came back", "cancelled"),
}
"""What the documents say, state by state."""


def follow(
    read: Callable[[], Any], provider: FakeProvider, clock_at_now: Traveller
) -> dict[str, Any]:
    """Approve the case, and read the order in each state of its refund."""
    [case] = caller().get(f"{CHANNEL}/cancellation_requests/").json()["results"]
    assert transition(caller(), case["id"], "approve").status_code == 200
    payment = Payment.objects.get()
    provider.payments[payment.reference or ""] = FakePayment()
    documents = {"planned": read()}

    def take_and_lose_the_reply(fake: FakeProvider, order: Any) -> Any:
        documents["sent"] = read()
        return lose_reply(fake, order)

    provider.behaviours = [take_and_lose_the_reply]
    _work(clock_at_now, seconds=10)
    documents["in doubt"] = read()
    _work(clock_at_now, seconds=120)
    documents["confirmed"] = read()
    clock_at_now.shift(timedelta(days=20))
    provider.change(payment.reference or "", RefundStatus.FAILED, code="account_closed")
    Refund.objects.update(next_look_at=clock.now())
    _work(clock_at_now, seconds=10)
    documents["returned"] = read()
    assert list(provider.requests_by_key().values()) == [1]
    return documents


def _work(clock_at_now: Traveller, seconds: int) -> None:
    for _ in range(seconds // 10):
        while look_at_payments(clock.now()):
            pass
        Worker(HANDLERS, jitter=lambda: 0.0).deliver_all()
        clock_at_now.shift(10)


def refund_shown(state: str) -> dict[str, Any]:
    """The refund in the documents of shopper and guest."""
    status, day, amount, label, _ = STORY[state]
    return {
        "uuid": str(Refund.objects.get().uuid),
        "status": {"value": status, "label": label},
        "method": {"value": "original", "label": "The way it was paid"},
        "amount": amount,
        "currency": {"value": "try", "label": "TL"},
        "date": day,
    }


def check_shopper(documents: dict[str, Any]) -> None:
    """Order, item and case show the refund in each state; the totals only while it is paid."""
    assert documents.keys() == STORY.keys()
    for state, order in documents.items():
        [item] = order["orderitem_set"]
        [case] = item["cancellationrequest_set"]
        expected = refund_shown(state)
        assert (state, order["refund_set"]) == (state, [expected])
        assert (state, case["refund_set"]) == (state, [expected])
        status = "completed" if state in ("confirmed", "returned") else "approved"
        assert (state, case["status"]["value"]) == (state, status)
        paid = "10.00" if state == "confirmed" else "0.00"
        assert (state, order["refund_amount"]) == (state, paid)


def preview_shown(rows: Any) -> tuple[Any, Any]:
    """Amount and latest day of the only refund that a preview shows."""
    [preview] = rows if isinstance(rows, list) else [rows]
    [refund] = preview["refunds"]
    return refund["amount"], refund["latest_date"]


def test_customer_reads_each_state(provider: FakeProvider, clock_at_now: Traveller) -> None:
    create_account()
    user = factories.create_customer()
    order, _ = create_charged_order(customer=user)
    client = factories.client_of(user)
    reason = factories.create_reason().pk
    item = {
        "order_item": factories.items_of(order)[0].pk,
        "cancellation_type": "cancel",
    }

    preview = post(
        client,
        "/users/orders/refund_preview/",
        {"cancel_order_items": [item]},
        headers=token_of(client),
    )
    opened = post(
        client,
        OPEN_CASE,
        item | {"reason": reason},
        headers=token_of(client),
    )
    documents = follow(
        lambda: factories.client_of(user).get(f"/users/orders/{order.pk}/").json(),
        provider,
        clock_at_now,
    )

    assert preview_shown(preview.json()) == ("10.00", DUE)
    assert opened.json()["refund_set"] == []
    check_shopper(documents)


def test_guest_reads_each_state(provider: FakeProvider, clock_at_now: Traveller) -> None:
    create_account()
    order, _ = create_charged_order(number=factories.NUMBER)
    client = HttpClient()
    item = {
        "order_item": factories.items_of(order)[0].pk,
        "cancellation_type": "cancel",
    }
    identity = {"number": factories.NUMBER, "email": factories.GUEST}
    reason = factories.create_reason().pk

    preview = post(
        client,
        "/users/orders/anonymous/refund_preview/",
        identity | {"cancel_order_items": [item]},
    )
    opened = post(
        client,
        GUEST_OPEN_CASE,
        identity | item | {"reason": reason},
    )

    def read() -> Any:
        [document] = verify_order(HttpClient()).json()
        return document

    documents = follow(read, provider, clock_at_now)

    assert preview_shown(preview.json()) == ("10.00", DUE)
    assert opened.json()["refund_set"] == []
    check_shopper(documents)


def test_channel_reads_each_state(provider: FakeProvider, clock_at_now: Traveller) -> None:
    create_account()
    order, _ = create_charged_order()
    [item] = factories.items_of(order)
    path = f"{CHANNEL}/orders/{order.pk}/"
    preview = send(caller("read"), "POST", f"{path}refund_preview/", {"is_all": True})
    reason = factories.create_reason().pk
    opened = send(
        caller(),
        "POST",
        f"{CHANNEL}/cancellation_requests/",
        {"order_item": item.pk, "reason": reason, "cancellation_type": "cancel"},
    )

    def read() -> Any:
        system = caller()
        document = system.get(path).json()
        [case] = system.get(f"{CHANNEL}/cancellation_requests/").json()["results"]
        return document | {"case": case}

    documents = follow(read, provider, clock_at_now)

    assert preview_shown(preview.json()) == (10, DUE)
    assert opened.json()["refund_set"] == []
    assert documents.keys() == STORY.keys()
    for state, document in documents.items():
        status, _, _, _, cancel_status = STORY[state]
        [refund] = document["refund_set"]
        assert document["case"]["refund_set"] == [refund]
        shown = refund["status"], refund["method"], refund["amount"], refund["latest_date"]
        assert (state, shown) == (state, (status, "original", 10, DUE))
        assert (state, document["cancel_status"]) == (state, cancel_status)
        assert (state, document["refund_amount"]) == (state, 10 if state == "confirmed" else 0)
        dates = (bool(refund["confirmed_date"]), bool(refund["returned_date"]))
        assert dates == (state in ("confirmed", "returned"), state == "returned")
