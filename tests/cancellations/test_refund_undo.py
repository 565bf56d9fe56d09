"""Planned refunds leave after the time in which an approval may be undone, which cancels them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from takeback.cancellations.commands.transition import approve, confirm, reject, withdraw
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.statuses import MAIL_DELAY
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId
from takeback.orders.models import OrderItem
from takeback.outbox.models import Message
from takeback.refunds.models import Refund
from tests.cancellations.factories import (
    CUSTOMER,
    LATER,
    SCOPE,
    STAFF,
    open_case,
    order_items,
)
from tests.cancellations.refunds import balances, planned, refunds_of, report
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

BEA, KEY = Actor(ActorKind.STAFF, 2), Actor(ActorKind.CHANNEL, 7)
SOON = LATER + timedelta(seconds=3)
NO = Remarks("No.")


def two_confirmed(*goods: int) -> list[CaseId]:
    """Two confirmed cases of one plan, of 10 and of 20 lira by default."""
    prices = [{"goods_minor": minor} for minor in goods or (1000, 2000)]
    cases = [open_case(item) for item in order_items(*prices)]
    for case in cases:
        confirm(case, SCOPE, actor=KEY, now=LATER)
    return cases


def due_times() -> list[datetime | None]:
    """When the planned refunds leave; None: at once."""
    messages = Message.objects.filter(topic="refund.planned").order_by("pk")
    return [None if row.due_at == row.created_at else row.due_at for row in messages]


def is_refused(act: Callable[[], object]) -> bool:
    """Whether undoing is refused, and nothing is written."""
    with nothing_written(), pytest.raises(Refused) as refusal:
        act()
    return refusal.value.problem.code == "cannot_undo"


class TestDueTime:
    def test_refund_approved_by_an_agent_waits_for_an_undo(self) -> None:
        approve(open_case(*order_items()), SCOPE, actor=STAFF, now=LATER)

        assert due_times() == [LATER + MAIL_DELAY]

    @pytest.mark.parametrize("actor", [KEY, SYSTEM])
    def test_refund_approved_by_a_system_leaves_at_once(self, actor: Actor) -> None:
        approve(open_case(*order_items()), SCOPE, actor=actor, now=LATER)

        assert due_times() == [None]

    def test_earlier_approval_of_an_agent_can_still_be_undone(self) -> None:
        first, second = two_confirmed()
        approve(first, SCOPE, actor=STAFF, now=LATER)
        approve(second, SCOPE, actor=KEY, now=SOON)

        assert due_times() == [LATER + MAIL_DELAY]

    @pytest.mark.parametrize(("actor", "is_waiting"), [(STAFF, True), (KEY, False)])
    def test_rejection_that_approves_the_plan_can_be_undone(
        self, actor: Actor, *, is_waiting: bool
    ) -> None:
        first, second = two_confirmed()
        approve(first, SCOPE, actor=KEY, now=LATER)
        reject(second, SCOPE, actor=actor, now=SOON, remarks=NO)

        assert due_times() == [SOON + MAIL_DELAY if is_waiting else None]

    def test_withdrawal_does_not_shorten_the_time_of_an_agent(self) -> None:
        first, second = two_confirmed()
        approve(first, SCOPE, actor=STAFF, now=LATER)
        withdraw(second, SCOPE, actor=CUSTOMER, now=SOON)

        assert due_times() == [LATER + MAIL_DELAY]

    def test_requester_of_a_refund_is_the_last_who_approved(self) -> None:
        first, second = two_confirmed()
        approve(second, SCOPE, actor=BEA, now=LATER)
        approve(first, SCOPE, actor=STAFF, now=SOON)

        assert Refund.objects.get().requested_by_number == STAFF.number


class TestUndo:
    def test_undone_approval_cancels_the_refund(self) -> None:
        case = open_case(*order_items())
        approve(case, SCOPE, actor=STAFF, now=LATER)
        refund = Refund.objects.get()

        undo(case, SCOPE, actor=STAFF, now=SOON)

        refund.refresh_from_db()
        assert (refund.status, balances(refund.order_id)) == ("cancelled", (0, 0))
        assert not PlanPayment.objects.exists()

    def test_approved_again_is_refunded_under_a_new_key(self) -> None:
        case = open_case(*order_items())
        confirm(case, SCOPE, actor=KEY, now=LATER)
        for _ in range(3):
            approve(case, SCOPE, actor=STAFF, now=LATER)
            undo(case, SCOPE, actor=STAFF, now=SOON)
        approve(case, SCOPE, actor=STAFF, now=SOON)

        assert planned() == [("credit_card", "original", 1000, "planned")]
        assert Refund.objects.count() == 4
        order = CancellationRequest.objects.get().order_item.order_id
        assert balances(order) == (1000, 0)
        assert PlanPayment.objects.count() == 1

    @pytest.mark.parametrize("status", ["sending", "pending", "failed", "confirmed", "returned"])
    def test_undo_is_refused_once_the_refund_has_left(self, status: str) -> None:
        case = open_case(*order_items())
        approve(case, SCOPE, actor=STAFF, now=LATER)
        [refund] = refunds_of(CancellationPlan.objects.get().pk)
        # Only the refund's own row: the plan may not know yet.
        for step in {"returned": ["sending", "confirmed", "returned"]}.get(status, ["sending"]):
            Refund.objects.filter(pk=refund.pk).update(status=step)
        if status in ("pending", "failed", "confirmed"):
            Refund.objects.filter(pk=refund.pk).update(status=status)

        assert is_refused(partial(undo, case, SCOPE, actor=STAFF, now=SOON))

    def test_undo_is_refused_while_the_plan_waits_for_payment(self) -> None:
        case = open_case(*order_items())
        approve(case, SCOPE, actor=STAFF, now=LATER)
        [refund] = refunds_of(CancellationPlan.objects.get().pk)
        report(refund, "pending")

        assert is_refused(partial(undo, case, SCOPE, actor=STAFF, now=SOON))

    def test_undone_case_leaves_an_approved_plan_with_the_others(self) -> None:
        first, second = order_items({"goods_minor": 1000}, {"goods_minor": 2000})
        case, other = open_case(first), open_case(second)
        confirm(case, SCOPE, actor=KEY, now=LATER)
        approve(other, SCOPE, actor=STAFF, now=LATER)
        approve(case, SCOPE, actor=KEY, now=LATER)
        assert [minor for _, _, minor, _ in planned()] == [3000]

        undo(other, SCOPE, actor=STAFF, now=SOON)

        assert planned() == [("credit_card", "original", 1000, "planned")]
        assert balances(first.order_id) == (1000, 0)
        assert OrderItem.objects.get(pk=second.pk).status == 400

    def test_undone_rejection_takes_the_approval_of_the_plan_back(self) -> None:
        first, second = two_confirmed()
        approve(first, SCOPE, actor=KEY, now=LATER)
        reject(second, SCOPE, actor=STAFF, now=LATER, remarks=NO)
        assert [minor for _, _, minor, _ in planned()] == [1000]

        undo(second, SCOPE, actor=STAFF, now=SOON)

        assert planned() == []
        approve(second, SCOPE, actor=STAFF, now=SOON)
        assert [minor for _, _, minor, _ in planned()] == [3000]

    def test_undone_rejection_is_refused_once_the_plan_is_complete(self) -> None:
        first, second = two_confirmed(0, 2000)
        approve(first, SCOPE, actor=KEY, now=LATER)
        reject(second, SCOPE, actor=STAFF, now=LATER, remarks=NO)
        assert CancellationPlan.objects.get().status == "completed"

        assert is_refused(partial(undo, second, SCOPE, actor=STAFF, now=SOON))

    def test_plan_worth_nothing_is_complete_and_stays_so(self) -> None:
        case = open_case(*order_items({"goods_minor": 0}, {"goods_minor": 10})[:1])
        approve(case, SCOPE, actor=STAFF, now=LATER)

        assert is_refused(partial(undo, case, SCOPE, actor=STAFF, now=SOON))

    def test_payments_planned_by_a_system_survive_an_undo(self) -> None:
        case = open_case(*order_items())
        confirm(case, SCOPE, actor=KEY, now=LATER)
        approve(case, SCOPE, actor=STAFF, now=LATER)
        PlanPayment.objects.update(created_by_kind="channel", refund_minor=700)

        undo(case, SCOPE, actor=STAFF, now=SOON)
        approve(case, SCOPE, actor=STAFF, now=SOON)

        assert planned() == [("credit_card", "original", 700, "planned")]

    def test_units_of_a_planned_refund_stay_an_item_of_their_own(self) -> None:
        """The refund that was cancelled shows for which item it was planned."""
        [item] = order_items({"quantity": 3, "goods_minor": 3000})
        case = open_case(item, quantity=1)
        confirm(case, SCOPE, actor=KEY, now=LATER)
        approve(case, SCOPE, actor=STAFF, now=LATER)
        undo(case, SCOPE, actor=STAFF, now=SOON)

        reject(case, SCOPE, actor=STAFF, now=SOON, remarks=NO)

        rows = OrderItem.objects.order_by("pk").values_list("quantity", "status")
        assert list(rows) == [(2, 400), (1, 400)]
