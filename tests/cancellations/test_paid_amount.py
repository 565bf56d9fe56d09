"""All routes refund at most what was paid: nothing before a payment is captured (P1)."""

from typing import Any

import pytest

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.cancel_order import DirectCancel, cancel_order
from takeback.cancellations.commands.transition import approve, confirm, set_status
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.plans import RefundTerms, refund_total
from takeback.cancellations.statuses import Status
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, OrderId
from takeback.orders.models import OrderItem
from takeback.orders.order_input import PaymentIn
from tests import factories
from tests.cancellations.factories import LATER, SCOPE, STAFF, open_case
from tests.channel import shop
from tests.channel.case_calls import transition

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]


ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")


def items_of_order(captured: int, payment_type: str = "credit_card") -> list[OrderItem]:
    """Two items of 40 and 60 in an order of which a part has been captured."""
    items = [
        factories.item_input(remote_id=str(minor), goods_minor=minor) for minor in (4000, 6000)
    ]
    charged = PaymentIn(kind=payment_type, amount_minor=10000, captured_minor=captured)
    order = factories.create_order(items=items, payments=[charged], payment_type=payment_type)
    return factories.items_of(order)


def planned() -> int:
    return sum(refund_total(plan) for plan in CancellationPlan.objects.all())


def approve_directly(case: CaseId) -> None:
    approve(case, SCOPE, actor=STAFF, now=LATER)


def confirm_first(case: CaseId) -> None:
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    approve(case, SCOPE, actor=STAFF, now=LATER)


def set_to_approved(case: CaseId) -> None:
    set_status(case, SCOPE, Status.APPROVED, actor=STAFF, now=LATER)


ROUTES = pytest.mark.parametrize("decide", [approve_directly, confirm_first, set_to_approved])


@ROUTES
def test_approving_one_by_one_refunds_at_most_the_charge(decide: Any) -> None:
    first, second = [open_case(item) for item in items_of_order(captured=5000)]
    decide(first)

    with pytest.raises(Refused) as refusal:
        decide(second)

    assert refusal.value.problem.code == "more_than_paid"
    assert str(refusal.value.problem.message) == (
        "The amount exceeds what is still refundable for this order (10.00 TRY)."
    )
    assert planned() == 4000


@ROUTES
def test_whole_charge_can_be_refunded_one_by_one(decide: Any) -> None:
    for item in items_of_order(captured=10000):
        decide(open_case(item))

    assert planned() == 10000


@ROUTES
def test_card_without_a_charge_is_cancelled_without_a_refund(decide: Any) -> None:
    for item in items_of_order(captured=0):
        decide(open_case(item))

    assert planned() == 0
    assert {plan.status for plan in CancellationPlan.objects.all()} == {"completed"}


@ROUTES
@pytest.mark.parametrize("payment_type", ["pay_on_delivery", "funds_transfer"])
def test_other_payments_are_refunded_up_to_what_was_paid(decide: Any, payment_type: str) -> None:
    items = items_of_order(captured=5000, payment_type=payment_type)
    first, second = [open_case(item, bank_account=ACCOUNT) for item in items]
    decide(first)

    with pytest.raises(Refused) as refusal:
        decide(second)

    assert "(10.00 TRY)" in str(refusal.value.problem.message)
    assert planned() == 4000


@ROUTES
@pytest.mark.parametrize("payment_type", ["pay_on_delivery", "funds_transfer"])
def test_unpaid_order_is_cancelled_without_a_refund(decide: Any, payment_type: str) -> None:
    for item in items_of_order(captured=0, payment_type=payment_type):
        decide(open_case(item))

    assert planned() == 0
    assert {plan.status for plan in CancellationPlan.objects.all()} == {"completed"}


def test_forced_amounts_of_all_plans_stay_within_the_charge() -> None:
    first, second = [open_case(item) for item in items_of_order(captured=5000)]
    confirm(first, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=3000))

    with pytest.raises(Refused) as refusal:
        confirm(second, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=2001))
    confirm(second, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(forced_refund_minor=2000))

    assert "(20.00 TRY)" in str(refusal.value.problem.message)
    assert planned() == 5000


def test_direct_cancel_has_the_same_limit() -> None:
    items = items_of_order(captured=5000)
    reasons = {item.pk: factories.create_reason().pk for item in items}

    def cancel(*chosen: OrderItem) -> None:
        everything = DirectCancel(frozenset(item.pk for item in chosen), reasons, {})
        order = OrderId(items[0].order_id)
        cancel_order(order, SCOPE, everything, actor=STAFF, now=LATER)

    with pytest.raises(Refused) as refusal:
        cancel(*items)
    cancel(items[0])

    assert "(50.00 TRY)" in str(refusal.value.problem.message)
    assert planned() == 4000


def test_channel_names_the_amount_left() -> None:
    first, second = [open_case(item) for item in items_of_order(captured=5000)]
    system = shop.client()

    assert transition(system, first, "approve").status_code == 200
    response = transition(system, second, "approve")

    text = "The amount exceeds what is still refundable for this order (10.00 TRY)."
    expected = {"forced_refund_amount": [text], "code": "more_than_paid"}
    assert (response.status_code, response.json()) == (400, expected)
    assert planned() == 4000
