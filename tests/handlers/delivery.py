"""Creates refunds whose payment the provider knows, and delivers their messages."""

from datetime import timedelta
from typing import Any

from time_machine import Traveller

from takeback.core import clock
from takeback.handlers.refunds import HANDLERS
from takeback.orders.models import Payment
from takeback.outbox.worker import Worker
from takeback.refunds.commands.look import look_at_payments
from takeback.refunds.models import Refund
from tests.refunds.factories import create_refund
from tests.refunds.fake_provider import FakePayment, FakeProvider
from tests.refunds.sending import SECOND
from tests.rigs.refund_simulation import next_work


def create(provider: FakeProvider, amount: int = 400, **fields: Any) -> Refund:
    """A planned refund whose payment the provider knows."""
    refund = create_refund(amount, **fields)
    provider.payments[reference_of(refund)] = FakePayment()
    return refund


def reference_of(refund: Refund) -> str:
    return Payment.objects.get(pk=refund.payment_id).reference or ""


def deliver() -> int:
    """Deliver all messages that are due."""
    return Worker(HANDLERS, jitter=lambda: 0.0).deliver_all()


def work(traveller: Traveller, until: timedelta = timedelta(hours=2)) -> None:
    """Look and deliver whenever something is due, until this time has passed."""
    end = clock.now() + until
    while (now := clock.now()) < end:
        while look_at_payments(now):
            pass
        deliver()
        due = [at for at in next_work() if at is not None]
        traveller.move_to(min([end, *(max(at, now + SECOND) for at in due)]))
