"""Steps of a case: what each of them writes, and which ones the database refuses (P3)."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.open import AUTO_CONFIRM_CANCELLATIONS, open_cases
from takeback.cancellations.commands.transition import confirm, reject, withdraw
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import Kind, Status
from takeback.core.errors import Refused
from takeback.logistics.models import EasyReturn
from takeback.orders.models import Order, OrderItem
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status as ItemStatus
from tests import factories
from tests.cancellations.cases import (
    CUSTOMER,
    LATER,
    SCOPE,
    STAFF,
    asked,
    delivered,
    opened,
    refused,
)
from tests.storefront.api import nothing_written

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

Command = Callable[..., None]


@pytest.fixture
def line() -> OrderItem:
    """A line of one unit that can be cancelled."""
    return factories.items_of(factories.make_order())[0]


def status_of(case: int) -> str:
    """Where the case is."""
    return CancellationRequest.objects.get(pk=case).status


def steps_of(case: int) -> list[tuple[Any, ...]]:
    """Its history."""
    found = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    return list(found.values_list("seq", "event", "before", "after", "actor_kind"))


def let_through(item: OrderItem, before: Status, after: Status) -> bool:
    """Whether the database lets anybody write this change of status."""
    case = factories.make_request(item=item, status=before)
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


def test_the_database_lets_through_the_steps_of_the_life_cycle_and_no_other(
    line: OrderItem,
) -> None:
    pairs = [(a, b) for a, b in product(Status, repeat=2) if a is not b]

    assert {(a.value, b.value) for a, b in pairs if let_through(line, a, b)} == STEPS
    assert len(pairs) == 42


@pytest.mark.parametrize("status", Status)
def test_what_is_no_step_may_be_written_in_every_state(line: OrderItem, status: Status) -> None:
    assert let_through(line, status, status)


def test_an_unknown_status_is_refused(line: OrderItem) -> None:
    case = factories.make_request(item=line)

    with pytest.raises(IntegrityError), transaction.atomic():
        CancellationRequest.objects.filter(pk=case.pk).update(status="lost")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cancellations_casehistory SET note = 'x'",
        "UPDATE cancellations_casehistory SET seq = seq + 1",
        "UPDATE cancellations_casehistory SET note = note",
        "DELETE FROM cancellations_casehistory",
        (
            "INSERT INTO cancellations_casehistory"
            " SELECT * FROM cancellations_casehistory WHERE true"
            " ON CONFLICT (id) DO UPDATE SET note = 'x'"
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
def test_history_is_never_changed(line: OrderItem, statement: str) -> None:
    if connection.vendor == "postgresql" and statement.startswith("REPLACE"):
        pytest.skip("only SQLite replaces rows without removing them")
    case = opened(line)

    with pytest.raises(IntegrityError, match="history"), transaction.atomic():
        connection.cursor().execute(statement)

    assert steps_of(case) == [(1, "open", None, "waiting", "customer")]


FROM_HERE: dict[Status, dict[Command, str]] = {
    Status.WAITING: {confirm: "confirmed", reject: "rejected", withdraw: "withdrawn"},
    Status.WAITING_APPROVAL: {confirm: "confirmed", reject: "rejected", withdraw: "withdrawn"},
    Status.CONFIRMED: {reject: "rejected", withdraw: "withdrawn"},
}
EVENTS = {confirm: "confirm", reject: "reject", withdraw: "withdraw"}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("command", EVENTS, ids=EVENTS.values())
@pytest.mark.parametrize("status", Status)
def test_every_command_in_every_state(status: Status, command: Command, kind: Kind) -> None:
    status_before = {Kind.CANCEL: ItemStatus.APPROVED, Kind.REFUND: ItemStatus.DELIVERED}[kind]
    [line] = factories.items_of(
        factories.make_order(items=[factories.item_in(status=status_before)])
    )
    case = factories.make_request(item=line, kind=kind, status=status, version=4).pk
    if status in {Status.CONFIRMED, Status.APPROVED}:
        CancellationRequest.objects.filter(pk=case).update(item_status_before=status_before)
        OrderItem.objects.update(status=ItemStatus.CANCELLATION_WAITING)

    after = FROM_HERE.get(status, {}).get(command)
    if after is None:
        with refused(errors.WRONG_STATUS):
            command(case, SCOPE, actor=STAFF, now=LATER)
        return
    command(case, SCOPE, actor=STAFF, now=LATER, note="because")

    row = CancellationRequest.objects.get()
    assert (row.status, row.version, row.modified_date) == (after, 5, LATER)
    step = CaseHistory.objects.get()
    assert (step.seq, step.event, step.before, step.after) == (5, EVENTS[command], status, after)
    assert (step.actor_kind, step.actor_number, step.note, step.at) == (
        "staff",
        1,
        "because",
        LATER,
    )
    waits = ItemStatus.CANCELLATION_WAITING if command is confirm else status_before
    assert OrderItem.objects.get().status == Order.objects.get().status == waits


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
def test_somebody_else_s_case_is_not_there(
    line: OrderItem, command: Command, scope: OrderScope
) -> None:
    case = opened(line)

    with nothing_written(), pytest.raises(Refused, match="not_found"):
        command(case, scope, actor=CUSTOMER, now=LATER)
    with nothing_written(), pytest.raises(Refused, match="not_found"):
        command(case + 1, SCOPE, actor=STAFF, now=LATER)


def test_confirming_sets_the_units_apart_and_the_order_follows() -> None:
    order = factories.make_order(
        items=[factories.item_in(quantity=3, attributes={"quantity": 3}, goods_minor=1000)]
    )
    [line] = factories.items_of(order)
    case = opened(line, quantity=2)

    confirm(case, SCOPE, actor=STAFF, now=LATER)

    rest, part = factories.items_of(order)
    assert (rest.status, rest.quantity, rest.goods_minor) == (400, 1, 333)
    assert (part.status, part.quantity, part.goods_minor) == (50, 2, 667)
    row = CancellationRequest.objects.get()
    assert (row.order_item_id, row.quantity, row.item_status_before) == (part.pk, 2, 400)
    order.refresh_from_db()
    assert (order.status, order.is_finalized, order.modified_date) == (50, True, LATER)


@pytest.mark.parametrize(("end", "after"), [(reject, "rejected"), (withdraw, "withdrawn")])
def test_a_confirmed_case_that_ends_puts_its_line_back(end: Command, after: str) -> None:
    order = factories.make_order(
        items=[
            factories.item_in(quantity=3, status=ItemStatus.PREPARING),
            factories.item_in(remote_id="2"),
        ]
    )
    line = factories.items_of(order)[0]
    case = opened(line, quantity=1)
    confirm(case, SCOPE, actor=STAFF, now=LATER)

    end(case, SCOPE, actor=STAFF, now=LATER)

    assert status_of(case) == after
    lines = factories.items_of(order)
    assert [(line.status, line.quantity) for line in lines] == [(450, 2), (400, 1), (450, 1)]
    order.refresh_from_db()
    assert order.status == 400
    # All of it can be asked for again.
    for item in lines:
        opened(item)


def test_a_case_that_was_never_confirmed_leaves_its_line_alone(line: OrderItem) -> None:
    case = opened(line)
    OrderItem.objects.update(status=ItemStatus.SHIPPED, modified_date=LATER)

    reject(case, SCOPE, actor=STAFF, now=LATER)

    assert OrderItem.objects.get().status == ItemStatus.SHIPPED


def tell(status: int, **fields: Any) -> None:
    """The order's line has come to this, says the shop."""
    told = factories.order_in(items=[factories.item_in(status=status, **fields)])
    [outcome] = factories.tell(told, now=LATER)
    assert outcome.result == "updated"


@pytest.mark.parametrize("end", [reject, withdraw])
def test_what_the_shop_says_while_a_line_waits_holds_once_the_case_has_ended(
    line: OrderItem, end: Command
) -> None:
    case = opened(line)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    for status in (ItemStatus.PREPARING, ItemStatus.SHIPPED, ItemStatus.CANCELLATION_WAITING):
        tell(status)
        assert OrderItem.objects.get().status == ItemStatus.CANCELLATION_WAITING

    end(case, SCOPE, actor=STAFF, now=LATER)

    assert OrderItem.objects.get().status == Order.objects.get().status == ItemStatus.SHIPPED


def test_what_the_shop_said_during_an_earlier_case_is_not_remembered(line: OrderItem) -> None:
    first = opened(line)
    confirm(first, SCOPE, actor=STAFF, now=LATER)
    tell(ItemStatus.PREPARING)
    reject(first, SCOPE, actor=STAFF, now=LATER)
    tell(ItemStatus.APPROVED)
    second = opened(line)
    confirm(second, SCOPE, actor=STAFF, now=LATER)

    reject(second, SCOPE, actor=STAFF, now=LATER)

    assert OrderItem.objects.get().status == ItemStatus.APPROVED


def test_goods_that_have_left_are_not_cancelled(line: OrderItem) -> None:
    case = opened(line)
    tell(ItemStatus.SHIPPED)

    with refused(errors.CANNOT_CANCEL_NOW):
        confirm(case, SCOPE, actor=STAFF, now=LATER)

    reject(case, SCOPE, actor=STAFF, now=LATER)
    assert [step[1] for step in steps_of(case)] == ["open", "reject"]
    assert OrderItem.objects.get().status == ItemStatus.SHIPPED


@pytest.mark.parametrize("ended", [ItemStatus.CANCELLED, ItemStatus.REFUNDED])
def test_a_return_of_what_has_ended_elsewhere_is_not_confirmed(ended: ItemStatus) -> None:
    line = delivered()
    case = opened(line, kind=Kind.REFUND)
    tell(ended)

    with refused(errors.CANNOT_RETURN_NOW):
        confirm(case, SCOPE, actor=STAFF, now=LATER)


def test_units_that_went_elsewhere_meanwhile_are_not_confirmed() -> None:
    [line] = factories.items_of(factories.make_order(items=[factories.item_in(quantity=3)]))
    case = opened(line, quantity=2)
    OrderItem.objects.update(units_closed=2)

    with refused(errors.QUANTITY_TOO_LARGE):
        confirm(case, SCOPE, actor=STAFF, now=LATER)


def two_in_one_parcel() -> list[int]:
    """Two lines of an order that go back with the same carrier."""
    carrier, reason = factories.make_company().pk, factories.make_reason(kind="refund").pk
    told = {"status": ItemStatus.DELIVERED}
    items = [factories.item_in(**told), factories.item_in(remote_id="2", **told)]
    lines = factories.items_of(factories.make_order(items=items))
    asks = [asked(line, kind=Kind.REFUND, reason=reason, carrier=carrier) for line in lines]
    return open_cases(asks, SCOPE, actor=CUSTOMER, now=factories.NOW)


@pytest.mark.parametrize("end", [reject, withdraw])
def test_a_way_back_is_given_up_with_its_last_case(end: Command) -> None:
    first, second = two_in_one_parcel()
    assert EasyReturn.objects.get().max_count == 2

    end(first, SCOPE, actor=STAFF, now=LATER)
    assert EasyReturn.objects.get().status == "wanted"

    end(second, SCOPE, actor=STAFF, now=LATER)
    way_back = EasyReturn.objects.get()
    assert (way_back.status, way_back.modified_date) == ("cancelled", LATER)


@pytest.mark.parametrize(
    ("before", "after"),
    [("booked", "cancelled"), ("in_transit", "in_transit"), ("received", "received")],
)
def test_a_parcel_on_its_way_comes_all_the_same(before: str, after: str) -> None:
    for case in two_in_one_parcel():
        EasyReturn.objects.update(status=before)
        withdraw(case, SCOPE, actor=CUSTOMER, now=LATER)

    assert EasyReturn.objects.get().status == after


def test_a_shop_may_confirm_every_cancellation_at_once(settings: LazySettings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    order = factories.make_order(items=[factories.item_in(quantity=2)])

    case = opened(factories.items_of(order)[0])

    assert steps_of(case) == [
        (1, "open", None, "waiting", "customer"),
        (2, "confirm", "waiting", "confirmed", "system"),
    ]
    assert [line.status for line in factories.items_of(order)] == [50]


def test_no_return_is_confirmed_at_once(settings: LazySettings) -> None:
    settings.CANCEL_AUTO_CONFIRM = True

    assert status_of(opened(delivered(), kind=Kind.REFUND)) == "waiting"


def test_one_call_may_confirm_its_own_cancellations_at_once() -> None:
    reason = factories.make_reason().pk
    order = factories.make_order(
        items=[
            factories.item_in(),
            factories.item_in(remote_id="2"),
            factories.item_in(remote_id="3", status=ItemStatus.DELIVERED),
        ]
    )
    first, second, third = factories.items_of(order)
    asks = [
        asked(first, reason=reason),
        asked(second, reason=reason),
        asked(third, kind=Kind.REFUND),
    ]

    cases = open_cases(
        asks, SCOPE, actor=CUSTOMER, now=factories.NOW, auto_confirm=AUTO_CONFIRM_CANCELLATIONS
    )

    assert [status_of(case) for case in cases] == ["confirmed", "confirmed", "waiting"]
    assert [line.status for line in factories.items_of(order)] == [50, 50, 550]
