"""News about money: the last confirmed refund completes a plan, a return lowers the totals."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from takeback.cancellations.commands.apply_refund_news import (
    NoState,
    Reply,
    State,
    apply_refund_news,
    mark_refund_not_paid,
    mark_refund_paid,
)
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.orders.models import Order, OrderItem
from takeback.refunds.commands.retry import retry_by_other_means
from takeback.refunds.models import Refund
from takeback.refunds.providers import RefundStatus, Refused, Unknown
from takeback.refunds.statuses import Means
from tests.refunds.factories import (
    AGENT,
    balances,
    case_of,
    create_account,
    create_approved_plan,
    create_charged_order,
    create_refund,
    entry_of,
    leg,
    plan,
    reload,
    state_of,
)
from tests.refunds.sending import SECOND, SENT_AT, accepted, begin, create_sent_refund, status_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

LATER = SENT_AT + timedelta(days=20)
PENDING, FAILED = RefundStatus.PENDING, RefundStatus.FAILED


def confirm(refund: Refund) -> None:
    """The provider confirms a refund that was just sent."""
    news = Reply(refund.pk, accepted(refund), SENT_AT)
    apply_refund_news(news, now=SENT_AT + SECOND)


def report(refund: Refund, status: RefundStatus, seconds: int = 60) -> None:
    """A look shows a refund in this status."""
    at = LATER + seconds * SECOND
    news = State(refund.payment_id, state_of(entry_of(refund, status)), at, refund.account_id)
    apply_refund_news(news, now=at)


def totals(refund: Refund) -> tuple[int, int]:
    """What the order shows as given back, and the shipping in it."""
    order = Order.objects.get(pk=refund.order_id)
    return order.refund_minor, order.shipping_refund_minor


def changed_at(refund: Refund) -> tuple[datetime, datetime]:
    """When the case and the order of a refund were changed."""
    order = Order.objects.get(pk=refund.order_id)
    return case_of(refund).modified_date, order.modified_date


def plan_status(refund: Refund) -> str:
    return CancellationPlan.objects.get(pk=refund.plan_id).status


def test_last_confirmed_refund_completes_plan_case_and_item() -> None:
    refund = create_sent_refund(400)
    assert (plan_status(refund), totals(refund)) == ("approved", (0, 0))

    confirm(refund)

    case = case_of(refund)
    assert (plan_status(refund), case.status) == ("completed", "completed")
    item = OrderItem.objects.get(pk=case.order_item_id)
    assert (item.status, item.units_closed) == (100, 1)
    assert totals(refund) == (400, 0)
    step = CaseHistory.objects.get(cancellation_request=case)
    assert (step.event, step.actor_kind) == ("complete", "system")


def test_repeated_news_completes_once() -> None:
    refund = create_sent_refund(400)

    for _ in range(3):
        confirm(refund)
    report(refund, RefundStatus.CONFIRMED)

    assert totals(refund) == (400, 0)
    assert CaseHistory.objects.filter(cancellation_request=case_of(refund)).count() == 1


def test_plan_waits_for_all_its_refunds() -> None:
    create_account()
    order, payments = create_charged_order(payments=[600, 400])
    plan_id = create_approved_plan(order).pk
    first, second = plan(order, plan_id, [leg(payment, 400) for payment in payments])
    begin(first, state_of(captured_minor=600))
    begin(second, state_of(captured_minor=400))

    confirm(first)
    assert (case_of(first).status, totals(first)) == ("approved", (0, 0))
    confirm(second)

    assert (case_of(first).status, totals(first)) == ("completed", (800, 0))


@pytest.mark.parametrize("result", ["pending", "unknown"])
def test_refund_under_way_is_shown_at_its_plan(result: str) -> None:
    refund = create_sent_refund(400)
    reply = accepted(refund, PENDING) if result == "pending" else Unknown("timeout")

    apply_refund_news(Reply(refund.pk, reply, SENT_AT), now=SENT_AT + SECOND)

    assert (plan_status(refund), case_of(refund).status) == ("waiting_for_payment", "approved")
    report(refund, RefundStatus.CONFIRMED)
    assert (plan_status(refund), totals(refund)) == ("completed", (400, 0))


@pytest.mark.parametrize("is_readable", [True, False])
def test_sender_that_died_is_shown_at_the_plan(is_readable: bool) -> None:
    refund = create_sent_refund(400)
    at = SENT_AT + 31 * SECOND
    news: State | NoState = State(refund.payment_id, state_of(), at, refund.account_id)
    if not is_readable:
        news = NoState(refund.payment_id, refund.account_id)

    apply_refund_news(news, now=at)

    assert (status_of(refund)[0], plan_status(refund)) == ("in_doubt", "waiting_for_payment")


def test_failed_refund_leaves_plan_and_case_as_they_are() -> None:
    refund = create_sent_refund(400)

    apply_refund_news(Reply(refund.pk, Refused("expired"), SENT_AT), now=SENT_AT + SECOND)

    assert (plan_status(refund), case_of(refund).status) == ("approved", "approved")
    assert totals(refund) == (0, 0)


@pytest.mark.parametrize("after", ["pending", "in_doubt", "failed", "confirmed", "returned"])
def test_systems_that_follow_cases_and_orders_read_each_state(after: str) -> None:
    refund = create_sent_refund(400)
    replies: dict[str, Any] = {
        "pending": accepted(refund, PENDING),
        "in_doubt": Unknown("timeout"),
        "failed": Refused("expired"),
    }
    if after == "returned":
        confirm(refund)
    old = SENT_AT - timedelta(days=1)
    CancellationRequest.objects.update(modified_date=old)
    Order.objects.update(modified_date=old)

    if after in replies:
        apply_refund_news(Reply(refund.pk, replies[after], SENT_AT), now=SENT_AT + SECOND)
    else:
        report(refund, FAILED if after == "returned" else RefundStatus.CONFIRMED)

    assert status_of(refund)[0] == after
    assert [date > old for date in changed_at(refund)] == [True, True]


def test_late_failure_lowers_the_totals_once_and_the_case_stays_completed() -> None:
    """P7: the return arrives three times."""
    refund = create_sent_refund(400)
    confirm(refund)

    for seconds in (1, 2, 3):
        report(refund, FAILED, seconds)

    row = reload(refund)
    assert (row.status, row.attention, row.returned_at) == (
        "returned",
        "late_failure",
        LATER + SECOND,
    )
    assert balances(refund.payment_id) == (0, 0, 0, 0)
    assert (totals(refund), plan_status(refund)) == ((0, 0), "completed")
    assert case_of(refund).status == "completed"
    assert Refund.objects.count() == 1, "nothing is paid again by itself"


def test_replacement_of_a_returned_refund_raises_the_totals_again() -> None:
    refund = create_sent_refund(400)
    confirm(refund)
    report(refund, FAILED)

    means, now = Means.MANUAL, LATER + timedelta(days=1)
    new = retry_by_other_means(refund.pk, means, consent="by mail", actor=AGENT, now=now)
    mark_refund_paid(new, evidence="receipt 5", actor=AGENT, now=now)

    assert (totals(refund), plan_status(refund)) == ((400, 0), "completed")
    assert balances(refund.payment_id) == (0, 400, 0, 0)
    assert CaseHistory.objects.filter(cancellation_request=case_of(refund)).count() == 1


def test_refund_marked_as_paid_completes_its_plan() -> None:
    refund = create_refund(400, means=Means.MANUAL)

    mark_refund_paid(refund.pk, evidence="receipt 5", actor=AGENT, now=LATER)

    assert (plan_status(refund), totals(refund)) == ("completed", (400, 0))
    step = CaseHistory.objects.get(cancellation_request=case_of(refund))
    assert (step.actor_kind, step.actor_number) == ("staff", 1)


def test_shop_may_require_a_second_person_for_it(settings: object) -> None:
    settings.SECOND_PERSON_FOR = ["mark_as_paid"]  # type: ignore[attr-defined]
    refund = create_refund(400, means=Means.MANUAL)

    assert mark_refund_paid(refund.pk, evidence="receipt 5", actor=AGENT, now=LATER) == []
    assert status_of(refund) == ("planned", "manual_payment")


def test_refund_in_doubt_that_was_not_paid_is_free_again() -> None:
    refund = create_sent_refund(400)
    apply_refund_news(Reply(refund.pk, Unknown("timeout"), SENT_AT), now=SENT_AT + SECOND)

    mark_refund_not_paid(refund.pk, evidence="not listed", actor=AGENT, now=LATER)

    assert status_of(refund) == ("failed", "refused")
    assert totals(refund) == (0, 0)


def test_money_paid_for_a_plan_that_is_not_approved_is_recorded_with_an_alarm() -> None:
    refund = create_sent_refund(400)
    CancellationPlan.objects.update(status="waiting")
    CancellationRequest.objects.update(modified_date=SENT_AT - timedelta(days=1))

    with capture_logs() as logs:
        confirm(refund)

    assert status_of(refund) == ("confirmed", "")
    assert balances(refund.payment_id) == (0, 400, 0, 0)
    assert case_of(refund).modified_date >= SENT_AT, "systems that follow cases read it"
    assert "paid refund of a plan that is not approved" in {entry["event"] for entry in logs}
