"""Transitions: their effects, and the ones that the database refuses (P3)."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.open import AUTO_CONFIRM_CANCELLATIONS, open_cases
from takeback.cancellations.commands.transition import confirm, reject, withdraw
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import Kind, Status
from takeback.core import errors as core_errors
from takeback.core.ids import CaseId
from takeback.logistics.models import EasyReturn
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status as ItemStatus
from tests import factories
from tests.cancellations.factories import (
    CUSTOMER,
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    new_case,
    open_case,
    order_items,
)
from tests.refusals import refused

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

STEPS = {
    ("waiting", "waiting_approval"),
    ("waiting", "confirmed"),
    ("waiting", "rejected"),
    ("waiting", "withdrawn"),
    ("waiting_approval", "confirmed"),
    ("waiting_approval", "rejected"),
    ("waiting_approval", "withdrawn"),
    ("confirmed", "approved"),
    ("confirmed", "rejected"),
    ("confirmed", "withdrawn"),
    ("approved", "completed"),
}
UNDONE = {
    ("waiting_approval", "waiting"),
    ("confirmed", "waiting"),
    ("confirmed", "waiting_approval"),
    ("approved", "waiting"),
    ("approved", "waiting_approval"),
    ("approved", "confirmed"),
    ("rejected", "waiting"),
    ("rejected", "waiting_approval"),
    ("rejected", "confirmed"),
}
"""The changes of status by which an agent takes a decision back."""

Command = Callable[..., None]


@pytest.fixture
def item() -> OrderItem:
    """An item of one unit that can be cancelled."""
    return order_items()[0]


def status_of(case_id: CaseId) -> str:
    """The status of a case."""
    return CancellationRequest.objects.get(pk=case_id).status


def history_of(case_id: CaseId) -> list[tuple[Any, ...]]:
    """The history of a case."""
    rows = CaseHistory.objects.filter(cancellation_request=case_id).order_by("seq")
    return list(rows.values_list("seq", "event", "before", "after", "actor_kind"))


def database_allows(item: OrderItem, before: Status, after: Status) -> bool:
    """Whether the database allows this change of status."""
    case = factories.create_case(item=item, status=before)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cancellations_cancellationrequest SET status = %s WHERE id = %s",
                [after.value, case.pk],
            )
    except IntegrityError:
        return False
    finally:
        CancellationRequest.objects.filter(pk=case.pk).delete()
    return True


def test_database_allows_only_the_transitions_of_the_life_cycle(
    item: OrderItem,
) -> None:
    changes = [(a, b) for a, b in product(Status, repeat=2) if a is not b]

    allowed = {(a.value, b.value) for a, b in changes if database_allows(item, a, b)}
    assert allowed == STEPS | UNDONE
    assert len(changes) == 42


@pytest.mark.parametrize("status", Status)
def test_database_allows_an_update_that_keeps_the_status(item: OrderItem, status: Status) -> None:
    assert database_allows(item, status, status)


def test_database_refuses_an_unknown_status(item: OrderItem) -> None:
    case = factories.create_case(item=item)

    with pytest.raises(IntegrityError), transaction.atomic():
        CancellationRequest.objects.filter(pk=case.pk).update(status="lost")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cancellations_casehistory SET message = 'x'",
        "UPDATE cancellations_casehistory SET seq = seq + 1",
        "UPDATE cancellations_casehistory SET message = message",
        "DELETE FROM cancellations_casehistory",
        (
            "INSERT INTO cancellations_casehistory"
            " SELECT * FROM cancellations_casehistory WHERE true"
            " ON CONFLICT (id) DO UPDATE SET message = 'x'"
        ),
        "REPLACE INTO cancellations_casehistory SELECT * FROM cancellations_casehistory",
        (
            "REPLACE INTO cancellations_casehistory"
            " (cancellation_request_id, seq, event, after, actor_kind, overridden, at)"
            " SELECT cancellation_request_id, seq, 'x', after, actor_kind, overridden, at"
            " FROM cancellations_casehistory"
        ),
    ],
)
def test_database_refuses_changes_of_the_history(item: OrderItem, statement: str) -> None:
    if connection.vendor == "postgresql" and statement.startswith("REPLACE"):
        pytest.skip("PostgreSQL has no REPLACE")
    case = open_case(item)

    with pytest.raises(IntegrityError, match="history"), transaction.atomic():
        connection.cursor().execute(statement)

    assert history_of(case) == [(1, "open", None, "waiting", "customer")]


STATUS_AFTER: dict[Status, dict[Command, str]] = {
    Status.WAITING: {confirm: "confirmed", reject: "rejected", withdraw: "withdrawn"},
    Status.WAITING_APPROVAL: {confirm: "confirmed", reject: "rejected", withdraw: "withdrawn"},
    Status.CONFIRMED: {reject: "rejected", withdraw: "withdrawn"},
}
EVENTS = {confirm: "confirm", reject: "reject", withdraw: "withdraw"}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("command", EVENTS, ids=EVENTS.values())
@pytest.mark.parametrize("status", Status)
def test_every_command_in_every_status(status: Status, command: Command, kind: Kind) -> None:
    status_before = {Kind.CANCEL: ItemStatus.APPROVED, Kind.RETURN: ItemStatus.DELIVERED}[kind]
    [item] = order_items({"status": status_before})
    case = CaseId(factories.create_case(item=item, kind=kind, status=status, version=4).pk)
    if status in {Status.CONFIRMED, Status.APPROVED}:
        CancellationRequest.objects.filter(pk=case).update(item_status_before=status_before)
        OrderItem.objects.update(status=ItemStatus.CANCELLATION_WAITING)

    after = STATUS_AFTER.get(status, {}).get(command)
    if after is None:
        with refused(errors.WRONG_STATUS):
            command(case, SCOPE, actor=STAFF, now=LATER)
        return
    command(case, SCOPE, actor=STAFF, now=LATER, remarks=Remarks("because"))

    row = CancellationRequest.objects.get()
    assert (row.status, row.version) == (after, 5)
    assert row.modified_date != factories.NOW
    step = CaseHistory.objects.get()
    assert (step.seq, step.event, step.before, step.after) == (5, EVENTS[command], status, after)
    assert (step.actor_kind, step.actor_number, step.message, step.at) == (
        "staff",
        1,
        "because",
        LATER,
    )
    item_status = ItemStatus.CANCELLATION_WAITING if command is confirm else status_before
    assert OrderItem.objects.get().status == Order.objects.get().status == item_status


@pytest.mark.parametrize("command", EVENTS, ids=EVENTS.values())
@pytest.mark.parametrize(
    "scope",
    [
        OrderScope(factories.SHOP + 1),
        OrderScope(factories.SHOP, user_id=0),
        OrderScope(factories.SHOP, order_ids=frozenset()),
    ],
    ids=["another shop", "another customer", "another order"],
)
def test_case_outside_the_scope_does_not_exist(
    item: OrderItem, command: Command, scope: OrderScope
) -> None:
    case = open_case(item)

    with refused(core_errors.NOT_FOUND):
        command(case, scope, actor=CUSTOMER, now=LATER)
    with refused(core_errors.NOT_FOUND):
        command(CaseId(case + 1), SCOPE, actor=STAFF, now=LATER)


def test_confirming_splits_off_the_units_and_updates_the_order() -> None:
    order = factories.create_order(
        items=[factories.item_input(quantity=3, attributes={"quantity": 3}, goods_minor=1000)]
    )
    [item] = factories.items_of(order)
    case = open_case(item, quantity=2)

    confirm(case, SCOPE, actor=STAFF, now=LATER)

    rest, part = factories.items_of(order)
    assert (rest.status, rest.quantity, rest.goods_minor) == (400, 1, 333)
    assert (part.status, part.quantity, part.goods_minor) == (50, 2, 667)
    row = CancellationRequest.objects.get()
    assert (row.order_item_id, row.quantity, row.item_status_before) == (part.pk, 2, 400)
    order.refresh_from_db()
    assert (order.status, order.is_finalized) == (50, True)


@pytest.mark.parametrize(("end", "after"), [(reject, "rejected"), (withdraw, "withdrawn")])
def test_closing_a_confirmed_case_restores_its_item(end: Command, after: str) -> None:
    order = factories.create_order(
        items=[
            factories.item_input(quantity=3, status=ItemStatus.PREPARING),
            factories.item_input(remote_id="2"),
        ]
    )
    item = factories.items_of(order)[0]
    case = open_case(item, quantity=1)
    confirm(case, SCOPE, actor=STAFF, now=LATER)

    end(case, SCOPE, actor=STAFF, now=LATER)

    assert status_of(case) == after
    items = factories.items_of(order)
    assert [(row.status, row.quantity) for row in items] == [(450, 3), (400, 1)]
    order.refresh_from_db()
    assert order.status == 400
    # A new case can be opened for each of them.
    for row in items:
        open_case(row)


def test_closing_an_unconfirmed_case_does_not_change_its_item(item: OrderItem) -> None:
    case = open_case(item)
    OrderItem.objects.update(status=ItemStatus.SHIPPED, modified_date=LATER)

    reject(case, SCOPE, actor=STAFF, now=LATER)

    assert OrderItem.objects.get().status == ItemStatus.SHIPPED


def ingest_status(status: int) -> None:
    """The shop sends a new status of the order's item."""
    order = factories.order_input(items=[factories.item_input(status=status)])
    [outcome] = factories.ingest(order, now=LATER)
    assert outcome.result in {"updated", "unchanged"}


@pytest.mark.parametrize("end", [reject, withdraw])
def test_status_sent_during_a_confirmed_case_applies_after_rejection(
    item: OrderItem, end: Command
) -> None:
    case = open_case(item)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    for status in (ItemStatus.PREPARING, ItemStatus.SHIPPED, ItemStatus.CANCELLATION_WAITING):
        ingest_status(status)
        assert OrderItem.objects.get().status == ItemStatus.CANCELLATION_WAITING

    end(case, SCOPE, actor=STAFF, now=LATER)

    assert OrderItem.objects.get().status == Order.objects.get().status == ItemStatus.SHIPPED


def test_status_sent_during_an_earlier_case_is_not_applied(item: OrderItem) -> None:
    first = open_case(item)
    confirm(first, SCOPE, actor=STAFF, now=LATER)
    ingest_status(ItemStatus.PREPARING)
    reject(first, SCOPE, actor=STAFF, now=LATER)
    ingest_status(ItemStatus.APPROVED)
    second = open_case(item)
    confirm(second, SCOPE, actor=STAFF, now=LATER)

    reject(second, SCOPE, actor=STAFF, now=LATER)

    item.refresh_from_db()
    assert (item.status, item.deferred_status) == (ItemStatus.PREPARING, None)


def test_older_status_sent_during_a_case_does_not_count_after_it() -> None:
    [item] = order_items({"status": ItemStatus.PREPARING})
    case = open_case(item)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    ingest_status(ItemStatus.APPROVED)

    reject(case, SCOPE, actor=STAFF, now=LATER)

    assert OrderItem.objects.get().status == ItemStatus.PREPARING


def test_cancellation_of_shipped_goods_cannot_be_confirmed(item: OrderItem) -> None:
    case = open_case(item)
    ingest_status(ItemStatus.SHIPPED)

    with refused(errors.CANNOT_CANCEL_NOW):
        confirm(case, SCOPE, actor=STAFF, now=LATER)

    reject(case, SCOPE, actor=STAFF, now=LATER)
    assert [step[1] for step in history_of(case)] == ["open", "reject"]
    assert OrderItem.objects.get().status == ItemStatus.SHIPPED


@pytest.mark.parametrize("ended", [ItemStatus.CANCELLED, ItemStatus.REFUNDED])
def test_return_of_an_ended_item_cannot_be_confirmed(ended: ItemStatus) -> None:
    item = delivered_item()
    case = open_case(item, kind=Kind.RETURN)
    OrderItem.objects.update(status=ended)

    with refused(errors.CANNOT_RETURN_NOW):
        confirm(case, SCOPE, actor=STAFF, now=LATER)


def test_case_for_units_that_are_closed_meanwhile_cannot_be_confirmed() -> None:
    [item] = order_items({"quantity": 3})
    case = open_case(item, quantity=2)
    OrderItem.objects.update(units_closed=2)

    with refused(errors.QUANTITY_TOO_LARGE):
        confirm(case, SCOPE, actor=STAFF, now=LATER)


def open_two_returns_in_one_parcel() -> list[CaseId]:
    """Returns of two items of an order with the same carrier."""
    carrier, reason = factories.create_carrier().pk, factories.create_reason(kind="refund").pk
    items = order_items({"status": ItemStatus.DELIVERED}, {"status": ItemStatus.DELIVERED})
    cases = [new_case(item, kind=Kind.RETURN, reason=reason, carrier=carrier) for item in items]
    return open_cases(cases, SCOPE, actor=CUSTOMER, now=factories.NOW)


@pytest.mark.parametrize("end", [reject, withdraw])
def test_easy_return_is_cancelled_with_its_last_case(end: Command) -> None:
    first, second = open_two_returns_in_one_parcel()
    assert EasyReturn.objects.get().max_count == 2

    end(first, SCOPE, actor=STAFF, now=LATER)
    assert EasyReturn.objects.get().status == "wanted"

    end(second, SCOPE, actor=STAFF, now=LATER)
    easy_return = EasyReturn.objects.get()
    assert (easy_return.status, easy_return.modified_date) == ("cancelled", LATER)


@pytest.mark.parametrize(
    ("before", "after"),
    [("booked", "cancelled"), ("in_transit", "in_transit"), ("received", "received")],
)
def test_easy_return_in_transit_is_not_cancelled(before: str, after: str) -> None:
    for case in open_two_returns_in_one_parcel():
        EasyReturn.objects.update(status=before)
        withdraw(case, SCOPE, actor=CUSTOMER, now=LATER)

    assert EasyReturn.objects.get().status == after


def test_shop_may_confirm_all_cancellations_automatically(settings: LazySettings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    order = factories.create_order(items=[factories.item_input(quantity=2)])

    case = open_case(factories.items_of(order)[0])

    assert history_of(case) == [
        (1, "open", None, "waiting", "customer"),
        (2, "confirm", "waiting", "confirmed", "system"),
    ]
    assert [item.status for item in factories.items_of(order)] == [50]


def test_returns_are_not_confirmed_automatically(settings: LazySettings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True

    assert status_of(open_case(delivered_item(), kind=Kind.RETURN)) == "waiting"


def test_request_may_confirm_its_own_cancellations() -> None:
    reason = factories.create_reason().pk
    order = factories.create_order(
        items=[
            factories.item_input(),
            factories.item_input(remote_id="2"),
            factories.item_input(remote_id="3", status=ItemStatus.DELIVERED),
        ]
    )
    first, second, third = factories.items_of(order)
    cases = [
        new_case(first, reason=reason),
        new_case(second, reason=reason),
        new_case(third, kind=Kind.RETURN),
    ]

    case_ids = open_cases(
        cases, SCOPE, actor=CUSTOMER, now=factories.NOW, auto_confirm=AUTO_CONFIRM_CANCELLATIONS
    )

    assert [status_of(case) for case in case_ids] == ["confirmed", "confirmed", "waiting"]
    assert [item.status for item in factories.items_of(order)] == [50, 50, 550]
