"""Transitions: effects of review, approve, remove and set_status on case, plan and item (P3)."""

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
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.queries import by_item, cases_of_orders, own_cases
from takeback.cancellations.statuses import Kind, Status
from takeback.core import errors as core_errors
from takeback.core.ids import CaseId
from takeback.core.paging import Page
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.factories import (
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    open_case,
    order_items,
)
from tests.refusals import refused

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


@pytest.fixture
def item() -> OrderItem:
    """An item of one unit that can be cancelled."""
    return order_items()[0]


def load_case(case_id: CaseId) -> CancellationRequest:
    """The row of a case."""
    return CancellationRequest.objects.get(pk=case_id)


def events_of(case_id: CaseId) -> list[tuple[str, str]]:
    """The events of a case and the statuses after them."""
    rows = CaseHistory.objects.filter(cancellation_request=case_id).order_by("seq")
    return list(rows.values_list("event", "after"))


def test_case_for_all_units_left_does_not_split_the_item() -> None:
    [item] = order_items({"quantity": 5})
    OrderItem.objects.filter(pk=item.pk).update(units_closed=3)
    case = open_case(item, quantity=2)

    confirm(case, SCOPE, actor=STAFF, now=LATER)

    assert load_case(case).order_item_id == item.pk
    assert OrderItem.objects.get().quantity == 5


def test_item_of_approved_case_keeps_waiting_for_the_refund(item: OrderItem) -> None:
    case = open_case(item)
    confirm(case, SCOPE, actor=STAFF, now=LATER)

    approve(case, SCOPE, actor=STAFF, now=LATER, remarks=Remarks("Checked."))

    row = load_case(case)
    assert (row.status, row.version) == ("approved", 3)
    assert events_of(case) == [
        ("open", "waiting"),
        ("confirm", "confirmed"),
        ("approve", "approved"),
    ]
    assert CaseHistory.objects.get(cancellation_request=case, seq=3).message == "Checked."
    assert factories.items_of(row.order_item.order)[0].status == 50


@pytest.mark.parametrize("start", [Status.WAITING, Status.WAITING_APPROVAL])
def test_approving_an_unconfirmed_case_confirms_it_first(item: OrderItem, start: Status) -> None:
    case = open_case(item)
    if start is Status.WAITING_APPROVAL:
        review(case, SCOPE, actor=STAFF, now=LATER)

    approve(case, SCOPE, actor=STAFF, now=LATER)

    assert events_of(case)[-2:] == [("confirm", "confirmed"), ("approve", "approved")]
    assert load_case(case).plan_id is not None


def test_cancellation_of_shipped_goods_cannot_be_approved(item: OrderItem) -> None:
    case = open_case(item)
    OrderItem.objects.filter(pk=item.pk).update(status=500)

    with refused(errors.CANNOT_CANCEL_NOW):
        approve(case, SCOPE, actor=STAFF, now=LATER)


def test_review_changes_the_case_but_not_its_item(item: OrderItem) -> None:
    case = open_case(item)

    review(case, SCOPE, actor=STAFF, now=LATER)

    assert events_of(case)[-1] == ("review", "waiting_approval")
    assert factories.items_of(item.order)[0].status == item.status
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
    # Other systems see a withdrawn case as a rejected one.
    Status.WITHDRAWN: {Status.REJECTED: []},
}


def open_case_in(item: OrderItem, status: Status) -> CaseId:
    """A case that a transition has taken to a status."""
    case = open_case(item)
    set_status(case, SCOPE, status, actor=STAFF, now=factories.NOW)
    return case


@pytest.mark.parametrize("start", ROUTES)
@pytest.mark.parametrize("status", Status)
def test_set_status_takes_the_only_route_or_refuses(
    item: OrderItem, start: Status, status: Status
) -> None:
    case = open_case_in(item, start)
    before = events_of(case)
    steps = [] if status is start else ROUTES[start].get(status)

    if steps is None:
        with refused(errors.WRONG_STATUS):
            set_status(case, SCOPE, status, actor=STAFF, now=LATER)
    else:
        set_status(case, SCOPE, status, actor=STAFF, now=LATER)
        assert [event for event, _ in events_of(case)[len(before) :]] == steps
        assert load_case(case).status == (status if steps else start)


@pytest.mark.parametrize("start", [Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED])
def test_removing_a_live_case_withdraws_and_hides_it(item: OrderItem, start: Status) -> None:
    case = open_case_in(item, start)

    remove(case, SCOPE, actor=STAFF, now=LATER)

    row = load_case(case)
    assert (row.status, row.is_hidden) == ("withdrawn", True)
    assert events_of(case)[-2:] == [("withdraw", "withdrawn"), ("remove", "withdrawn")]
    assert factories.items_of(item.order)[0].status == item.status
    with refused(core_errors.NOT_FOUND):
        remove(case, SCOPE, actor=STAFF, now=LATER)


def test_removing_a_closed_case_only_hides_it(item: OrderItem) -> None:
    case = open_case_in(item, Status.REJECTED)

    remove(case, SCOPE, actor=STAFF, now=LATER)

    assert events_of(case)[-2:] == [("reject", "rejected"), ("remove", "rejected")]


def test_approved_case_cannot_be_removed(item: OrderItem) -> None:
    case = open_case_in(item, Status.APPROVED)

    with refused(errors.WRONG_STATUS):
        remove(case, SCOPE, actor=STAFF, now=LATER)


def test_hidden_case_is_on_no_list_and_its_item_is_free() -> None:
    customer = factories.create_customer()
    order = factories.create_order(customer=customer)
    [item] = factories.items_of(order)
    case = open_case(item)

    remove(case, SCOPE, actor=STAFF, now=LATER)

    assert by_item(cases_of_orders(order_ids=[order.pk])) == {}
    assert own_cases(customer.pk, Page(1, 10)) == (0, [])
    assert open_case(item) != case


def test_transition_on_an_outdated_version_is_refused(item: OrderItem) -> None:
    case = open_case(item)
    review(case, SCOPE, actor=STAFF, now=LATER, version=1)

    for command in (approve, confirm, reject, withdraw, remove):
        with refused(core_errors.PRECONDITION_FAILED):
            command(case, SCOPE, actor=STAFF, now=LATER, version=1)
    approve(case, SCOPE, actor=STAFF, now=LATER, version=2)


def test_case_of_another_channel_does_not_exist(item: OrderItem) -> None:
    case = open_case(item)

    for command in (approve, confirm, review, reject, withdraw, remove):
        with refused(core_errors.NOT_FOUND):
            command(case, OrderScope(factories.SHOP + 1), actor=STAFF, now=LATER)


def test_return_can_be_approved() -> None:
    case = open_case(delivered_item(), kind=Kind.RETURN)

    approve(case, SCOPE, actor=STAFF, now=LATER)

    assert load_case(case).status == "approved"
