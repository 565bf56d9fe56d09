"""Public bug reports about refunds (rows of `bug_reports`), against the sandbox provider."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from time_machine import Traveller

from takeback.cancellations import errors
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import approve, confirm
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import Kind, TransactionType
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId, ItemId, PlanId
from takeback.core.money import show
from takeback.handlers.refunds import HANDLERS
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.order_input import PaymentIn
from takeback.orders.scope import OrderScope
from takeback.outbox.worker import Worker
from takeback.refund_providers.sandbox_server.failures import Failure
from takeback.refunds.commands.accounts import NewAccount, add_account
from takeback.refunds.commands.look import look_at_payments, record_event
from takeback.refunds.commands.retry import send_again
from takeback.refunds.models import Refund
from tests import factories
from tests.factories import NOW
from tests.refusals import refused
from tests.rigs.sandbox import Sandbox, running_sandbox
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each message queries again"),
]

SCOPE = OrderScope(factories.SHOP)
KEY = Actor(ActorKind.CHANNEL, 7)
CARD, REFERENCE = "credit_card", "pay_1"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.fixture(scope="module")
def _sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox: Sandbox) -> Sandbox:
    _sandbox.clear()
    return _sandbox


@pytest.fixture(autouse=True)
def traveller() -> Iterator[Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def create_account(sandbox: Sandbox, provider: str = "sandbox", currency: str = "eur") -> int:
    """The account that takes the cards of a currency; returns its id."""
    factories.create_channel()
    sandbox.admin.put_account(provider, behaves_like=provider, is_test=False)
    account = NewAccount(
        code="cards",
        provider=provider,
        provider_account=provider,
        currency=currency,
        payment_kinds=[CARD],
        base_url=sandbox.url,
        credentials={"secret": f"{provider}-secret"},
    )
    return add_account(factories.SHOP, account, now=NOW)


def create_items(
    sandbox: Sandbox, *goods: int, provider: str = "sandbox", amount: str = "", **fields: Any
) -> list[OrderItem]:
    """The items of an order that one card has paid; `amount` is that of the provider's payment."""
    currency, total = fields.setdefault("currency", "eur"), sum(goods)
    payment: dict[str, Any] = {"kind": CARD, "amount_minor": total, "captured_minor": total}
    payment |= {"reference": REFERENCE} | fields.pop("payment", {})
    items = [
        factories.item_input(remote_id=str(number), goods_minor=price)
        for number, price in enumerate(goods)
    ]
    order = factories.create_order(items=items, payments=[PaymentIn(**payment)], **fields)
    sandbox.admin.add_payment(
        REFERENCE,
        (payment.get("currency") or currency).upper(),
        amount or show(total, currency),
        account=provider,
        is_captured=bool(payment["captured_minor"]),
    )
    return factories.items_of(order)


def open_case(item: OrderItem) -> CaseId:
    reason = factories.create_reason().pk
    new = NewCase(order_item=ItemId(item.pk), kind=Kind.CANCEL, reason=reason)
    [case] = open_cases([new], SCOPE, actor=KEY, now=clock.now())
    return case


def approve_refund(item: OrderItem, **terms: Any) -> Refund:
    """The refund of an item that a system has approved."""
    case = open_case(item)
    if terms:
        confirm(case, SCOPE, actor=KEY, now=clock.now(), terms=RefundTerms(**terms))
    approve(case, SCOPE, actor=KEY, now=clock.now())
    return Refund.objects.latest("pk")


def deliver() -> None:
    Worker(HANDLERS, jitter=lambda: 0.0).deliver_all()


def work(traveller: Traveller, seconds: int) -> None:
    """Look and deliver every half minute."""
    for _ in range(seconds // 30):
        traveller.shift(30)
        while look_at_payments(clock.now()):
            pass
        deliver()


def ring(refund: Refund) -> None:
    """The provider reports that something happened to the payment."""
    event = f"evt_{clock.now().timestamp()}_{refund.pk}"
    record_event(refund.account_id or 0, event, REFERENCE, now=clock.now())
    deliver()


def statuses() -> list[tuple[int, str, str]]:
    """Amount, status and attention of all refunds, oldest first."""
    rows = Refund.objects.order_by("pk")
    return list(rows.values_list("amount_minor", "status", "attention"))


def paid(sandbox: Sandbox) -> tuple[int, int]:
    """What the provider has paid, and the requests that were to move money."""
    requests = sandbox.admin.money_requests(REFERENCE)
    return sandbox.ledger.refunded(REFERENCE), len(requests)


def order_total() -> int:
    return Order.objects.get().refund_minor


def plan_and_case(refund: Refund) -> tuple[str, str]:
    plan = CancellationPlan.objects.get(pk=refund.plan_id)
    return plan.status, CancellationRequest.objects.get(plan=plan).status


def test_row_51_news_of_the_first_refund_after_the_second_reaches_the_first(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox)
    sandbox.admin.fail(Failure.PENDING_FOREVER, count=2)
    first, second = [approve_refund(item) for item in create_items(sandbox, 1000, 2000)]
    deliver()
    assert statuses() == [(1000, "pending", ""), (2000, "pending", "")]
    ids = list(Refund.objects.order_by("pk").values_list("provider_refund", flat=True))

    traveller.shift(MINUTE)
    sandbox.admin.set_status(ids[1] or "", "succeeded")
    ring(second)
    sandbox.admin.set_status(ids[0] or "", "failed")
    traveller.shift(MINUTE)
    ring(first)

    assert statuses() == [(1000, "failed", "refused"), (2000, "confirmed", "")]
    assert Payment.objects.get().found_minor == 0
    assert (order_total(), paid(sandbox)) == (2000, (2000, 2))


def test_row_52_refund_that_fails_after_20_days_is_promised_again(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox)
    sandbox.admin.fail(Failure.PENDING_FOREVER)
    refund = approve_refund(*create_items(sandbox, 1000))
    deliver()
    assert (statuses(), order_total()) == ([(1000, "pending", "")], 0)
    assert plan_and_case(refund) == ("waiting_for_payment", "approved")
    refund.refresh_from_db()
    traveller.shift(MINUTE)
    sandbox.admin.set_status(refund.provider_refund or "", "succeeded")
    ring(refund)
    assert (order_total(), plan_and_case(refund)) == (1000, ("completed", "completed"))

    traveller.shift(20 * DAY)
    sandbox.admin.set_status(refund.provider_refund or "", "failed", "account_closed")
    ring(refund)
    assert statuses() == [(1000, "returned", "late_failure")]
    assert (order_total(), plan_and_case(refund)) == (0, ("completed", "completed"))

    send_again(refund.pk, actor=KEY, now=clock.now())
    deliver()
    assert statuses() == [(1000, "returned", ""), (1000, "confirmed", "")]
    assert (order_total(), paid(sandbox)) == (1000, (1000, 2))


@pytest.mark.parametrize(
    ("provider", "currency", "minor", "amount"),
    [
        ("sandbox", "jpy", 5_800, "5800"),
        ("sandbox", "kwd", 1_234, "1.234"),
        ("sandbox", "ugx", 37_000, "37000"),
        ("sandbox", "isk", 501, "501"),
        # This provider counts the decimals of some currencies differently.
        ("sandbox_month", "isk", 501, "501.00"),
        ("sandbox_month", "kwd", 1_230, "1.23"),
        ("sandbox_month", "huf", 58_00, "58"),
    ],
)
def test_row_54_amounts_keep_their_decimals(
    provider: str, currency: str, minor: int, amount: str, sandbox: Sandbox
) -> None:
    create_account(sandbox, provider, currency)
    items = create_items(sandbox, minor, provider=provider, amount=amount, currency=currency)
    approve_refund(*items)
    deliver()

    assert statuses() == [(minor, "confirmed", "")]
    [refund] = sandbox.admin.payment(REFERENCE)["refunds"]
    assert (refund["amount"], refund["currency"]) == (amount, currency.upper())
    assert order_total() == minor


def test_row_55_refund_of_a_payment_in_another_currency_waits_for_a_person(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    """How much of the charged currency goes back, only the provider knows."""
    create_account(sandbox, currency="inr")
    payment = {"currency": "inr"}
    items = create_items(sandbox, 1000, currency="gbp", payment=payment, amount="1050.00")

    refund = approve_refund(*items)
    work(traveller, HOUR)

    assert statuses() == [(1000, "planned", "capture_differs")]
    assert (refund.currency, paid(sandbox)) == ("inr", (0, 0))
    assert Order.objects.get().currency == "gbp"


def test_row_56_dispute_between_plan_and_request_holds_the_refund(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox)
    approve_refund(*create_items(sandbox, 1000))
    sandbox.admin.dispute(REFERENCE)

    work(traveller, 2 * HOUR)
    assert (statuses(), paid(sandbox)) == ([(1000, "planned", "")], (0, 0))
    sandbox.admin.dispute(REFERENCE, is_open=False)
    work(traveller, 2 * HOUR)

    assert (statuses(), paid(sandbox)) == ([(1000, "confirmed", "")], (1000, 1))


def test_row_56_lost_dispute_leaves_nothing_to_pay_twice(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox)
    approve_refund(*create_items(sandbox, 1000))
    sandbox.admin.charge_back(REFERENCE, "10.00")

    work(traveller, HOUR)

    assert (statuses(), paid(sandbox)) == ([(1000, "planned", "not_enough_left")], (0, 0))
    assert Payment.objects.get().charged_back_minor == 1000


def test_row_57_equal_amounts_within_the_hour_wait_for_each_other(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox, "sandbox_hour")
    for item in create_items(sandbox, 2000, 2000, provider="sandbox_hour"):
        approve_refund(item)
    work(traveller, 30 * MINUTE)
    assert statuses() == [(2000, "confirmed", ""), (2000, "planned", "")]
    assert paid(sandbox) == (2000, 1)

    work(traveller, 40 * MINUTE)

    assert statuses() == [(2000, "confirmed", ""), (2000, "confirmed", "")]
    assert paid(sandbox) == (4000, 2)


def test_row_58_authorization_is_released_and_not_refunded(sandbox: Sandbox) -> None:
    create_account(sandbox)
    approve_without_refund(*create_items(sandbox, 1000, payment={"captured_minor": 0}))
    deliver()

    assert statuses() == []
    assert CancellationPlan.objects.get().status == "completed"
    assert sandbox.ledger.payment(REFERENCE).is_voided
    assert (order_total(), paid(sandbox)) == (0, (0, 1))


def approve_without_refund(item: OrderItem) -> None:
    approve(open_case(item), SCOPE, actor=KEY, now=clock.now())


def test_row_58_part_of_an_uncaptured_payment_is_not_shown_as_paid(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    """The shop reports a capture that the provider does not know."""
    create_account(sandbox)
    item, _ = create_items(sandbox, 1000, 500, payment={"captured_minor": 0})
    Payment.objects.update(captured_minor=1500)

    approve_refund(item)
    work(traveller, HOUR)

    assert statuses() == [(1000, "planned", "capture_differs")]
    assert (order_total(), paid(sandbox)) == (0, (0, 0))


def test_row_60_over_refund_in_steps_is_refused(sandbox: Sandbox) -> None:
    create_account(sandbox)
    first, second = create_items(sandbox, 999, 1)
    approve_refund(first)
    deliver()
    case = open_case(second)

    with nothing_written(), refused(errors.MORE_THAN_PAID):
        confirm(
            case,
            SCOPE,
            actor=KEY,
            now=clock.now(),
            terms=RefundTerms(forced_refund_minor=2),
        )
    approve(case, SCOPE, actor=KEY, now=clock.now())
    deliver()

    assert statuses() == [(999, "confirmed", ""), (1, "confirmed", "")]
    assert (order_total(), paid(sandbox)) == (1000, (1000, 2))


def test_row_60_refund_in_the_dashboard_between_two_steps_counts(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox)
    first, second = create_items(sandbox, 600, 400)
    refund = approve_refund(first)
    deliver()
    sandbox.admin.refund_in_dashboard(REFERENCE, "0.01")
    traveller.shift(MINUTE)
    ring(refund)

    case = open_case(second)
    with nothing_written(), refused(errors.MORE_THAN_PAID):
        approve(case, SCOPE, actor=KEY, now=clock.now())

    assert paid(sandbox) == (601, 1)


def test_row_70_adjustment_after_the_request_is_refused_as_a_whole(
    sandbox: Sandbox, traveller: Traveller
) -> None:
    create_account(sandbox)
    sandbox.admin.fail(Failure.PENDING_FOREVER)
    first, second = create_items(sandbox, 1000, 500)
    refund = approve_refund(first, forced_refund_minor=400)
    deliver()
    assert statuses() == [(400, "pending", "")]
    kind, plan = TransactionType.CANCEL, PlanId(refund.plan_id)
    more = PlannedPayment(kind, frozenset({first.pk}), 1000)

    with nothing_written(), refused(errors.WRONG_STATUS):
        plan_payments(plan, factories.SHOP, [more], actor=KEY, now=clock.now())
    case = open_case(second)
    with nothing_written(), refused(errors.MORE_THAN_PAID):
        terms = RefundTerms(forced_refund_minor=1101)
        confirm(case, SCOPE, actor=KEY, now=clock.now(), terms=terms)

    work(traveller, HOUR)
    assert (statuses(), paid(sandbox)) == ([(400, "pending", "")], (400, 1))
    assert Payment.objects.get().reserved_minor == 400
