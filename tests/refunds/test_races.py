"""Races for money: with the order's lock, and with the database alone."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from takeback.cancellations.commands.apply_refund_news import Reply, State, apply_refund_news
from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order, Payment
from takeback.refunds.commands import plan as planning
from takeback.refunds.commands import retry as retrying
from takeback.refunds.commands import state, transition
from takeback.refunds.commands.plan import cancel_refunds, plan_refunds
from takeback.refunds.commands.retry import send_again
from takeback.refunds.commands.send import NotSent, begin_sending
from takeback.refunds.matching import Observation
from takeback.refunds.models import LedgerEntry, Refund
from takeback.refunds.providers import RefundStatus, Refused
from tests.conftest import CI, LONG
from tests.factories import NOW
from tests.refunds.factories import (
    AGENT,
    balances,
    create_account,
    create_charged_order,
    create_refund,
    entry_of,
    leg,
    reload,
    state_of,
)
from tests.refunds.fake_provider import CAPABILITIES
from tests.refunds.sending import SECOND, SENT_AT, accepted, create_sent_refund, reply, status_of
from tests.rigs.races import CONSTRAINT, WON, Clients

pytestmark = [
    pytest.mark.allow_repeated_queries("each round queries again"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(0 if LONG else 600),
    pytest.mark.heavy("postgresql"),
]

MAX_ROUNDS = 100
"""A race whose guard is off must have its effect within this many rounds."""

Act = Callable[[], object]


@pytest.fixture
def rounds(long_run: bool) -> int:
    """The number of rounds of each race."""
    return 2_000 if long_run else 10 if CI else 2


def _lock_nothing(order_ids: object) -> None:
    pass


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on orders is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no lock to switch off")
    for module in (transition, state):
        monkeypatch.setattr(module, "lock_orders", _lock_nothing)


@pytest.fixture
def unguarded(unlocked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is off, and money is reserved without a look at what is left."""

    def reserve(order_id: OrderId, payment_id: int, amount_minor: int) -> None:
        row = Payment.objects.filter(pk=payment_id)
        row.update(reserved_minor=F("reserved_minor") + amount_minor)

    for module in (planning, retrying):
        monkeypatch.setattr(module, "reserve", reserve)


@transaction.atomic
def plan_part(order: Order, payment: Payment, amount: int, *, is_locked: bool = True) -> None:
    """Plan a refund as a command does."""
    if is_locked:
        lock_orders([OrderId(order.pk)])
    plan_refunds(OrderId(order.pk), 7, [leg(payment, amount)], actor=AGENT, now=NOW)


def book_nothing(*arguments: Any, **named: Any) -> None:
    """The ledger is a guard of its own, which this race must not lean on."""


def planners(number: int, clients: int, *, is_locked: bool = True) -> list[Act]:
    """Clients that each plan 4.00 of the same 10.00."""
    order, [payment] = create_charged_order(number=str(number))
    return [partial(plan_part, order, payment, 400, is_locked=is_locked) for _ in range(clients)]


def test_payment_is_never_reserved_twice(rounds: int) -> None:
    create_account()
    with Clients(8) as racing:
        for number in range(rounds):
            results = racing.race(planners(number, 8))
            assert results == {WON: 2, "not_enough_left": 6}
    assert set(Payment.objects.values_list("reserved_minor", flat=True)) == {800}


@pytest.mark.usefixtures("unlocked")
def test_one_statement_reserves_without_the_lock(
    rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "book", book_nothing)
    create_account()
    with Clients(8) as racing:
        for number in range(rounds * 5):
            results = racing.race(planners(number, 8, is_locked=False))
            assert results == {WON: 2, "not_enough_left": 6}
    assert set(Payment.objects.values_list("reserved_minor", flat=True)) == {800}


@pytest.mark.usefixtures("unguarded")
def test_constraint_alone_keeps_refunds_within_the_charge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "book", book_nothing)
    create_account()
    with Clients(8) as racing:
        results = racing.race(planners(1, 8, is_locked=False))

    assert results == {WON: 2, CONSTRAINT: 6}


def senders(refund: Refund, clients: int) -> list[Act]:
    """Clients that begin to send the same refund; all but one of them must not send."""
    observation = Observation(state_of(), SENT_AT)

    def act() -> None:
        begun = begin_sending(
            refund.pk, capabilities=CAPABILITIES, observation=observation, now=SENT_AT
        )
        if isinstance(begun, NotSent):
            raise HeldBack(begun.reason)

    return [act] * clients


class HeldBack(Exception):
    """A sender was refused."""


class Senders(Clients):
    """Counts how each sender was answered."""

    def _run(self, act: Act) -> str:
        try:
            return super()._run(act)
        except HeldBack as refusal:
            return str(refusal)


def test_one_of_several_senders_sends(rounds: int) -> None:
    with Senders(8) as racing:
        for _ in range(rounds):
            refund = create_refund()
            assert racing.race(senders(refund, 8)) == {WON: 1, "not_waiting": 7}
            assert reload(refund).sends == 1


@pytest.mark.usefixtures("unlocked")
def test_status_alone_lets_one_sender_send(rounds: int) -> None:
    with Senders(8) as racing:
        for _ in range(rounds * 5):
            refund = create_refund()
            results = racing.race(senders(refund, 8))
            assert results[WON] == 1
            assert set(results) <= {WON, "not_waiting", "conflict"}
            assert reload(refund).sends == 1


@pytest.mark.usefixtures("unlocked")
def test_without_lock_and_status_several_senders_send(monkeypatch: pytest.MonkeyPatch) -> None:
    def overwrite(refund: Refund, *, now: object, **values: object) -> None:
        Refund.objects.filter(pk=refund.pk).update(**values)
        for name, value in values.items():
            setattr(refund, name, value)

    monkeypatch.setattr(transition, "set_columns", overwrite)
    with Senders(8) as racing:
        for _ in range(MAX_ROUNDS):
            if racing.race(senders(create_refund(), 8))[WON] > 1:
                return
    pytest.fail("the race had no effect")


def newsmongers(refund: Refund) -> list[Act]:
    """A reply, an event and polls with the same result."""
    shown = state_of(entry_of(refund))
    looks = [State(refund.payment_id, shown, SENT_AT + n * SECOND) for n in (1, 1, 2)]
    news: list[Reply | State] = [Reply(refund.pk, accepted(refund), SENT_AT), *looks]
    return [partial(apply_refund_news, piece, now=SENT_AT + 9 * SECOND) for piece in news]


def test_reply_event_and_poll_at_once_have_one_effect(rounds: int) -> None:
    with Clients(4) as racing:
        for _ in range(rounds):
            refund = create_sent_refund()
            assert racing.race(newsmongers(refund)) == {WON: 4}
            assert status_of(refund) == ("confirmed", "")
            assert balances(refund.payment_id) == (0, 400, 0, 0)
            assert Order.objects.get(pk=refund.order_id).refund_minor == 400
            booked = LedgerEntry.objects.filter(refund=refund, cause="confirm")
            assert booked.count() == 2


@transaction.atomic
def cancel(refund: Refund) -> None:
    """Cancel the plan of a refund as a command does."""
    lock_orders([OrderId(refund.order_id)])
    cancel_refunds(refund.plan_id, now=NOW)


def test_plan_is_cancelled_or_sent_and_never_both(rounds: int) -> None:
    with Senders(2) as racing:
        for _ in range(rounds * 3):
            refund = create_refund()
            results = racing.race([senders(refund, 1)[0], partial(cancel, refund)])
            assert results in ({WON: 1, "not_waiting": 1}, {WON: 1, "refund_already_sent": 1})
            is_sent = "refund_already_sent" in results
            assert status_of(refund)[0] == ("sending" if is_sent else "cancelled")
            assert balances(refund.payment_id)[0] == (400 if is_sent else 0)


def test_refund_is_replaced_once_by_several_agents(rounds: int) -> None:
    with Clients(4) as racing:
        for _ in range(rounds):
            refund = create_sent_refund()
            reply(refund, Refused("card_expired"))
            act = partial(send_again, refund.pk, actor=AGENT, now=SENT_AT)
            assert racing.race([act] * 4) == {WON: 1, "refund_already_replaced": 3}
            assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_late_failure_from_several_looks_frees_the_money_once(rounds: int) -> None:
    with Clients(4) as racing:
        for _ in range(rounds):
            refund = create_sent_refund()
            reply(refund, accepted(refund))
            failed = state_of(entry_of(refund, RefundStatus.FAILED))
            at = SENT_AT + 60 * SECOND
            act = partial(apply_refund_news, State(refund.payment_id, failed, at), now=at)
            assert racing.race([act] * 4) == {WON: 4}
            assert balances(refund.payment_id) == (0, 0, 0, 0)
            assert LedgerEntry.objects.filter(refund=refund, cause="return").count() == 2
