"""Plans: confirmed cases join them, and their amounts and statuses follow the cases (P8)."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.import_completed import CompletedCase, record_completed
from takeback.cancellations.commands.open import AUTO_CONFIRM_CANCELLATIONS, AutoConfirm, open_cases
from takeback.cancellations.commands.transition import approve, confirm, reject, withdraw
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import DEFAULT_TERMS, RefundTerms, refund_total
from takeback.cancellations.statuses import Kind, PlanStatus
from takeback.core.ids import CaseId, ItemId
from takeback.orders.models import OrderItem
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
from tests.cancellations.refunds import completed_refund
from tests.refusals import refused

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


@pytest.fixture
def items() -> list[OrderItem]:
    """Items of 10, 20 and 30 lira in an order with a discount of 6 and shipping of 6 lira."""
    prices = [{"goods_minor": 1000}, {"goods_minor": 2000}, {"goods_minor": 3000}]
    return order_items(*prices, discount_minor=600, shipping_minor=600)


def plans() -> list[CancellationPlan]:
    """All plans, oldest first."""
    return list(CancellationPlan.objects.order_by("id"))


def confirmed_case(item: OrderItem, **fields: Any) -> CaseId:
    """A confirmed case for an item."""
    case = open_case(item, **fields)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    return case


def test_confirming_creates_a_plan_with_the_amounts_of_its_item(items: list[OrderItem]) -> None:
    case = confirmed_case(items[1])

    [plan] = plans()
    assert CancellationRequest.objects.get(pk=case).plan_id == plan.pk
    assert (plan.order_id, plan.plan_type, plan.status) == (items[0].order_id, "cancel", "waiting")
    assert (plan.refund_minor, plan.discount_refund_minor) == (1800, 200)
    assert (plan.shipping_refund_minor, plan.forced_refund_minor) == (0, None)
    assert (plan.created_by_kind, plan.created_by_number, plan.created_date) == ("staff", 1, LATER)


def test_confirmed_cases_join_a_waiting_plan(items: list[OrderItem]) -> None:
    cases = [confirmed_case(item) for item in items]

    [plan] = plans()
    assert (plan.refund_minor, plan.discount_refund_minor) == (5400, 600)
    assert CancellationRequest.objects.filter(plan=plan).count() == len(cases)


def test_plan_is_approved_with_the_last_of_its_cases(items: list[OrderItem]) -> None:
    first, second = confirmed_case(items[0]), confirmed_case(items[1])

    approve(first, SCOPE, actor=STAFF, now=LATER)
    assert plans()[0].status == "waiting"
    approve(second, SCOPE, actor=STAFF, now=LATER)

    [plan] = plans()
    assert (plan.status, plan.refund_minor) == ("approved", 2700)


def test_case_confirmed_after_approval_gets_its_own_plan(items: list[OrderItem]) -> None:
    approve(confirmed_case(items[0]), SCOPE, actor=STAFF, now=LATER)

    confirmed_case(items[1])

    assert [(plan.status, plan.refund_minor) for plan in plans()] == [
        ("approved", 900),
        ("waiting", 1800),
    ]


@pytest.mark.parametrize("end", [reject, withdraw])
def test_closed_case_does_not_count_in_its_plan(items: list[OrderItem], end: Any) -> None:
    first, second = confirmed_case(items[0]), confirmed_case(items[1])
    approve(first, SCOPE, actor=STAFF, now=LATER)

    end(second, SCOPE, actor=STAFF, now=LATER)

    [plan] = plans()
    assert (plan.status, plan.refund_minor) == ("approved", 900)


def test_plan_without_remaining_cases_is_rejected_and_keeps_amounts(
    items: list[OrderItem],
) -> None:
    case = confirmed_case(items[0])

    reject(case, SCOPE, actor=STAFF, now=LATER)

    [plan] = plans()
    assert (plan.status, plan.refund_minor) == ("rejected", 900)
    assert CancellationRequest.objects.get(pk=case).plan_id == plan.pk


def test_returns_and_cancellations_have_separate_plans() -> None:
    items = [
        factories.item_input(),
        factories.item_input(remote_id="2", status=550, delivered_date=factories.NOW),
    ]
    first, second = factories.items_of(factories.create_order(items=items))

    confirmed_case(first)
    confirmed_case(second, kind=Kind.RETURN)

    assert [plan.plan_type for plan in plans()] == ["cancel", "refund"]


def test_case_for_part_of_an_item_refunds_its_units() -> None:
    [item] = order_items({"quantity": 3, "goods_minor": 1000})

    confirmed_case(item, quantity=1)

    assert [plan.refund_minor for plan in plans()] == [334]


def test_units_closed_before_are_not_refunded() -> None:
    [item] = order_items({"quantity": 3, "goods_minor": 1000})
    completed = CompletedCase(ItemId(item.pk), 1, "C-1", factories.NOW)
    record_completed(
        factories.SHOP, [completed], reason_id=factories.create_reason().pk, now=factories.NOW
    )

    confirmed_case(item)

    assert [plan.refund_minor for plan in plans()] == [666]


def test_cases_of_one_request_share_a_plan(items: list[OrderItem]) -> None:
    cases = [new_case(item) for item in items]

    open_cases(
        cases, SCOPE, actor=CUSTOMER, now=factories.NOW, auto_confirm=AUTO_CONFIRM_CANCELLATIONS
    )

    assert [(plan.refund_minor, plan.created_by_kind) for plan in plans()] == [(5400, "system")]


def test_returns_are_confirmed_automatically_on_request() -> None:
    item = delivered_item()
    terms = RefundTerms(forced_refund_minor=500, is_cargo_refund=True, refund_invoice_number="R-1")
    auto_confirm = AutoConfirm(frozenset({Kind.RETURN}), terms)

    open_cases(
        [new_case(item, kind=Kind.RETURN)],
        SCOPE,
        actor=STAFF,
        now=factories.NOW,
        auto_confirm=auto_confirm,
    )

    [plan] = plans()
    assert (plan.forced_refund_minor, plan.is_cargo_refund) == (500, True)
    assert (plan.refund_invoice_number, plan.created_by_kind) == ("R-1", "staff")


def test_shipping_is_refunded_on_request(items: list[OrderItem]) -> None:
    auto_confirm = AutoConfirm(frozenset({Kind.CANCEL}), RefundTerms(is_cargo_refund=True))

    open_cases(
        [new_case(item) for item in items],
        SCOPE,
        actor=STAFF,
        now=factories.NOW,
        auto_confirm=auto_confirm,
    )

    assert [plan.shipping_refund_minor for plan in plans()] == [600]


def test_refund_exceeding_the_rest_of_the_order_is_refused(items: list[OrderItem]) -> None:
    order = items[0].order
    completed_refund(order, 1000)
    case = open_case(items[0])
    left = order.amount_minor - 1000

    with refused(errors.MORE_THAN_PAID):
        confirm(
            case, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=left + 1)
        )
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=left))

    assert [plan.forced_refund_minor for plan in plans()] == [None, left]


def test_plans_of_an_order_share_its_refundable_amount(items: list[OrderItem]) -> None:
    cases = [open_case(item) for item in items]
    all_but_ten = RefundTerms(forced_refund_minor=items[0].order.amount_minor - 1000)
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


def test_rejected_plan_frees_its_amount_for_others(items: list[OrderItem]) -> None:
    everything = RefundTerms(forced_refund_minor=items[0].order.amount_minor)
    case = open_case(items[0])
    confirm(case, SCOPE, actor=STAFF, now=LATER, terms=everything)
    reject(case, SCOPE, actor=STAFF, now=LATER)

    confirm(open_case(items[1]), SCOPE, actor=STAFF, now=LATER, terms=everything)

    assert [plan.status for plan in plans()] == ["rejected", "waiting"]


def test_case_can_be_rejected_when_its_order_is_fully_refunded(
    items: list[OrderItem],
) -> None:
    first, second = confirmed_case(items[0]), confirmed_case(items[1])
    completed_refund(items[0].order, items[0].order.amount_minor)

    with refused(errors.MORE_THAN_PAID):
        approve(second, SCOPE, actor=STAFF, now=LATER)
    reject(first, SCOPE, actor=STAFF, now=LATER)

    assert [(plan.status, plan.refund_minor) for plan in plans()] == [
        ("waiting", 1800),
        ("completed", 6000),
    ]


FORCED, CARGO = RefundTerms(forced_refund_minor=100), RefundTerms(is_cargo_refund=True)


@pytest.mark.parametrize(
    ("earlier", "later", "totals"),
    [
        (FORCED, DEFAULT_TERMS, [100, 1800]),
        (DEFAULT_TERMS, CARGO, [900, 2000]),
        (CARGO, FORCED, [1000, 100]),
    ],
)
def test_cases_with_other_terms_get_their_own_plan(
    earlier: RefundTerms, later: RefundTerms, totals: list[int], items: list[OrderItem]
) -> None:
    for item, terms in zip(items[:2], (earlier, later), strict=True):
        confirm(open_case(item), SCOPE, actor=STAFF, now=LATER, terms=terms)

    assert [refund_total(plan) for plan in plans()] == totals


def test_forced_amount_is_limited_once_cases_of_its_plan_are_closed(
    items: list[OrderItem],
) -> None:
    for forced, limited in ((2500, 900), (700, 700)):
        cases = [new_case(item) for item in items]
        auto_confirm = AutoConfirm(
            frozenset({Kind.CANCEL}), RefundTerms(forced_refund_minor=forced)
        )
        first, *others = open_cases(
            cases, SCOPE, actor=STAFF, now=factories.NOW, auto_confirm=auto_confirm
        )
        assert refund_total(plans()[-1]) == forced
        for case in others:
            reject(case, SCOPE, actor=STAFF, now=LATER)
        assert refund_total(plans()[-1]) == limited
        reject(first, SCOPE, actor=STAFF, now=LATER)


STEPS = {
    ("waiting", "approved"),
    ("waiting", "rejected"),
    ("approved", "waiting_for_payment"),
    ("approved", "completed"),
    ("waiting_for_payment", "completed"),
}
UNDONE = {("approved", "waiting"), ("approved", "rejected"), ("rejected", "waiting")}


@pytest.mark.parametrize("before", PlanStatus)
@pytest.mark.parametrize("after", PlanStatus)
def test_database_allows_only_the_transitions_of_a_plan(
    items: list[OrderItem], before: PlanStatus, after: PlanStatus
) -> None:
    plan = CancellationPlan.objects.create(
        order_id=items[0].order_id,
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
        is_allowed = True
    except IntegrityError:
        is_allowed = False

    assert is_allowed is ((before, after) in STEPS | UNDONE or before is after)
