"""Systems that follow changes learn that a case is removed, and that `cancel_status` changes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from takeback.cancellations.commands.import_completed import CompletedCase, record_completed
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    remove,
    review,
    withdraw,
)
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.models import CancellationRequest
from takeback.core import clock
from takeback.core.ids import CaseId, ItemId
from takeback.orders.models import Order, OrderItem
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case, order_items
from tests.channel import case_calls, shop
from tests.channel.following import START, Follower
from tests.channel.sync import BASE, batch_object, change_batch, open_batch, send

pytestmark = pytest.mark.django_db

CASES, ORDERS = f"{BASE}cancellation_requests/updates/", f"{BASE}orders/updates/"


def removed_case(**fields: Any) -> CancellationRequest:
    """A case that a client has just removed."""
    item = factories.items_of(factories.create_order())[0]
    case = factories.create_case(item=item, **fields)
    assert case_calls.remove(shop.client(), case.pk).status_code == 204
    return CancellationRequest.objects.get(pk=case.pk)


def updates(query: str = "") -> list[dict[str, Any]]:
    """The rows of the list of changed cases."""
    response = send(shop.client(), "GET", CASES + query)
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


@pytest.mark.parametrize("query", ["", f"?modified_date__gt={START}", "?status=rejected"])
def test_removed_case_is_a_tombstone_among_changes(query: str) -> None:
    case = removed_case(
        description="text",
        iban=case_calls.IBAN,
        holder_name=case_calls.HOLDER,
        attributes={"color": "red"},
    )

    (row,) = updates(query)

    assert row == {
        "id": case.pk,
        "pk": case.pk,
        "order_item": case.order_item_id,
        "reason": case.reason_id,
        "description": None,
        "cancellation_type": "cancel",
        "status": "rejected",
        "iban": None,
        "holder_name": None,
        "easy_return": None,
        "quantity": 1,
        "fully_refund_as_loyalty_money": False,
        "created_date": "2026-03-10T12:00:00Z",
        "modified_date": case.modified_date.isoformat().replace("+00:00", "Z"),
        "uuid": str(case.uuid),
        "attributes": {},
        "attributes_kwargs": {},
        "localized_attributes": {},
        "localized_attributes_kwargs": {},
        "refund_set": [],
        "is_deleted": True,
    }


def test_other_changes_are_not_deleted() -> None:
    factories.create_case(item=factories.items_of(factories.create_order())[0])

    assert [(row["status"], row["is_deleted"]) for row in updates()] == [("waiting", False)]


def test_removed_case_is_in_no_other_list_and_not_found() -> None:
    case = removed_case()
    caller = shop.client()

    for path in ("cancellation_requests/", "cancellation_requests/detailed/"):
        response = send(caller, "GET", f"{path}?pk__in={case.pk}")
        assert (response.status_code, response.json()["count"]) == (200, 0)
    assert send(caller, "GET", f"cancellation_requests/{case.pk}/").status_code == 404


def test_removed_refunded_case_keeps_its_status() -> None:
    removed_case(status="completed")

    assert [(row["status"], row["is_deleted"]) for row in updates()] == [("completed", True)]


def test_follower_sees_each_removal_once_and_in_order() -> None:
    items = [factories.items_of(factories.create_order(number=str(n)))[0] for n in range(4)]
    cases = [factories.create_case(item=item).pk for item in items]
    follower, caller = Follower(shop.client(), CASES, limit=2), shop.client()
    assert follower.poll() == cases

    for case in (cases[2], cases[0]):
        case_calls.remove(caller, case)

    assert follower.poll() == [cases[2], cases[0]]
    assert [follower.rows[case]["is_deleted"] for case in cases] == [True, False, True, False]
    assert follower.poll() == []


def test_tombstone_leaves_the_changes_once_it_is_synced() -> None:
    case, caller = removed_case(), shop.client()
    (row,) = updates()

    batch = open_batch(caller)
    synced = batch_object(case.pk, version_date=row["modified_date"], remote_id="R-1")
    response = change_batch(
        caller, batch, "commit", content_type="cancellationrequest", objects=[synced]
    )

    assert (response.status_code, updates()) == (200, [])


def test_tombstones_of_other_channels_are_not_shown() -> None:
    foreign = factories.create_order(channel_id=shop.OTHER)
    factories.create_case(item=factories.items_of(foreign)[0], is_hidden=True)

    assert updates(f"?modified_date__gt={START}") == []


def _undo(case: CaseId) -> None:
    confirm(case, SCOPE, actor=STAFF, now=clock.now())
    OrderItem.objects.update(modified_date=factories.NOW)
    Order.objects.update(modified_date=factories.NOW)
    undo(case, SCOPE, actor=STAFF, now=clock.now())


def _by_staff(command: Callable[..., None]) -> Callable[[CaseId], None]:
    # The time of the request is earlier than that of the change.
    return lambda case: command(case, SCOPE, actor=STAFF, now=factories.NOW)


ACTS = {
    "review": (_by_staff(review), "confirmation_waiting"),
    "confirm": (_by_staff(confirm), "waiting"),
    "approve": (_by_staff(approve), "approved"),
    "reject": (_by_staff(reject), "rejected"),
    "withdraw": (_by_staff(withdraw), "rejected"),
    "remove": (_by_staff(remove), None),
    "undo": (_undo, "waiting"),
}


def set_back() -> tuple[datetime, Order, OrderItem]:
    """Give all orders and items an old time of their last change."""
    OrderItem.objects.update(modified_date=factories.NOW)
    Order.objects.update(modified_date=factories.NOW)
    return factories.NOW, Order.objects.get(), OrderItem.objects.get()


@pytest.mark.allow_repeated_queries("the test runs several commands")
@pytest.mark.parametrize("name", ACTS)
def test_order_and_item_change_with_their_cases(name: str) -> None:
    (item,) = order_items()
    case, (act, shown) = open_case(item), ACTS[name]
    before, order, item = set_back()
    follower = Follower(shop.client(), ORDERS, limit=10)
    assert follower.poll() == [order.pk]

    act(case)

    assert follower.poll() == [order.pk]
    assert follower.rows[order.pk]["cancel_status"] == shown
    (document,) = follower.rows[order.pk]["orderitem_set"]
    assert (document["pk"], document["cancel_status"]) == (item.pk, shown)
    assert OrderItem.objects.get().modified_date > before


def test_new_case_is_followed_in_the_list_of_cases() -> None:
    (item,) = order_items()
    before, order, item = set_back()
    follower = Follower(shop.client(), CASES, limit=10)
    assert follower.poll() == []

    case = open_case(item)

    assert follower.poll() == [case]
    order.refresh_from_db()
    item.refresh_from_db()
    assert order.modified_date == item.modified_date == before


def test_item_of_a_partial_cancellation_changes_like_its_part() -> None:
    (item,) = order_items({"quantity": 3})
    case = open_case(item, quantity=1)
    before, order, item = set_back()

    confirm(case, SCOPE, actor=STAFF, now=factories.NOW + timedelta(seconds=1))

    assert OrderItem.objects.count() == 2
    assert OrderItem.objects.filter(modified_date__lte=before).count() == 0
    order.refresh_from_db()
    assert order.modified_date > before


def test_order_changes_with_an_imported_completed_case() -> None:
    (item,) = order_items()
    before, order, item = set_back()
    completed = CompletedCase(ItemId(item.pk), 1, "R-1", factories.NOW)
    reason = factories.create_reason()

    with transaction.atomic():
        record_completed(shop.SHOP, [completed], reason_id=reason.pk, now=factories.NOW)

    order.refresh_from_db()
    assert order.modified_date > before


def test_case_with_an_older_time_does_not_set_its_order_back() -> None:
    (item,) = order_items()
    case = CancellationRequest.objects.filter(pk=open_case(item))
    before, order, item = set_back()

    case.update(status="rejected", modified_date=before - timedelta(days=1))

    order.refresh_from_db()
    item.refresh_from_db()
    assert order.modified_date == item.modified_date == before


def test_note_about_a_case_leaves_its_order_unchanged() -> None:
    (item,) = order_items()
    case = open_case(item)
    before, order, item = set_back()

    CancellationRequest.objects.filter(pk=case).update(description="new", modified_date=clock.now())

    order.refresh_from_db()
    assert order.modified_date == before
