"""An approval plans the refunds of its plan: the amounts, the payments, and who asked (D.5-7)."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from takeback.cancellations.commands.cancel_order import DirectCancel, cancel_order
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    remove,
    set_status,
    withdraw,
)
from takeback.cancellations.commands.turn_into_return import turn_into_return
from takeback.cancellations.models import CancellationPlan, CancellationRequest, PlanPayment
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import Kind, Status, TransactionType
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, OrderId, PlanId
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.order_input import PaymentIn
from takeback.outbox.models import Message
from takeback.refunds.models import LedgerEntry, Refund, RefundPart
from tests import factories
from tests.cancellations.factories import (
    CUSTOMER,
    LATER,
    SCOPE,
    STAFF,
    new_case,
    open_case,
    order_items,
)
from tests.cancellations.refunds import balances, planned, refunds_of
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

KEY = Actor(ActorKind.CHANNEL, 7)
Items = list[OrderItem]


def items() -> list[OrderItem]:
    """Items of 10, 20 and 30 lira."""
    return order_items({"goods_minor": 1000}, {"goods_minor": 2000}, {"goods_minor": 3000})


def approved(item: OrderItem, *, actor: Actor = STAFF, **fields: Any) -> CaseId:
    """An approved case of an item."""
    case = open_case(item, **fields)
    approve(case, SCOPE, actor=actor, now=LATER)
    return case


def plan_of(case: CaseId) -> CancellationPlan:
    plan = CancellationRequest.objects.get(pk=case).plan
    assert plan
    return plan


def code_of(act: Callable[[], object]) -> str:
    """The code with which a command is refused; nothing is written."""
    with nothing_written(), pytest.raises(Refused) as refusal:
        act()
    return refusal.value.problem.code


class TestApproval:
    def test_approval_plans_the_refund_of_the_card(self) -> None:
        case = approved(order_items({"goods_minor": 1000})[0])

        assert planned() == [("credit_card", "original", 1000, "planned")]
        [refund] = Refund.objects.all()
        assert refund.plan_id == plan_of(case).pk
        assert (refund.requested_by_kind, refund.requested_by_number) == ("staff", 1)
        assert balances(refund.order_id) == (1000, 0)
        assert plan_of(case).status == "approved"

    def test_confirmed_case_plans_nothing(self) -> None:
        confirm(open_case(items()[0]), SCOPE, actor=STAFF, now=LATER)

        assert planned() == []

    def test_plan_is_refunded_as_a_whole_with_its_last_case(self) -> None:
        first, second, _ = items()
        cases = [open_case(first), open_case(second)]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)

        approve(cases[0], SCOPE, actor=STAFF, now=LATER)
        assert planned() == []
        approve(cases[1], SCOPE, actor=STAFF, now=LATER)

        assert planned() == [("credit_card", "original", 3000, "planned")]
        parts = RefundPart.objects.order_by("order_item")
        assert list(parts.values_list("order_item", "units", "goods_minor")) == [
            (first.pk, 1, 1000),
            (second.pk, 1, 2000),
        ]

    @pytest.mark.parametrize("close", [reject, withdraw, remove])
    def test_closing_the_last_undecided_case_approves_its_plan(self, close: Any) -> None:
        first, second, _ = items()
        cases = [open_case(first), open_case(second)]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)
        approve(cases[0], SCOPE, actor=KEY, now=LATER)

        close(cases[1], SCOPE, actor=CUSTOMER, now=LATER)

        assert planned() == [("credit_card", "original", 1000, "planned")]
        refund = Refund.objects.get()
        assert (refund.requested_by_kind, refund.requested_by_number) == ("channel", 7)

    def test_case_that_becomes_a_return_leaves_an_approved_plan(self) -> None:
        first, second, _ = items()
        cases = [open_case(first), open_case(second)]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)
        OrderItem.objects.filter(pk=second.pk).update(deferred_status=500)
        approve(cases[0], SCOPE, actor=KEY, now=LATER)

        turn_into_return(cases[1], SCOPE, actor=KEY, now=LATER)

        assert planned() == [("credit_card", "original", 1000, "planned")]

    def test_payments_in_the_order_of_arrival_with_points_first(self) -> None:
        payments = [
            PaymentIn(kind="credit_card", amount_minor=500, captured_minor=500),
            PaymentIn(kind="loyalty_money", amount_minor=300, captured_minor=300),
            PaymentIn(kind="credit_card", amount_minor=200, captured_minor=200, reference="2"),
        ]
        approved(order_items({"goods_minor": 1000}, payments=payments)[0])

        assert planned() == [
            ("loyalty_money", "loyalty", 300, "planned"),
            ("credit_card", "original", 500, "planned"),
            ("credit_card", "original", 200, "planned"),
        ]

    def test_forced_amount_is_what_is_refunded(self) -> None:
        case = open_case(items()[0])
        terms = RefundTerms(forced_refund_minor=1750, refund_invoice_number="R-1")
        confirm(case, SCOPE, actor=STAFF, now=LATER, terms=terms)
        approve(case, SCOPE, actor=STAFF, now=LATER)

        assert planned() == [("credit_card", "original", 1750, "planned")]
        # More than the item is worth: another person must agree.
        assert Refund.objects.get().needs_second_person

    @pytest.mark.parametrize("amount", [None, 1, 999, 1000])
    def test_forced_amount_up_to_the_due_needs_one_person(self, amount: int | None) -> None:
        case = open_case(items()[0])
        terms = RefundTerms(forced_refund_minor=amount)
        confirm(case, SCOPE, actor=STAFF, now=LATER, terms=terms)
        approve(case, SCOPE, actor=STAFF, now=LATER)

        assert [refund.needs_second_person for refund in Refund.objects.all()] == [False]

    def test_shipping_goes_back_on_request(self) -> None:
        [item] = order_items({"goods_minor": 1000}, shipping_minor=250)
        case = open_case(item)
        confirm(case, SCOPE, actor=STAFF, now=LATER, terms=RefundTerms(is_cargo_refund=True))
        approve(case, SCOPE, actor=STAFF, now=LATER)

        assert planned() == [("credit_card", "original", 1250, "planned")]
        assert sum(part.shipping_minor for part in RefundPart.objects.all()) == 250

    def test_refund_invoice_number_accompanies_the_refunds(self) -> None:
        case = open_case(items()[0])
        terms = RefundTerms(refund_invoice_number="R-1")
        confirm(case, SCOPE, actor=STAFF, now=LATER, terms=terms)
        approve(case, SCOPE, actor=STAFF, now=LATER)

        assert LedgerEntry.objects.get(side=1).refund_invoice_number == "R-1"

    def test_approval_is_refused_if_money_was_taken_meanwhile(self) -> None:
        case = open_case(items()[0])
        confirm(case, SCOPE, actor=STAFF, now=LATER)
        # Refunds made in the provider's pages, and a charge-back.
        Payment.objects.update(found_minor=3000, charged_back_minor=2001)

        assert code_of(lambda: approve(case, SCOPE, actor=STAFF, now=LATER)) == "more_than_paid"

        Payment.objects.update(charged_back_minor=2000)
        approve(case, SCOPE, actor=STAFF, now=LATER)
        assert planned() == [("credit_card", "original", 1000, "planned")]

    def test_shops_total_counts_only_above_what_was_found(self) -> None:
        _, second, third = items()
        Payment.objects.update(found_minor=1000)
        Order.objects.update(refunded_elsewhere_minor=1500)
        approved(second)
        case = open_case(third)

        assert code_of(lambda: approve(case, SCOPE, actor=STAFF, now=LATER)) == "more_than_paid"
        terms = RefundTerms(forced_refund_minor=2500)
        confirm(case, SCOPE, actor=STAFF, now=LATER, terms=terms)
        approve(case, SCOPE, actor=STAFF, now=LATER)
        assert balances(third.order_id) == (4500, 0)

    def test_closing_a_case_is_not_refused_without_money(self) -> None:
        first, second, _ = items()
        cases = [open_case(first), open_case(second)]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)
        approve(cases[0], SCOPE, actor=STAFF, now=LATER)
        Payment.objects.update(found_minor=5500)

        withdraw(cases[1], SCOPE, actor=CUSTOMER, now=LATER)

        plan = plan_of(cases[0])
        assert (plan.status, planned()) == ("approved", [])
        items_of_plan = frozenset({first.pk})
        payment = PlannedPayment(TransactionType.CANCEL, items_of_plan, 500)
        plan_payments(PlanId(plan.pk), factories.SHOP, [payment], actor=KEY, now=LATER)
        assert planned() == [("credit_card", "original", 500, "planned")]


class TestPaymentPlan:
    def pay_for(
        self, plan: CancellationPlan, *payments: tuple[int | None, list[OrderItem]]
    ) -> None:
        """Plan payments of these amounts for these items."""
        rows = [
            PlannedPayment(
                TransactionType.REFUND, frozenset(item.pk for item in paid_items), amount
            )
            for amount, paid_items in payments
        ]
        plan_payments(PlanId(plan.pk), factories.SHOP, rows, actor=KEY, now=LATER)

    def test_planned_payments_decide_the_amounts(self) -> None:
        first, second, _ = items()
        cases = [open_case(first), open_case(second)]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)
        self.pay_for(plan_of(cases[0]), (1250, [first, second]), (1700, [first]))

        for case in cases:
            approve(case, SCOPE, actor=STAFF, now=LATER)

        assert planned() == [("credit_card", "original", 2950, "planned")]
        parts = RefundPart.objects.order_by("order_item")
        amounts = {
            part.order_item_id: (part.units, part.goods_minor, part.adjustment_minor)
            for part in parts
        }
        assert amounts == {
            first.pk: (1, 1000, 417 - 1000 + 1700),
            second.pk: (1, 2000, 833 - 2000),
        }

    def test_item_without_a_payment_gets_nothing(self) -> None:
        first, second, _ = items()
        cases = [open_case(first), open_case(second)]
        for case in cases:
            confirm(case, SCOPE, actor=STAFF, now=LATER)
        self.pay_for(plan_of(cases[0]), (None, [second]))

        for case in cases:
            approve(case, SCOPE, actor=STAFF, now=LATER)

        assert planned() == [("credit_card", "original", 2000, "planned")]
        assert [part.order_item_id for part in RefundPart.objects.all()] == [second.pk]

    def test_plan_without_payments_gets_one(self) -> None:
        case = approved(items()[0])

        payment = PlanPayment.objects.get()
        assert (payment.transaction_type, payment.refund_minor) == ("cancel", 1000)
        assert (payment.created_by_kind, payment.plan_id) == ("system", plan_of(case).pk)
        assert [item.pk for item in payment.order_items.all()] == [
            CancellationRequest.objects.get(pk=case).order_item_id
        ]

    def test_payments_of_an_approved_plan_replace_its_refunds(self) -> None:
        [first, _, _] = items()
        plan = plan_of(approved(first))
        before = [refund.uuid for refund in refunds_of(plan.pk)]

        self.pay_for(plan, (900, [first]))

        assert planned() == [("credit_card", "original", 900, "planned")]
        assert balances(plan.order_id) == (900, 0)
        # Another amount is another refund, under another key.
        assert not set(before) & {refund.uuid for refund in refunds_of(plan.pk)}

    def test_plan_that_pays_nothing_is_complete(self) -> None:
        [first, _, _] = items()
        case = open_case(first)
        confirm(case, SCOPE, actor=STAFF, now=LATER)
        self.pay_for(plan_of(case), (0, [first]))

        approve(case, SCOPE, actor=STAFF, now=LATER)

        assert (plan_of(case).status, planned()) == ("completed", [])

    def test_unused_part_of_a_plan_is_free_for_others(self) -> None:
        first, second, third = items()
        cases = [open_case(item) for item in (first, second, third)]
        terms = RefundTerms(forced_refund_minor=4000)
        confirm(cases[0], SCOPE, actor=STAFF, now=LATER, terms=terms)
        self.pay_for(plan_of(cases[0]), (1000, [first]))
        approve(cases[0], SCOPE, actor=STAFF, now=LATER)

        for case in cases[1:]:
            approve(case, SCOPE, actor=STAFF, now=LATER)

        assert balances(first.order_id) == (6000, 0)


STEPS = [approve, set_status]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("actor", [STAFF, KEY])
@pytest.mark.parametrize("step", STEPS)
def test_every_way_to_an_approval_plans_the_refund(kind: Kind, actor: Actor, step: Any) -> None:
    status = 550 if kind is Kind.RETURN else 400
    item = order_items({"status": status, "delivered_date": None})[0]
    case = open_case(item, kind=kind)
    arguments = (Status.APPROVED,) if step is set_status else ()

    step(case, SCOPE, *arguments, actor=actor, now=LATER)

    assert planned() == [("credit_card", "original", 1000, "planned")]


class TestRule:
    """CANCEL_AUTO_APPROVE: what is confirmed automatically is refunded at once."""

    def open_all(self, *rows: OrderItem, kind: Kind = Kind.CANCEL) -> None:
        new = [new_case(item, kind=kind) for item in rows]
        open_cases(new, SCOPE, actor=CUSTOMER, now=LATER)

    def statuses(self) -> list[str]:
        cases = CancellationRequest.objects.order_by("pk")
        return list(cases.values_list("status", flat=True))

    @pytest.fixture(autouse=True)
    def _rule(self, settings: Settings) -> None:
        settings.CANCEL_AUTO_CONFIRM = settings.CANCEL_AUTO_APPROVE = True

    def test_cancellations_of_a_request_are_refunded_together(self) -> None:
        first, second, _ = items()

        self.open_all(first, second)

        assert planned() == [("credit_card", "original", 3000, "planned")]
        refund = Refund.objects.get()
        assert (refund.requested_by_kind, refund.requested_by_number) == ("system", None)
        assert self.statuses() == ["approved", "approved"]
        fixed = OrderItem.objects.filter(is_cancel_approved=True)
        assert set(fixed.values_list("pk", flat=True)) == {first.pk, second.pk}
        message = Message.objects.get(topic="refund.planned")
        assert message.due_at == message.created_at

    def test_without_the_rule_nothing_is_refunded(self, settings: Settings) -> None:
        settings.CANCEL_AUTO_APPROVE = False

        self.open_all(items()[0])

        assert (planned(), self.statuses()) == ([], ["confirmed"])

    def test_rule_approves_no_return(self) -> None:
        self.open_all(order_items({"status": 550})[0], kind=Kind.RETURN)

        assert (planned(), self.statuses()) == ([], ["waiting"])

    def test_more_than_is_left_waits_for_an_agent(self) -> None:
        Payment.objects.filter(order=(rows := items())[0].order).update(found_minor=5500)

        self.open_all(rows[0])

        assert (planned(), self.statuses()) == ([], ["waiting"])

    def test_decision_of_a_channel_is_not_exceeded(self) -> None:
        [first, _, _] = items()
        cancel = DirectCancel(frozenset({first.pk}), {first.pk: factories.create_reason().pk}, {})

        cancel_order(OrderId(first.order_id), SCOPE, cancel, actor=KEY, now=LATER)

        assert (planned(), self.statuses()) == ([], ["confirmed"])
