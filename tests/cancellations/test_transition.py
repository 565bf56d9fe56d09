"""Deciding: what approve, review, remove and a wanted status do to case, plan and line (P3)."""

import pytest

from takeback.cancellations import errors
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    remove,
    review,
    set_status,
    withdraw,
)
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.queries import by_item, cases_of_orders, own_cases
from takeback.cancellations.statuses import Kind, Status
from takeback.core import errors as core_errors
from takeback.core.paging import Page
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from takeback.outbox.models import Message
from tests import factories
from tests.cancellations.cases import LATER, SCOPE, STAFF, delivered, opened, refused

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


@pytest.fixture
def line() -> OrderItem:
    """A line of one unit that can be cancelled."""
    return factories.items_of(factories.make_order())[0]


def case_of(case: int) -> CancellationRequest:
    """The case as it is now."""
    return CancellationRequest.objects.get(pk=case)


def events_of(case: int) -> list[tuple[str, str]]:
    """What happened to it and what it became."""
    found = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    return list(found.values_list("event", "after"))


def topics_of(case: int) -> list[str]:
    """What was told of it, in order."""
    found = Message.objects.filter(key__contains=f":{case}.").order_by("id")
    topics = found.values_list("topic", flat=True)
    return [topic.removeprefix("cancellation_request.") for topic in topics]


def test_all_that_is_left_of_a_line_is_not_set_apart() -> None:
    line = factories.items_of(factories.make_order(items=[factories.item_in(quantity=5)]))[0]
    OrderItem.objects.filter(pk=line.pk).update(units_closed=3)
    case = opened(line, quantity=2)

    confirm(case, SCOPE, actor=STAFF, now=LATER)

    assert case_of(case).order_item_id == line.pk
    assert OrderItem.objects.get().quantity == 5


def test_approving_a_confirmed_case_leaves_its_line_waiting_for_the_money(line: OrderItem) -> None:
    case = opened(line)
    confirm(case, SCOPE, actor=STAFF, now=LATER)

    approve(case, SCOPE, actor=STAFF, now=LATER, note="Seen.")

    found = case_of(case)
    assert (found.status, found.version, found.modified_date) == ("approved", 3, LATER)
    assert events_of(case) == [
        ("open", "waiting"),
        ("confirm", "confirmed"),
        ("approve", "approved"),
    ]
    assert topics_of(case) == ["opened", "confirmed", "approved"]
    assert factories.items_of(found.order_item.order)[0].status == 50


@pytest.mark.parametrize("start", [Status.WAITING, Status.WAITING_APPROVAL])
def test_approving_confirms_first_what_nobody_has_confirmed(line: OrderItem, start: Status) -> None:
    case = opened(line)
    if start is Status.WAITING_APPROVAL:
        review(case, SCOPE, actor=STAFF, now=LATER)

    approve(case, SCOPE, actor=STAFF, now=LATER)

    assert events_of(case)[-2:] == [("confirm", "confirmed"), ("approve", "approved")]
    assert case_of(case).plan_id is not None


def test_approving_loses_like_confirming_when_the_goods_have_left(line: OrderItem) -> None:
    case = opened(line)
    OrderItem.objects.filter(pk=line.pk).update(status=500)

    with refused(errors.CANNOT_CANCEL_NOW):
        approve(case, SCOPE, actor=STAFF, now=LATER)


def test_a_second_look_is_a_step_of_its_own(line: OrderItem) -> None:
    case = opened(line)

    review(case, SCOPE, actor=STAFF, now=LATER)

    assert events_of(case)[-1] == ("review", "waiting_approval")
    assert factories.items_of(line.order)[0].status == line.status
    with refused(errors.WRONG_STATUS):
        review(case, SCOPE, actor=STAFF, now=LATER)


ROUTES: dict[Status, dict[Status, list[str]]] = {
    Status.WAITING: {
        Status.WAITING_APPROVAL: ["review"],
        Status.CONFIRMED: ["confirm"],
        Status.APPROVED: ["confirm", "approve"],
        Status.REJECTED: ["reject"],
        Status.WITHDRAWN: ["withdraw"],
    },
    Status.WAITING_APPROVAL: {
        Status.CONFIRMED: ["confirm"],
        Status.APPROVED: ["confirm", "approve"],
        Status.REJECTED: ["reject"],
        Status.WITHDRAWN: ["withdraw"],
    },
    Status.CONFIRMED: {
        Status.APPROVED: ["approve"],
        Status.REJECTED: ["reject"],
        Status.WITHDRAWN: ["withdraw"],
    },
    Status.APPROVED: {},
    Status.REJECTED: {},
    # Other systems are shown a withdrawn case as a rejected one, and may say so.
    Status.WITHDRAWN: {Status.REJECTED: []},
}


def brought_to(line: OrderItem, status: Status) -> int:
    """A case in this state, by the commands that lead there."""
    case = opened(line)
    set_status(case, SCOPE, status, actor=STAFF, now=factories.NOW)
    return case


@pytest.mark.parametrize("start", ROUTES)
@pytest.mark.parametrize("wanted", Status)
def test_a_wanted_status_is_reached_by_its_command_or_refused(
    line: OrderItem, start: Status, wanted: Status
) -> None:
    case = brought_to(line, start)
    before = events_of(case)
    steps = [] if wanted is start else ROUTES[start].get(wanted)

    if steps is None:
        with refused(errors.WRONG_STATUS):
            set_status(case, SCOPE, wanted, actor=STAFF, now=LATER)
    else:
        set_status(case, SCOPE, wanted, actor=STAFF, now=LATER)
        assert [event for event, _ in events_of(case)[len(before) :]] == steps
        assert case_of(case).status == (wanted if steps else start)


@pytest.mark.parametrize("start", [Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED])
def test_removing_a_living_case_withdraws_it_and_hides_it(line: OrderItem, start: Status) -> None:
    case = brought_to(line, start)

    remove(case, SCOPE, actor=STAFF, now=LATER)

    found = case_of(case)
    assert (found.status, found.is_hidden) == ("withdrawn", True)
    assert events_of(case)[-2:] == [("withdraw", "withdrawn"), ("remove", "withdrawn")]
    assert factories.items_of(line.order)[0].status == line.status
    with refused(core_errors.NOT_FOUND):
        remove(case, SCOPE, actor=STAFF, now=LATER)


def test_removing_an_ended_case_only_hides_it(line: OrderItem) -> None:
    case = brought_to(line, Status.REJECTED)

    remove(case, SCOPE, actor=STAFF, now=LATER)

    assert events_of(case)[-2:] == [("reject", "rejected"), ("remove", "rejected")]


def test_what_money_is_planned_for_is_not_removed(line: OrderItem) -> None:
    case = brought_to(line, Status.APPROVED)

    with refused(errors.WRONG_STATUS):
        remove(case, SCOPE, actor=STAFF, now=LATER)


def test_a_hidden_case_is_on_no_list_and_its_item_is_free() -> None:
    customer = factories.make_customer()
    order = factories.make_order(customer=customer)
    [line] = factories.items_of(order)
    case = opened(line)

    remove(case, SCOPE, actor=STAFF, now=LATER)

    assert by_item(cases_of_orders(order_ids=[order.pk])) == {}
    assert own_cases(customer.pk, Page(1, 10)) == (0, [])
    assert opened(line) != case


def test_nobody_decides_on_what_they_have_not_seen(line: OrderItem) -> None:
    case = opened(line)
    review(case, SCOPE, actor=STAFF, now=LATER, version=1)

    for command in (approve, confirm, reject, withdraw, remove):
        with refused(core_errors.PRECONDITION_FAILED):
            command(case, SCOPE, actor=STAFF, now=LATER, version=1)
    approve(case, SCOPE, actor=STAFF, now=LATER, version=2)


def test_another_channel_s_case_is_not_there(line: OrderItem) -> None:
    case = opened(line)

    for command in (approve, confirm, review, reject, withdraw, remove):
        with refused(core_errors.NOT_FOUND):
            command(case, OrderScope(factories.SHOP + 1), actor=STAFF, now=LATER)


def test_a_return_is_approved_too() -> None:
    case = opened(delivered(), kind=Kind.REFUND)

    approve(case, SCOPE, actor=STAFF, now=LATER)

    assert case_of(case).status == "approved"
