"""Workers that pay refunds through a sandbox while time passes, and an oracle of what was paid.

There are three clocks: the physical time, by which lags and delays pass; ours; and the provider's,
by which it forgets keys. Ours and the provider's may jump. Time moves from event to event.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import time_machine
from django.db import connection

from takeback.cancellations.models import CancellationPlan
from takeback.core import clock
from takeback.core.encryption import encrypt
from takeback.handlers.refunds import HANDLERS
from takeback.orders.models import Order, Payment
from takeback.outbox.models import Message
from takeback.outbox.worker import Worker
from takeback.refund_providers.registry import adapter
from takeback.refund_providers.sandbox_server.behavior import behavior_of
from takeback.refund_providers.sandbox_server.events import MAX_TRIES, signature_header
from takeback.refund_providers.sandbox_server.ledger import Ledger
from takeback.refund_providers.sandbox_server.ledger import Refund as Payout
from takeback.refunds.access import access_of
from takeback.refunds.commands.look import look_at_payments, record_event
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.queries import left_of
from takeback.refunds.statuses import RESERVING, Status
from tests.refunds.factories import (
    create_account,
    create_approved_plan,
    create_charged_order,
    leg,
    plan,
)
from tests.rigs.refund_points import PROVIDERS
from tests.rigs.sandbox import Sandbox

MAX_ROUNDS: Final = 5_000
"""A simulation that is still busy after so many rounds would never rest."""

_TOPICS: Final = ", ".join(f"'{topic}'" for topic in HANDLERS)
_NEXT_WORK: Final = f"""
SELECT (SELECT MIN(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END)
          FROM outbox_message
         WHERE done_at IS NULL AND parked_at IS NULL AND topic IN ({_TOPICS})),
       (SELECT MIN(next_look_at) FROM refunds_refund WHERE next_look_at IS NOT NULL)"""
"""When a message is due, and when a look is: the simulations ask thousands of times."""


class Simulation:
    """One sandbox, one worker at a time, and the clocks."""

    def __init__(self, sandbox: Sandbox, traveller: time_machine.Traveller) -> None:
        self.sandbox, self.ledger = sandbox, sandbox.ledger
        self._traveller = traveller
        self._worker = Worker(HANDLERS, jitter=lambda: 0.0)
        self._rounds = 0
        self.physical = datetime.min.replace(tzinfo=UTC)
        self.our_jump = self.their_jump = timedelta(0)

    def reset(self, start: datetime) -> None:
        """Begin again, at this time on all clocks."""
        self.physical, self.our_jump, self.their_jump = start, timedelta(0), timedelta(0)
        self._rounds = 0
        self._set_clocks()

    def move_to(self, physical: datetime) -> None:
        """Let time pass."""
        self.physical = max(self.physical, physical)
        self._set_clocks()

    def jump(self, *, ours: timedelta = timedelta(0), theirs: timedelta = timedelta(0)) -> None:
        """Let our clock, or the provider's, jump in either direction; no time passes."""
        self.our_jump += ours
        self.their_jump += theirs
        self._set_clocks()

    def work(
        self, until: datetime, *, is_done: Callable[[], bool] = lambda: False, crash: Any = ()
    ) -> None:
        """Look and deliver whenever something is due, until this physical time.

        A worker that dies of `crash` is replaced by another one.
        """
        while True:
            self._rounds += 1
            if self._rounds > MAX_ROUNDS:
                raise AssertionError("the simulation does not come to rest")
            try:
                self._work_now()
            except crash:
                continue
            at = self._next_event()
            if is_done() or at is None or at > until:
                break
            self.move_to(at)
        if not is_done():
            self.move_to(until)

    def is_settled(self, refunds: Collection[int], *, is_attended: bool) -> bool:
        """Whether neither the worker nor the provider changes these refunds by themselves any more.

        With `is_attended` the ones that need a person are not waited for.
        """
        rows = Refund.objects.filter(pk__in=refunds).select_related("payment")
        return all((row.attention and is_attended) or self._is_over(row) for row in rows)

    def _is_over(self, refund: Refund) -> bool:
        if refund.status == Status.PENDING:
            # The provider never decides: every further look shows the same.
            payouts = self.paid(refund)
            return _is_pending(payouts) and not payouts[0].settles_at
        if refund.status in RESERVING or (refund.status == Status.CONFIRMED and refund.attention):
            return False
        # Money that is about to come back is seen by a late look.
        return refund.status != Status.CONFIRMED or all(
            payout.status == "succeeded" and not payout.settles_at for payout in self.paid(refund)
        )

    def paid(self, refund: Refund) -> list[Payout]:
        """What the provider booked under the reference of a refund, failed payouts included."""
        payouts = self.ledger.refunds(refund.payment.reference or "")
        return [payout for payout in payouts if payout.reference == refund.uuid.hex]

    def _set_clocks(self) -> None:
        self._traveller.move_to(self.physical + self.our_jump)
        self.ledger.execute(
            "UPDATE clock SET offset = ?, skipped = ?",
            (self.their_jump - self.our_jump).total_seconds(),
            -self.our_jump.total_seconds(),
        )

    def _work_now(self) -> None:
        """Do what is due at this moment."""
        self.sandbox.server.sender.settle_due()
        self._deliver_events()
        while True:
            now = clock.now()
            message_at, look_at = next_work()
            if look_at is not None and look_at <= now:
                look_at_payments(now)
            elif message_at is None or message_at > now or not self._worker.deliver_next(now):
                break

    def _deliver_events(self) -> None:
        """What a route of notifications does: check the signature, and record the event."""
        rows = self.ledger.rows(
            "SELECT event.id, account.name, webhook_secret, body, signing"
            " FROM event JOIN account ON account.name = event.account"
            " WHERE delivered_at IS NULL AND due <= ? AND tries < ?"
            " ORDER BY COALESCE(after_event, event.id), after_event IS NOT NULL, event.id",
            *(self.ledger.elapsed(), MAX_TRIES),
        )
        for row, name, secret, body, signing in rows:
            self.ledger.execute("UPDATE event SET delivered_at = due WHERE id = ?", row)
            account = PaymentAccount.objects.get(code=name)
            headers = {"Sandbox-Signature": signature_header(secret, body.encode(), signing)}
            event = adapter(account.provider).payment_of_event(
                access_of(account), headers, body.encode()
            )
            if event is not None:
                event_id, payment = event
                record_event(account.pk, event_id, payment.payment, now=clock.now())

    def _next_event(self) -> datetime | None:
        """The physical time at which something is due again."""
        theirs = self.ledger.rows(
            "SELECT MIN(settles_at) FROM refund"
            " UNION ALL SELECT MIN(due) FROM event WHERE delivered_at IS NULL"
        )
        times = [at - self.our_jump for at in next_work() if at is not None]
        times += [datetime.fromtimestamp(at, UTC) for (at,) in theirs if at is not None]
        return max(min(times), self.physical) if times else None


def next_work() -> list[datetime | None]:
    """When a message and a look are due, by our clock."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_WORK)
        return [_moment(value) for value in cursor.fetchone()]


def _moment(value: Any) -> datetime | None:
    """A time as the database's driver returns it: SQLite has texts."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value  # type: ignore[no-any-return]


@contextmanager
def simulation_of(sandbox: Sandbox, start: datetime) -> Iterator[Simulation]:
    """A simulation whose clocks stand still unless it moves them."""
    with time_machine.travel(start, tick=False) as traveller:
        simulation = Simulation(sandbox, traveller)
        simulation.reset(start)
        yield simulation


def create_accounts(sandbox: Sandbox) -> None:
    """A payment account of each provider, with its counterpart in the sandbox."""
    sandbox.ledger.clear()
    for name, promise in PROVIDERS.items():
        secret, webhook_secret = f"{name}-secret", f"{name}-webhook-secret"
        sandbox.ledger.put_account(name, secret, webhook_secret, behavior=behavior_of(promise))
        account = create_account(
            code=name, provider=name, provider_account=name, base_url=sandbox.url, is_test=True
        )
        credentials = {"secret": secret, "webhook_secret": webhook_secret}
        text = msgspec.json.encode(credentials).decode()
        account.credentials_encrypted = encrypt(text, str(account.uuid))
        account.save(update_fields=["credentials_encrypted"])


def plan_order(
    simulation: Simulation,
    provider: str,
    amounts: Sequence[Sequence[int]],
    number: str,
    *,
    spare: int,
) -> tuple[int, list[int]]:
    """An order with a payment for each list of refunds, of which the shop keeps `spare`.

    A provider that has nothing left to give refuses a second payout: only with a spare amount does
    it happen. Returns the ids of the order and of its planned refunds.
    """
    captures = [sum(refunds) + spare for refunds in amounts]
    order, payments = create_charged_order(goods=sum(captures), payments=captures, number=number)
    Payment.objects.filter(order=order).update(account=provider)
    for payment in payments:
        simulation.ledger.add_payment(
            payment.reference or "", "try", payment.captured_minor, account=provider
        )
    legs = [
        leg(payment, amount)
        for payment, refunds in zip(payments, amounts, strict=True)
        for amount in refunds
    ]
    refunds = plan(order, create_approved_plan(order).pk, legs, now=clock.now())
    return order.pk, [refund.pk for refund in refunds]


def forget_work(ledger: Ledger) -> None:
    """Nothing of an earlier schedule is due any more, and no table of it is searched again."""
    for table in ("event", "script", "request", "idempotency_key"):
        ledger.execute(f"DELETE FROM {table}")
    Refund.objects.filter(next_look_at__isnull=False).update(next_look_at=None)
    Message.objects.all().delete()


def differences(simulation: Simulation, order_id: int, *, is_automatic: bool) -> list[str]:
    """What is wrong with the refunds of an order, by the provider's own ledger and log.

    With `is_automatic` each of them must have come to its end without a person.
    """
    refunds = list(Refund.objects.filter(order=order_id).select_related("payment").order_by("pk"))
    by_payment: dict[int, list[Refund]] = defaultdict(list)
    for refund in refunds:
        by_payment[refund.payment_id].append(refund)
    wrong = [text for refund in refunds for text in _of_refund(simulation, refund, is_automatic)]
    for payment in Payment.objects.filter(order=order_id).order_by("pk"):
        wrong += _of_payment(simulation, payment, by_payment[payment.pk], is_automatic)
    if all(refund.status == Status.CONFIRMED for refund in refunds):
        wrong += _of_order(order_id, refunds)
    return wrong


def _of_refund(simulation: Simulation, refund: Refund, is_automatic: bool) -> Iterator[str]:
    requests = simulation.ledger.requests(payment=refund.payment.reference)
    own = [row for row in requests if row["key"] == refund.uuid.hex]
    moved = [row["moved_refund"] for row in own if row["moved_refund"]]
    payouts = simulation.paid(refund)
    live = [payout for payout in payouts if payout.status != "failed"]
    label = f"refund {refund.pk} ({refund.status}, {refund.attention or 'fine'})"
    if len(moved) > 1 or len(payouts) > 1:
        yield f"{label} moved money {len(moved)} times: double"
    if len({row["body_hash"] for row in own}) > 1:
        yield f"{label} was sent with different bodies"
    is_paid = [(payout.amount, payout.status) for payout in live] == [
        (refund.amount_minor, "succeeded")
    ]
    status = Status(refund.status)
    if status is Status.CONFIRMED and not is_paid and not refund.attention:
        yield f"{label} was never paid: lost"
    if status not in (*RESERVING, Status.CONFIRMED) and live and not refund.attention:
        yield f"{label} was paid: lost"
    if status in RESERVING and not refund.attention and not _is_pending(live):
        yield f"{label} waits for nobody: lost"
    if is_automatic:
        is_over = is_paid and not refund.attention if status is Status.CONFIRMED else False
        is_refused = status in (Status.FAILED, Status.RETURNED) and bool(payouts) and not live
        if not (is_over or is_refused):
            yield f"{label} needs a person, paid {live}"


def _is_pending(live: Sequence[Payout]) -> bool:
    return [payout.status for payout in live] == ["pending"]


def _of_payment(
    simulation: Simulation,
    payment: Payment,
    refunds: Sequence[Refund],
    is_automatic: bool,
) -> Iterator[str]:
    reference = payment.reference or ""
    requests = simulation.ledger.requests(payment=reference)
    keys = {row["key"] for row in requests if row["target"] in ("refund", "void")}
    if strangers := keys - {refund.uuid.hex for refund in refunds}:
        yield f"payment {reference}: second keys {sorted(strangers)}"
    reserved = sum(row.amount_minor for row in refunds if row.status in RESERVING)
    refunded = sum(row.amount_minor for row in refunds if row.status == Status.CONFIRMED)
    if (payment.reserved_minor, payment.refunded_minor) != (reserved, refunded):
        yield f"payment {reference}: {payment.reserved_minor} reserved, not {reserved}"
    left = simulation.ledger.captured(reference) - simulation.ledger.refunded(reference)
    left -= simulation.ledger.charged_back(reference)
    if is_automatic and left != left_of(payment):
        yield f"payment {reference}: {left_of(payment)} left, {left} at the provider"


def _of_order(order_id: int, refunds: Sequence[Refund]) -> Iterator[str]:
    total = Order.objects.values_list("refund_minor", flat=True).get(pk=order_id)
    plans = {refund.plan_id for refund in refunds}
    statuses = set(CancellationPlan.objects.filter(pk__in=plans).values_list("status", flat=True))
    if total != sum(refund.amount_minor for refund in refunds) or statuses != {"completed"}:
        yield f"order {order_id}: {total} given back, plans {statuses}"
