"""Planning refunds: money is reserved, and released when the plan is cancelled."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from takeback.core.ids import OrderId
from takeback.orders.models import Order, Payment
from takeback.outbox.models import Message
from takeback.refunds import errors
from takeback.refunds.commands.plan import cancel_refunds, plan_refunds
from takeback.refunds.models import LedgerEntry, Refund, RefundPart
from takeback.refunds.queries import is_plan_paid, payment_balances
from takeback.refunds.statuses import Means
from tests.factories import NOW
from tests.refunds.factories import (
    AGENT,
    balances,
    create_account,
    create_charged_order,
    create_refund,
    leg,
    plan,
)
from tests.refunds.sending import create_sent_refund, status_of
from tests.refusals import refused

pytestmark = pytest.mark.django_db


def test_planned_refund_reserves_and_records_what_it_pays() -> None:
    account = create_account()
    order, [payment] = create_charged_order()
    due_at = NOW + timedelta(seconds=15)

    [refund] = plan(
        order,
        7,
        [leg(payment, 400, goods=500, discount=100, tax=61)],
        actor=AGENT,
        due_at=due_at,
        refund_invoice_number="RI-1",
        needs_second_person=True,
    )

    assert balances(payment) == (400, 0, 0, 0)
    assert (refund.status, refund.means, refund.amount_minor) == ("planned", "original", 400)
    assert (refund.account_id, refund.currency, refund.plan_id) == (account.pk, "try", 7)
    assert (refund.requested_by_kind, refund.requested_by_number) == ("staff", 1)
    assert (refund.needs_second_person, refund.attention) == (True, "")
    assert refund.due_by == date(2026, 3, 24)
    part = RefundPart.objects.get(refund=refund)
    assert (part.goods_minor, part.discount_minor, part.tax_minor) == (500, 100, 61)
    message = Message.objects.get()
    assert (message.topic, message.key) == ("refund.planned", f"refund.planned:{refund.uuid.hex}")
    assert message.payload == {"refund": refund.pk, "lane": account.pk}
    assert message.due_at == due_at
    booked = LedgerEntry.objects.filter(refund=refund).order_by("side")
    assert list(booked.values_list("cause", "amount_minor", "refund_invoice_number")) == [
        ("plan", 500, "RI-1"),
        ("plan", -100, "RI-1"),
        ("plan", -400, "RI-1"),
    ]


def test_each_leg_reserves_on_its_own_payment() -> None:
    order, [card, points] = create_charged_order(payments=[600, 400])

    refunds = plan(order, 7, [leg(card, 500), leg(points, 400, Means.LOYALTY)])

    assert (balances(card), balances(points)) == ((500, 0, 0, 0), (400, 0, 0, 0))
    assert [refund.account_id for refund in refunds] == [None, None]
    assert len({refund.uuid for refund in refunds}) == 2


@pytest.mark.parametrize(
    ("column", "left"),
    [
        ("refunded_minor", 900),
        ("reserved_minor", 900),
        ("found_minor", 900),
        ("charged_back_minor", 900),
    ],
)
def test_nothing_is_reserved_beyond_what_is_left(column: str, left: int) -> None:
    order, [payment] = create_charged_order()
    Payment.objects.filter(pk=payment.pk).update(**{column: 100})

    with refused(errors.NOT_ENOUGH_LEFT):
        plan(order, 7, [leg(payment, left + 1)])
    assert Refund.objects.count() == 0
    assert len(plan(order, 7, [leg(payment, left)])) == 1


def test_second_leg_that_finds_too_little_undoes_the_first() -> None:
    order, [first, second] = create_charged_order(payments=[500, 500])

    with refused(errors.NOT_ENOUGH_LEFT):
        plan(order, 7, [leg(first, 500), leg(second, 501)])

    assert (balances(first), balances(second)) == ((0, 0, 0, 0), (0, 0, 0, 0))
    assert (Refund.objects.count(), Message.objects.count()) == (0, 0)


def test_payment_of_another_order_is_never_reserved() -> None:
    order, _ = create_charged_order()
    _, [foreign] = create_charged_order()

    with refused(errors.NOT_ENOUGH_LEFT):
        plan(order, 7, [leg(foreign, 1)])


@pytest.mark.parametrize(("elsewhere", "shown", "left"), [(300, 0, 700), (300, 100, 700)])
def test_refunds_made_elsewhere_lower_what_is_left(elsewhere: int, shown: int, left: int) -> None:
    """The provider shows a part of what other systems report: it counts once."""
    order, [payment] = create_charged_order()
    Order.objects.filter(pk=order.pk).update(refunded_elsewhere_minor=elsewhere)
    Payment.objects.filter(pk=payment.pk).update(found_minor=shown)

    assert [balance.left for balance in payment_balances(OrderId(order.pk))] == [left]
    with refused(errors.NOT_ENOUGH_LEFT):
        plan(order, 7, [leg(payment, left + 1)])
    plan(order, 7, [leg(payment, left)])
    assert balances(payment)[0] == left


def test_excess_made_elsewhere_is_taken_from_the_last_payments() -> None:
    order, payments = create_charged_order(payments=[600, 400])
    Order.objects.filter(pk=order.pk).update(refunded_elsewhere_minor=450)

    rows = payment_balances(OrderId(order.pk))

    assert [(row.payment, row.left, row.can_refund) for row in rows] == [
        (payments[0].pk, 550, True),
        (payments[1].pk, 0, True),
    ]


@pytest.mark.parametrize("means", [Means.MANUAL, Means.BANK_TRANSFER])
def test_refund_that_a_person_pays_is_not_sent(means: Means) -> None:
    refund = create_refund(means=means)

    assert status_of(refund) == ("planned", "manual_payment")
    assert refund.account_id is None
    assert Message.objects.count() == 0


@pytest.mark.parametrize("amount", [0, -1, 399])
def test_leg_whose_parts_do_not_add_up_is_an_error(amount: int) -> None:
    order, [payment] = create_charged_order()
    wrong = leg(payment, 400)._replace(amount=amount)

    with pytest.raises(ValueError, match="add up"), transaction.atomic():
        plan_refunds(OrderId(order.pk), 7, [wrong], actor=AGENT, now=NOW)


def test_plan_without_legs_reserves_nothing() -> None:
    order, [payment] = create_charged_order()

    assert plan(order, 7, []) == []
    assert balances(payment) == (0, 0, 0, 0)


def test_cancelled_plan_releases_its_money() -> None:
    refund = create_refund(400)

    cancel_refunds(refund.plan_id, now=NOW)
    cancel_refunds(refund.plan_id, now=NOW)

    assert status_of(refund) == ("cancelled", "")
    assert balances(refund.payment_id) == (0, 0, 0, 0)
    causes = LedgerEntry.objects.filter(refund=refund).order_by("seq", "side")
    assert list(causes.values_list("cause", "amount_minor")) == [
        ("plan", 400),
        ("plan", -400),
        ("cancel", -400),
        ("cancel", 400),
    ]


def test_plan_with_a_sent_refund_is_not_cancelled() -> None:
    refund = create_sent_refund()

    with refused(errors.ALREADY_SENT):
        cancel_refunds(refund.plan_id, now=NOW)
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_plan_without_refunds_is_not_paid() -> None:
    assert is_plan_paid(7) is False
