"""A shipment that is reported while a cancellation waits, and one that is reported too late."""

from collections.abc import Callable
from typing import Any

import pytest

from takeback.cancellations.models import CancellationPlan
from takeback.core import clock
from takeback.orders.models import OrderItem
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import (
    CASES,
    caller,
    cancellable_item,
    change,
    history,
    open_case,
    refused,
    send,
    stored_case,
    transition,
)
from tests.factories import HttpClient
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

ITEMS = f"/api/v1/channel/{shop.SHOP}/order_items/"
PLANS = f"/api/v1/channel/{shop.SHOP}/cancellation_plans/"
BULK = f"{ITEMS}bulk_status_update/"
TOO_LATE = "cancellation_request_100_2"


def confirmed_case(client: HttpClient, **fields: Any) -> tuple[int, OrderItem]:
    """A confirmed cancellation, and its item."""
    item = cancellable_item(**fields)
    response = open_case(
        client,
        order_item=item.pk,
        reason=factories.create_reason().pk,
        cancellation_type="cancel",
    )
    case: int = response.json()["pk"]
    assert transition(client, case, "confirm").status_code == 200
    item.refresh_from_db()
    return case, item


def report(client: HttpClient, item: OrderItem, status: int = 550) -> Any:
    """The shop reports the status of an item."""
    return send(client, "PATCH", f"{ITEMS}{item.pk}/", {"status": status})


def status_of(item: OrderItem) -> tuple[int, int | None]:
    """The status of an item, and the one that follows when its case is closed."""
    item.refresh_from_db()
    return item.status, item.deferred_status


@pytest.mark.parametrize("shipped", [500, 510, 520, 540, 544, 545, 550])
def test_reported_shipment_ends_the_cancellation_on_every_route(shipped: int) -> None:
    client = caller("money")
    case, item = confirmed_case(client)

    response = report(client, item, shipped)

    assert (response.status_code, response.json()["status"]) == (200, "cancellation_waiting")
    assert status_of(item) == (50, shipped)
    for name in ("confirm", "approve"):
        with refused(400, TOO_LATE) as responses:
            responses.append(transition(client, case, name))
    with refused(400, TOO_LATE) as responses:
        responses.append(change(client, case, {"status": "approved"}))
    plan = CancellationPlan.objects.get()
    entry = {"transaction_type": "cancel", "order_items": [item.pk]}
    with refused(400, TOO_LATE) as responses:
        path = f"{PLANS}{plan.pk}/create_payment_plan/"
        responses.append(send(client, "POST", path, {"payment_plan": [entry]}))
    assert change(client, case, {"status": "confirmed", "description": "a"}).status_code == 200
    assert transition(client, case, "reject").status_code == 200
    assert status_of(item) == (shipped, None)


def test_status_before_the_shipment_does_not_end_the_cancellation() -> None:
    client = caller()
    case, item = confirmed_case(client)
    assert report(client, item, 450).status_code == 200
    assert transition(client, case, "approve").status_code == 200


def test_delivery_does_not_end_a_return() -> None:
    client = caller()
    item = cancellable_item(status=500)
    OrderItem.objects.update(shipped_date=clock.now())
    case = open_case(
        client,
        order_item=item.pk,
        reason=factories.create_reason(kind="refund").pk,
        cancellation_type="refund",
    ).json()["pk"]
    assert transition(client, case, "confirm").status_code == 200
    assert report(client, item).status_code == 200
    assert transition(client, case, "approve").status_code == 200
    assert report(client, item).status_code == 200


def test_item_of_an_approved_cancellation_never_moves() -> None:
    client = caller()
    case, item = confirmed_case(client)
    assert transition(client, case, "approve").status_code == 200

    with refused(409, "item_cancelled") as responses:
        responses.append(report(client, item))
    field = "orderitem_set.0.status"
    with refused(409, "item_cancelled", field) as responses:
        body = {"orderitem_set": [{"id": item.pk, "status": 500}]}
        responses.append(send(client, "PATCH", BULK, body))
    assert status_of(item) == (50, None)
    assert report(client, item, 50).status_code == 200


def test_all_or_none_of_a_batch_with_a_cancelled_item() -> None:
    client = caller()
    items = factories.items_of(
        factories.create_order(
            items=[factories.item_input(remote_id=name) for name in ("1", "2", "3")]
        )
    )
    OrderItem.objects.filter(pk=items[2].pk).update(status=100)
    changes = [{"id": item.pk, "status": 500} for item in items]
    with refused(409, "item_cancelled", "orderitem_set.2.status") as responses:
        responses.append(send(client, "PATCH", BULK, {"orderitem_set": changes}))


def test_order_received_again_does_not_move_a_cancelled_item() -> None:
    client = caller()
    shop.create_order(client, shop.order_body())
    item = OrderItem.objects.get()
    case = open_case(
        client,
        order_item=item.pk,
        reason=factories.create_reason().pk,
        cancellation_type="cancel",
    ).json()["pk"]
    assert transition(client, case, "approve").status_code == 200

    again = shop.create_order(client, shop.order_body({"status": 550}, shop.item_body(status=550)))

    assert again.status_code == 200
    assert status_of(item)[0] == 50


def turn(client: HttpClient, case: int, **body: Any) -> Any:
    """Turn a cancellation into a return."""
    return send(client, "POST", f"{CASES}{case}/turn_into_return/", body)


def test_cancellation_of_shipped_goods_becomes_a_return(settings: Any) -> None:
    settings.STRICT_REASON_TYPE = True
    carrier = factories.create_carrier(is_user_selectable=False)
    settings.RETURN_CARRIER = carrier.pk
    client = caller()
    case, item = confirmed_case(client, quantity=2)
    before = stored_case(case)
    report(client, item)

    response = turn(client, case, internal_note="Left this morning.")

    assert response.status_code == 200
    shown = response.json()
    assert (shown["cancellation_type"], shown["status"], shown["quantity"]) == (
        "refund",
        "waiting",
        2,
    )
    row = stored_case(case)
    assert (row.plan_id, row.item_status_before, row.reason_id) == (None, None, before.reason_id)
    assert row.easy_return
    assert (row.easy_return.carrier, row.easy_return.status) == (carrier.carrier, "wanted")
    assert status_of(item) == (550, None)
    assert CancellationPlan.objects.get().status == "rejected"
    assert history(case)[-1] == (3, "into_return", "waiting")
    with nothing_written():
        assert turn(client, case).json() == shown
    assert transition(client, case, "approve").status_code == 200
    assert CancellationPlan.objects.filter(plan_type="refund", status="approved").count() == 1


def test_waiting_cancellation_of_shipped_goods_becomes_a_return() -> None:
    client = caller()
    item = cancellable_item()
    reason = factories.create_reason().pk
    case = open_case(client, order_item=item.pk, reason=reason, cancellation_type="cancel").json()[
        "pk"
    ]
    report(client, item)
    with refused(400, TOO_LATE) as responses:
        responses.append(transition(client, case, "confirm"))
    assert turn(client, case).json()["cancellation_type"] == "refund"
    assert status_of(item) == (550, None)


def not_shipped(client: HttpClient) -> int:
    """A cancellation whose goods are here."""
    return confirmed_case(client)[0]


def approved(client: HttpClient) -> int:
    """An approved cancellation."""
    case = confirmed_case(client)[0]
    transition(client, case, "approve")
    return case


def rejected(client: HttpClient) -> int:
    """A cancellation that ended because the goods were shipped."""
    case, item = confirmed_case(client)
    report(client, item)
    transition(client, case, "reject")
    return case


@pytest.mark.parametrize("case_of", [not_shipped, approved, rejected])
def test_only_shipped_goods_of_an_open_cancellation_are_returned(
    case_of: Callable[[HttpClient], int],
) -> None:
    client = caller()
    case = case_of(client)
    with refused(400, "cancellation_request_100_3") as responses:
        responses.append(turn(client, case))


def test_return_leaves_its_plan_and_reduces_a_forced_amount() -> None:
    client = caller("money")
    case, item = confirmed_case(client)
    [other] = factories.items_of(factories.create_order(number="other"))
    OrderItem.objects.filter(pk=other.pk).update(status=50)
    plan = CancellationPlan.objects.get()
    CancellationPlan.objects.update(forced_refund_minor=1500)
    second = factories.create_case(item=other, status="confirmed", item_status_before=400)
    type(second).objects.filter(pk=second.pk).update(plan=plan)
    report(client, item)

    assert turn(client, case).status_code == 200

    plan.refresh_from_db()
    assert (plan.status, plan.refund_minor, plan.forced_refund_minor) == ("waiting", 1000, 1000)
