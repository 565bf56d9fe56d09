"""Plans: confirming makes one or joins the one that waits, and each follows its cases (P8)."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.import_completed import Completed, record_completed
from takeback.cancellations.commands.open import AUTO_CONFIRM_CANCELLATIONS, AutoConfirm, open_cases
from takeback.cancellations.commands.transition import approve, confirm, reject, withdraw
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import AS_BOUGHT, RefundTerms, pays_back
from takeback.cancellations.statuses import Kind, PlanStatus
from takeback.orders.models import Order, OrderItem
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

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


@pytest.fixture
def lines() -> list[OrderItem]:
    """Three lines of one order, 10.00, 20.00 and 30.00, six off together and six for sending."""
    items = [
        factories.item_in(remote_id=str(number), goods_minor=1000 * number) for number in (1, 2, 3)
    ]
    order = factories.make_order(items=items, discount_minor=600, shipping_minor=600)
    return factories.items_of(order)


def plans() -> list[CancellationPlan]:
    """All there are, the first first."""
    return list(CancellationPlan.objects.order_by("id"))


def decided(line: OrderItem, **fields: Any) -> int:
    """A confirmed case on this line."""
    case = opened(line, **fields)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    return case


def test_confirming_makes_a_plan_worth_its_line(lines: list[OrderItem]) -> None:
    case = decided(lines[1])

    [plan] = plans()
    assert CancellationRequest.objects.get(pk=case).plan_id == plan.pk
    assert (plan.order_id, plan.plan_type, plan.status) == (lines[0].order_id, "cancel", "waiting")
    assert (plan.refund_minor, plan.discount_refund_minor) == (1800, 200)
    assert (plan.shipping_refund_minor, plan.forced_refund_minor) == (0, None)
    assert (plan.created_by_kind, plan.created_by_number, plan.created_date) == ("staff", 1, LATER)


def test_what_is_confirmed_while_a_plan_waits_joins_it(lines: list[OrderItem]) -> None:
    cases = [decided(line) for line in lines]

    [plan] = plans()
    assert (plan.refund_minor, plan.discount_refund_minor) == (5400, 600)
    assert CancellationRequest.objects.filter(plan=plan).count() == len(cases)


def test_a_plan_is_approved_with_the_last_of_its_cases(lines: list[OrderItem]) -> None:
    first, second = decided(lines[0]), decided(lines[1])

    approve(first, SCOPE, actor=STAFF, now=LATER)
    assert plans()[0].status == "waiting"
    approve(second, SCOPE, actor=STAFF, now=LATER)

    [plan] = plans()
    assert (plan.status, plan.refund_minor) == ("approved", 2700)


def test_what_is_confirmed_after_that_has_a_plan_of_its_own(lines: list[OrderItem]) -> None:
    approve(decided(lines[0]), SCOPE, actor=STAFF, now=LATER)

    decided(lines[1])

    assert [(plan.status, plan.refund_minor) for plan in plans()] == [
        ("approved", 900),
        ("waiting", 1800),
    ]


@pytest.mark.parametrize("end", [reject, withdraw])
def test_a_case_that_ends_leaves_its_plan(lines: list[OrderItem], end: Any) -> None:
    first, second = decided(lines[0]), decided(lines[1])
    approve(first, SCOPE, actor=STAFF, now=LATER)

    end(second, SCOPE, actor=STAFF, now=LATER)

    [plan] = plans()
    assert (plan.status, plan.refund_minor) == ("approved", 900)


def test_a_plan_without_cases_is_rejected_and_keeps_what_it_was_worth(
    lines: list[OrderItem],
) -> None:
    case = decided(lines[0])

    reject(case, SCOPE, actor=STAFF, now=LATER)

    [plan] = plans()
    assert (plan.status, plan.refund_minor) == ("rejected", 900)
    assert CancellationRequest.objects.get(pk=case).plan_id == plan.pk


def test_returns_and_cancellations_are_never_one_plan() -> None:
    items = [
        factories.item_in(),
        factories.item_in(remote_id="2", status=550, delivered_date=factories.NOW),
    ]
    first, second = factories.items_of(factories.make_order(items=items))

    decided(first)
    decided(second, kind=Kind.REFUND)

    assert [plan.plan_type for plan in plans()] == ["cancel", "refund"]


def test_part_of_a_line_is_worth_its_own_units() -> None:
    [line] = factories.items_of(
        factories.make_order(items=[factories.item_in(quantity=3, goods_minor=1000)])
    )

    decided(line, quantity=1)

    assert [plan.refund_minor for plan in plans()] == [334]


def test_units_that_were_gone_before_are_not_paid_back() -> None:
    [line] = factories.items_of(
        factories.make_order(items=[factories.item_in(quantity=3, goods_minor=1000)])
    )
    gone = Completed(line.pk, 1, "C-1", factories.NOW)
    record_completed(
        factories.SHOP, [gone], reason_id=factories.make_reason().pk, now=factories.NOW
    )

    decided(line)

    assert [plan.refund_minor for plan in plans()] == [666]


def test_one_call_makes_one_plan(lines: list[OrderItem]) -> None:
    asks = [asked(line) for line in lines]

    open_cases(
        asks, SCOPE, actor=CUSTOMER, now=factories.NOW, auto_confirm=AUTO_CONFIRM_CANCELLATIONS
    )

    assert [(plan.refund_minor, plan.created_by_kind) for plan in plans()] == [(5400, "system")]


def test_returns_are_confirmed_at_once_where_somebody_says_so() -> None:
    line = delivered()
    terms = RefundTerms(forced_refund_minor=500, is_cargo_refund=True, refund_invoice_number="R-1")
    auto_confirm = AutoConfirm(frozenset({Kind.REFUND}), terms)

    open_cases(
        [asked(line, kind=Kind.REFUND)],
        SCOPE,
        actor=STAFF,
        now=factories.NOW,
        auto_confirm=auto_confirm,
    )

    [plan] = plans()
    assert (plan.forced_refund_minor, plan.is_cargo_refund) == (500, True)
    assert (plan.refund_invoice_number, plan.created_by_kind) == ("R-1", "staff")


def test_shipping_goes_back_when_it_is_said(lines: list[OrderItem]) -> None:
    auto_confirm = AutoConfirm(frozenset({Kind.CANCEL}), RefundTerms(is_cargo_refund=True))

    open_cases(
        [asked(line) for line in lines],
        SCOPE,
        actor=STAFF,
        now=factories.NOW,
        auto_confirm=auto_confirm,
    )

    assert [plan.shipping_refund_minor for plan in plans()] == [600]


def test_nobody_is_paid_more_than_the_order_has_left(lines: list[OrderItem]) -> None:
    order = lines[0].order
    Order.objects.filter(pk=order.pk).update(refund_minor=1000)
    case = opened(lines[0])
    left = order.amount_minor - 1000

    with refused(errors.MORE_THAN_PAID):
        confirm(
            case, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=left + 1)
        )
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=left))

    assert [plan.forced_refund_minor for plan in plans()] == [left]


def test_plans_of_an_order_share_what_it_has_left(lines: list[OrderItem]) -> None:
    cases = [opened(line) for line in lines]
    all_but_ten = RefundTerms(forced_refund_minor=lines[0].order.amount_minor - 1000)
    confirm(cases[0], SCOPE, actor=STAFF, now=LATER, terms=all_but_ten)
    approve(cases[0], SCOPE, actor=STAFF, now=LATER)

    with refused(errors.MORE_THAN_PAID):
        confirm(
            cases[1], SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=1001)
        )
    with refused(errors.MORE_THAN_PAID):
        confirm(cases[1], SCOPE, actor=STAFF, now=LATER)
    with refused(errors.MORE_THAN_PAID):
        approve(cases[1], SCOPE, actor=STAFF, now=LATER)
    confirm(cases[1], SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=1000))

    assert [plan.forced_refund_minor for plan in plans()] == [5000, 1000]


def test_a_plan_that_was_refused_leaves_its_money_to_others(lines: list[OrderItem]) -> None:
    everything = RefundTerms(forced_refund_minor=lines[0].order.amount_minor)
    case = opened(lines[0])
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=everything)
    reject(case, SCOPE, actor=STAFF, now=LATER)

    confirm(opened(lines[1]), SCOPE, actor=STAFF, now=LATER, terms=everything)

    assert [plan.status for plan in plans()] == ["rejected", "waiting"]


def test_a_case_is_refused_even_when_its_order_has_too_little_left(
    lines: list[OrderItem],
) -> None:
    first, second = decided(lines[0]), decided(lines[1])
    Order.objects.filter(pk=lines[0].order_id).update(refund_minor=lines[0].order.amount_minor)

    with refused(errors.MORE_THAN_PAID):
        approve(second, SCOPE, actor=STAFF, now=LATER)
    reject(first, SCOPE, actor=STAFF, now=LATER)

    assert [(plan.status, plan.refund_minor) for plan in plans()] == [("waiting", 1800)]


FORCED, CARGO = RefundTerms(forced_refund_minor=100), RefundTerms(is_cargo_refund=True)


@pytest.mark.parametrize(
    ("earlier", "later", "pay"),
    [
        (FORCED, AS_BOUGHT, [100, 1800]),
        (AS_BOUGHT, CARGO, [900, 2000]),
        (CARGO, FORCED, [1000, 100]),
    ],
)
def test_what_is_said_about_money_is_said_of_the_cases_at_hand(
    earlier: RefundTerms, later: RefundTerms, pay: list[int], lines: list[OrderItem]
) -> None:
    for line, terms in zip(lines[:2], (earlier, later), strict=True):
        confirm(opened(line), SCOPE, actor=STAFF, now=LATER, terms=terms)

    assert [pays_back(plan) for plan in plans()] == pay


def test_a_forced_amount_is_for_all_its_cases_or_at_most_what_the_rest_is_worth(
    lines: list[OrderItem],
) -> None:
    for forced, then in ((2500, 900), (700, 700)):
        asks = [asked(line) for line in lines]
        auto_confirm = AutoConfirm(
            frozenset({Kind.CANCEL}), RefundTerms(forced_refund_minor=forced)
        )
        first, *others = open_cases(
            asks, SCOPE, actor=STAFF, now=factories.NOW, auto_confirm=auto_confirm
        )
        assert pays_back(plans()[-1]) == forced
        for case in others:
            reject(case, SCOPE, actor=STAFF, now=LATER)
        assert pays_back(plans()[-1]) == then
        reject(first, SCOPE, actor=STAFF, now=LATER)


STEPS = {("waiting", "approved"), ("waiting", "rejected"), ("approved", "completed")}


@pytest.mark.parametrize("before", PlanStatus)
@pytest.mark.parametrize("after", PlanStatus)
def test_the_database_refuses_what_is_no_step_of_a_plan(
    lines: list[OrderItem], before: PlanStatus, after: PlanStatus
) -> None:
    plan = CancellationPlan.objects.create(
        order_id=lines[0].order_id,
        plan_type="cancel",
        status=before,
        created_by_kind="system",
        modified_by_kind="system",
    )

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE cancellations_cancellationplan SET status = %s WHERE id = %s",
                [after.value, plan.pk],
            )
        is_let_through = True
    except IntegrityError:
        is_let_through = False

    assert is_let_through is ((before, after) in STEPS or before is after)
