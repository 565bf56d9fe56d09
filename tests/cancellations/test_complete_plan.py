"""A plan is complete when its last refund is confirmed: cases, items, totals and mail follow."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError

from takeback.cancellations.commands import complete_plan as module
from takeback.cancellations.commands.complete_plan import complete_plan, wait_for_payment
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    remove,
    withdraw,
)
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import Kind, TransactionType
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, PlanId
from takeback.handlers.mails import HANDLERS
from takeback.orders.commands.update_items import update_items
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.order_input import PaymentIn
from takeback.outbox.models import Message
from takeback.outbox.worker import Delivery
from takeback.refunds.models import Refund
from tests import factories
from tests.cancellations.factories import LATER, SCOPE, STAFF, open_case, order_items
from tests.cancellations.refunds import (
    balances,
    pay,
    planned,
    refunds_of,
    report,
    totals,
)
from tests.refunds.payments import make_returnable
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

KEY = Actor(ActorKind.CHANNEL, 7)
TWO_PAYMENTS = [
    PaymentIn(kind="loyalty_money", amount_minor=300, captured_minor=300),
    PaymentIn(kind="credit_card", amount_minor=700, captured_minor=700),
]


def approved(item: OrderItem, **fields: Any) -> CaseId:
    """An approved case of an item."""
    case = open_case(item, **fields)
    approve(case, SCOPE, actor=KEY, now=LATER)
    return case


def plan_id() -> int:
    """The only plan."""
    return CancellationPlan.objects.get().pk


def items_now() -> list[tuple[int, int, int]]:
    """Status, quantity and closed units of each item."""
    rows = OrderItem.objects.order_by("pk")
    return list(rows.values_list("status", "quantity", "units_closed"))


@pytest.mark.parametrize(("kind", "before", "after"), [("cancel", 400, 100), ("refund", 550, 600)])
def test_confirmed_refund_completes_everything(kind: str, before: int, after: int) -> None:
    [item] = order_items({"status": before, "quantity": 3, "goods_minor": 1000})
    case = approved(item, kind=Kind(kind), quantity=1)
    assert items_now() == [(before, 2, 0), (50, 1, 0)]

    pay(plan_id())

    assert items_now() == [(before, 2, 0), (after, 1, 1)]
    row = CancellationRequest.objects.get(pk=case)
    assert (row.status, CancellationPlan.objects.get().status) == ("completed", "completed")
    step = CaseHistory.objects.filter(cancellation_request=case).latest("seq")
    assert (step.event, step.before, step.after) == ("complete", "approved", "completed")
    assert (step.actor_kind, step.seq, row.version) == ("system", row.version, row.version)
    assert totals(item.order_id) == (334, 0, 0)
    assert balances(item.order_id) == (0, 334)


def test_order_follows_its_items() -> None:
    first, second = order_items({"status": 550}, {"status": 550})
    assert Order.objects.get().status == 550
    for item, status in ((first, 550), (second, 600)):
        case = approved(item, kind=Kind.RETURN)
        assert Order.objects.get().status == 50
        pay(CancellationRequest.objects.get(pk=case).plan_id or 0)
        assert Order.objects.get().status == status


def test_deferred_status_and_fixed_status_end_with_the_case() -> None:
    [item] = order_items({"status": 550})
    case = open_case(item, kind=Kind.RETURN)
    confirm(case, SCOPE, actor=KEY, now=LATER)
    OrderItem.objects.update(deferred_status=550, is_cancel_approved=True)
    approve(case, SCOPE, actor=KEY, now=LATER)

    pay(plan_id())

    item.refresh_from_db()
    assert (item.status, item.deferred_status, item.is_cancel_approved) == (600, None, False)


def test_plan_is_complete_with_its_last_refund() -> None:
    [item] = order_items({"goods_minor": 1000}, payments=TWO_PAYMENTS)
    case = approved(item)
    points, card = refunds_of(plan_id())

    report(points, "confirmed")

    assert CancellationRequest.objects.get(pk=case).status == "approved"
    assert CancellationPlan.objects.get().status == "waiting_for_payment"
    assert (totals(item.order_id), items_now()) == ((0, 0, 0), [(50, 1, 0)])

    report(card, "confirmed")

    assert CancellationPlan.objects.get().status == "completed"
    assert (totals(item.order_id), items_now()) == ((1000, 0, 0), [(100, 1, 1)])


@pytest.mark.parametrize("status", ["planned", "sending", "pending", "failed"])
def test_plan_with_an_unpaid_refund_is_not_completed(status: str) -> None:
    [item] = order_items({"goods_minor": 1000}, payments=TWO_PAYMENTS)
    approved(item)
    points, card = refunds_of(plan_id())
    report(points, "confirmed")
    if status != "planned":
        report(card, status)

    with nothing_written(), pytest.raises(Refused, match="wrong_state"):
        complete_plan(PlanId(plan_id()), actor=SYSTEM, now=LATER)


def test_completing_twice_changes_nothing() -> None:
    [item] = order_items({"quantity": 2})
    approved(item, quantity=1)
    pay(plan_id())
    before = (items_now(), totals(item.order_id), CaseHistory.objects.count())

    complete_plan(PlanId(plan_id()), actor=SYSTEM, now=LATER)

    assert (items_now(), totals(item.order_id), CaseHistory.objects.count()) == before


def test_cases_of_a_plan_are_completed_together() -> None:
    items = order_items({"quantity": 2, "goods_minor": 200}, {"goods_minor": 10}, {})
    cases = [open_case(item) for item in items]
    for case in cases:
        confirm(case, SCOPE, actor=KEY, now=LATER)
    reject(cases[2], SCOPE, actor=KEY, now=LATER)
    for case in cases[:2]:
        approve(case, SCOPE, actor=KEY, now=LATER)

    pay(plan_id())

    statuses = CancellationRequest.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["completed", "completed", "rejected"]
    assert items_now() == [(100, 2, 2), (100, 1, 1), (400, 1, 0)]
    assert totals(items[0].order_id) == (210, 0, 0)


def test_totals_contain_the_shipping_that_went_back() -> None:
    [item] = order_items({"goods_minor": 1000}, shipping_minor=250)
    case = open_case(item)
    confirm(case, SCOPE, actor=KEY, now=LATER, terms=RefundTerms(is_cargo_refund=True))
    approve(case, SCOPE, actor=KEY, now=LATER)

    pay(plan_id())

    assert totals(item.order_id) == (1250, 0, 250)


def test_forced_amount_below_the_shipping_is_all_that_went_back() -> None:
    [item] = order_items({"goods_minor": 1000}, shipping_minor=250)
    case = open_case(item)
    terms = RefundTerms(forced_refund_minor=100, is_cargo_refund=True)
    confirm(case, SCOPE, actor=KEY, now=LATER, terms=terms)
    approve(case, SCOPE, actor=KEY, now=LATER)

    pay(plan_id())

    refunded, _, shipping = totals(item.order_id)
    assert (refunded, shipping <= refunded) == (100, True)


FREE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("free item", {"goods_minor": 0}, {}),
    ("coupon of 100 %", {"goods_minor": 1000}, {"discount_minor": 1000}),
    ("cash on delivery", {"goods_minor": 1000}, {"payment_type": "pay_on_delivery"}),
    ("not captured", {"goods_minor": 1000}, {"status": 300}),
]


@pytest.mark.parametrize(("name", "item", "order"), FREE)
@pytest.mark.parametrize("actor", [STAFF, KEY])
def test_plan_worth_nothing_completes_at_once(
    name: str, item: dict[str, Any], order: dict[str, Any], actor: Actor
) -> None:
    if "status" in order:
        item = item | {"status": 300}
    [row] = order_items(item, **order)
    case = open_case(row)

    approve(case, SCOPE, actor=actor, now=LATER)

    assert (planned(), totals(row.order_id)) == ([], (0, 0, 0))
    assert CancellationPlan.objects.get().status == "completed"
    events = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    assert list(events.values_list("event", "actor_kind")) == [
        ("open", "customer"),
        ("confirm", actor.kind),
        ("approve", actor.kind),
        ("complete", "system"),
    ]
    assert items_now() == [(100, 1, 1)]


class TestWaitingForPayment:
    def times(self) -> list[Any]:
        """The times at which plan, case, item and order changed last."""
        rows: list[Any] = [
            CancellationPlan.objects.get(),
            CancellationRequest.objects.get(),
            OrderItem.objects.get(),
            Order.objects.get(),
        ]
        return [row.modified_date for row in rows]

    @pytest.mark.parametrize("status", ["sending", "pending", "failed"])
    def test_refund_that_has_left_is_shown_to_followers(self, status: str) -> None:
        approved(*order_items())
        before = self.times()

        report(refunds_of(plan_id())[0], status)

        after = self.times()
        assert CancellationPlan.objects.get().status == "waiting_for_payment"
        assert all(late > early for early, late in zip(before, after, strict=True))
        wait_for_payment(PlanId(plan_id()), actor=SYSTEM)
        assert self.times() == after

    @pytest.mark.parametrize("steps", [[], [approve]])
    def test_plan_that_is_undecided_or_complete_does_not_wait(self, steps: list[Any]) -> None:
        case = open_case(*order_items())
        confirm(case, SCOPE, actor=KEY, now=LATER)
        for step in steps:
            step(case, SCOPE, actor=KEY, now=LATER)
            pay(plan_id())
        status = CancellationPlan.objects.get().status

        wait_for_payment(PlanId(plan_id()), actor=SYSTEM)

        assert CancellationPlan.objects.get().status == status


class TestVoid:
    AUTHORIZED = PaymentIn(
        kind="credit_card", amount_minor=2000, captured_minor=0, reference="pay_1"
    )

    def voids(self) -> int:
        return Message.objects.filter(topic="refund.void").count()

    def test_authorization_is_released_with_the_last_item(self) -> None:
        first, second = order_items({}, {}, payments=[self.AUTHORIZED])
        make_returnable()
        approved(first)
        assert (planned(), self.voids()) == ([], 0)

        approved(second)

        assert (planned(), self.voids()) == ([], 1)
        assert Order.objects.get().status == 100

    def test_charge_is_refunded_and_not_released(self) -> None:
        charged = replace(self.AUTHORIZED, captured_minor=2000)
        [item] = order_items({"goods_minor": 2000}, payments=[charged])
        approved(item)
        pay(plan_id())

        assert (totals(item.order_id), self.voids()) == ((2000, 0, 0), 0)


class TestLateFailure:
    def test_totals_fall_and_the_case_stays_completed(self) -> None:
        [item] = order_items({"goods_minor": 1000}, payments=TWO_PAYMENTS)
        case = approved(item)
        pay(plan_id())
        _, card = refunds_of(plan_id())

        report(card, "returned")

        assert totals(item.order_id) == (300, 0, 0)
        assert CancellationRequest.objects.get(pk=case).status == "completed"
        assert CancellationPlan.objects.get().status == "completed"
        assert items_now() == [(100, 1, 1)]

    def test_replacement_raises_the_totals_again(self) -> None:
        [item] = order_items({"goods_minor": 1000}, payments=TWO_PAYMENTS)
        approved(item)
        pay(plan_id())
        card = refunds_of(plan_id())[1]
        report(card, "returned")
        Payment.objects.filter(pk=card.payment_id).update(reserved_minor=700)
        replacement = Refund.objects.create(
            order_id=card.order_id,
            plan_id=card.plan_id,
            payment_id=card.payment_id,
            means="manual",
            amount_minor=700,
            currency="try",
            replaces=card,
        )
        steps = CaseHistory.objects.count()

        report(replacement, "confirmed")

        assert totals(item.order_id) == (1000, 0, 0)
        assert balances(item.order_id) == (0, 1000)
        assert (items_now(), CaseHistory.objects.count()) == ([(100, 1, 1)], steps)

    def test_money_that_came_back_is_not_free_for_others(self) -> None:
        first, second = order_items({"goods_minor": 1000}, {"goods_minor": 500})
        approved(first)
        pay(plan_id())
        report(refunds_of(plan_id())[0], "returned")
        case = open_case(second)

        with nothing_written(), pytest.raises(Refused, match="more_than_paid"):
            confirm(case, SCOPE, actor=KEY, now=LATER, terms=RefundTerms(forced_refund_minor=501))
        confirm(case, SCOPE, actor=KEY, now=LATER, terms=RefundTerms(forced_refund_minor=500))

    def test_refund_that_comes_back_before_the_others_are_paid(self) -> None:
        [item] = order_items({"goods_minor": 1000}, payments=TWO_PAYMENTS)
        approved(item)
        points, card = refunds_of(plan_id())
        report(points, "confirmed")
        report(points, "returned")
        report(card, "confirmed")

        assert CancellationPlan.objects.get().status == "waiting_for_payment"
        assert totals(item.order_id) == (0, 0, 0)


STEPS: dict[str, Callable[[CaseId], object]] = {
    "reject": lambda case: reject(case, SCOPE, actor=STAFF, now=LATER),
    "withdraw": lambda case: withdraw(case, SCOPE, actor=STAFF, now=LATER),
    "remove": lambda case: remove(case, SCOPE, actor=STAFF, now=LATER),
    "edit": lambda case: edit_case(case, SCOPE, Edit(description="x"), actor=STAFF, now=LATER),
    "approve": lambda case: approve(case, SCOPE, actor=STAFF, now=LATER),
    "confirm": lambda case: confirm(case, SCOPE, actor=STAFF, now=LATER),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", ["planned", "pending", "failed"])
def test_case_does_not_change_once_money_is_planned(step: str, status: str) -> None:
    case = approved(*order_items())
    if status != "planned":
        report(refunds_of(plan_id())[0], status)

    with nothing_written(), pytest.raises(Refused, match="wrong_state"):
        STEPS[step](case)


def test_completed_case_is_only_hidden() -> None:
    [item] = order_items()
    case = approved(item)
    pay(plan_id())
    before = (items_now(), totals(item.order_id), balances(item.order_id))

    remove(case, SCOPE, actor=STAFF, now=LATER)

    row = CancellationRequest.objects.get(pk=case)
    assert (row.status, row.is_hidden) == ("completed", True)
    assert (items_now(), totals(item.order_id), balances(item.order_id)) == before


def test_completed_plan_accepts_no_payments() -> None:
    [item] = order_items()
    approved(item)
    pay(plan_id())
    payment = PlannedPayment(TransactionType.REFUND, frozenset({item.pk}), 1)

    with nothing_written(), pytest.raises(Refused, match="wrong_state"):
        plan_payments(PlanId(plan_id()), factories.SHOP, [payment], actor=KEY, now=LATER)


@pytest.mark.parametrize("status", ["planned", "pending", "confirmed"])
def test_goods_shipped_after_the_approval_are_refused(status: str) -> None:
    [item] = order_items()
    approved(item)
    if status != "planned":
        report(refunds_of(plan_id())[0], status)

    with nothing_written(), pytest.raises(Refused, match="item_cancelled"):
        update_items([factories.SHOP], {item.pk: {"status": 500}}, now=LATER)


def test_next_case_of_the_item_refunds_the_next_units() -> None:
    [item] = order_items({"quantity": 3, "goods_minor": 1000})
    for expected in (334, 667, 1000):
        approved(OrderItem.objects.get(status=400), quantity=1)
        pay(CancellationPlan.objects.latest("pk").pk)
        assert totals(item.order_id)[0] == expected

    assert [row[0] for row in items_now()] == [100, 100, 100]
    assert Order.objects.get().status == 100


def test_part_with_a_completed_case_stays_when_another_is_closed() -> None:
    [item] = order_items({"quantity": 3, "goods_minor": 3000})
    approved(item, quantity=1)
    pay(plan_id())
    other = open_case(OrderItem.objects.get(pk=item.pk), quantity=1)
    confirm(other, SCOPE, actor=KEY, now=LATER)

    reject(other, SCOPE, actor=KEY, now=LATER)

    assert items_now() == [(400, 2, 0), (100, 1, 1)]


def test_own_refund_in_the_feed_of_the_shop_counts_for_nothing() -> None:
    first, second = order_items({"goods_minor": 1000}, {"goods_minor": 2000}, number="A")
    approved(first)
    prices = {"1": 1000, "2": 2000}

    def receive(total: int) -> int:
        inputs = [
            factories.item_input(remote_id=remote_id, goods_minor=minor)
            for remote_id, minor in prices.items()
        ]
        factories.ingest(
            factories.order_input(number="A", items=inputs, refunded_total_minor=total)
        )
        return Order.objects.get().refunded_elsewhere_minor

    # The provider shows a refund before we know that it is confirmed.
    assert receive(1000) == 0
    pay(plan_id())
    assert (receive(1000), totals(first.order_id)) == (0, (1000, 0, 0))
    assert items_now() == [(100, 1, 1), (400, 1, 0)]
    assert receive(1700) == 700
    # What the provider shows of those 7.00 is no further deduction.
    Payment.objects.update(found_minor=300)
    case = open_case(second)
    terms = RefundTerms(forced_refund_minor=1300)
    confirm(case, SCOPE, actor=KEY, now=LATER, terms=terms)
    approve(case, SCOPE, actor=KEY, now=LATER)
    assert balances(first.order_id) == (1300, 1000)


class TestMail:
    def deliver(self) -> None:
        for message in Message.objects.filter(topic="cancellation_request.completed"):
            HANDLERS[message.topic](Delivery(message.key, message.payload))

    def test_one_mail_for_all_cases_of_a_plan(self, mailoutbox: Any) -> None:
        items = order_items({"quantity": 2, "goods_minor": 600}, {"goods_minor": 400},
                            payments=TWO_PAYMENTS)  # fmt: skip
        cases = [open_case(item) for item in items]
        for case in cases:
            confirm(case, SCOPE, actor=KEY, now=LATER)
        for case in cases:
            approve(case, SCOPE, actor=KEY, now=LATER)
        pay(plan_id())

        self.deliver()

        (mail,) = mailoutbox
        assert mail.subject == f"Your refund for order {factories.NUMBER} was paid"
        text = mail.body.replace("\N{NO-BREAK SPACE}", " ")
        assert [*filter(None, text.splitlines())] == [
            "Hello,",
            f"The shop has paid your refund for order {factories.NUMBER}:",
            "- Cancellation: A thing \N{MULTIPLICATION SIGN} 2",
            "- Cancellation: A thing \N{MULTIPLICATION SIGN} 1",
            "Your refund: TRY 10.00",
            "- TRY 3.00 as loyalty points",
            "- TRY 7.00 by the means with which you paid",
            "It can take some days until your bank shows it.",
            "If you have questions, please contact the shop.",
            "shop 1",
        ]

    def test_plan_worth_nothing_sends_the_mail_about_the_approval_only(
        self, mailoutbox: Any
    ) -> None:
        approved(*order_items({"goods_minor": 1000}, discount_minor=1000))

        for message in Message.objects.exclude(topic="cancellation_request.opened"):
            HANDLERS[message.topic](Delivery(message.key, message.payload))

        (mail,) = mailoutbox
        assert "There is nothing to pay back." in mail.body
        assert "You receive it" not in mail.body


def test_completing_is_atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    [item] = order_items()
    case = approved(item)

    def fail(*_: Any, **__: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(module, "publish", fail)
    with nothing_written(), pytest.raises(IntegrityError):
        pay(plan_id())

    assert CancellationRequest.objects.get(pk=case).status == "approved"
