"""The refunds of the demo shop: sent to the sandbox provider, each at a time of the past.

The same commands as those of the worker decide, so that statuses, balances and ledger are real.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from takeback.cancellations.commands.apply_refund_news import (
    NoState,
    Reply,
    State,
    apply_refund_news,
)
from takeback.core.money import show
from takeback.handlers.refunds import send_refund
from takeback.orders.models import Payment
from takeback.outbox.worker import Delivery
from takeback.refund_providers.registry import NO_ACCESS, adapter, provider_of
from takeback.refund_providers.sandbox_server.client import SandboxAdmin
from takeback.refund_providers.sandbox_server.failures import Failure, Target
from takeback.refunds.access import access_of
from takeback.refunds.commands.send import SendOrder, begin_sending, reference_of
from takeback.refunds.matching import Observation
from takeback.refunds.models import Refund
from takeback.refunds.providers import AccountAccess, RefundProvider
from takeback.refunds.queries import refund_with_route
from takeback.refunds.statuses import Means

_FIRST_TRY: Final = timedelta(minutes=1)
_REPLY_TIME: Final = timedelta(seconds=1)
# More requests than any demo sends.
_ALWAYS: Final = 1_000_000


@dataclass(slots=True)
class RefundSender:
    """Sends refunds and looks at payments; nothing happens after `reference`."""

    sandbox: SandboxAdmin
    reference: datetime

    def after(self, refund: Refund, wait: timedelta) -> datetime:
        """A time after the refund was planned."""
        return min(refund.created_date + wait, self.reference)

    def send(self, refund: Refund, at: datetime | None = None) -> None:
        """Send a refund, by default a minute after it was planned, and record the reply."""
        at = at or self.after(refund, _FIRST_TRY)
        if begun := self.begin(refund, at):
            provider, access = _route(refund)
            reply = provider.refund(access, begun.order)
            apply_refund_news(Reply(refund.pk, reply, at), now=at + _REPLY_TIME)

    def begin(self, refund: Refund, at: datetime) -> SendOrder | None:
        """Record that a refund is being sent; None if it is held."""
        provider, access = _route(refund)
        state = provider.payment_state(access, reference_of(refund.payment))
        begun = begin_sending(
            refund.pk,
            capabilities=provider.capabilities,
            observation=Observation(state, at),
            now=at,
        )
        return begun if isinstance(begun, SendOrder) else None

    def try_now(self, refund: Refund) -> None:
        """Let the worker's handler try a refund that something holds."""
        send_refund(Delivery(refund.uuid.hex, {"refund": refund.pk}))

    def apply_state(self, refund: Refund, at: datetime) -> None:
        """Read the payment's state and apply it."""
        provider, access = _route(refund)
        state = provider.payment_state(access, reference_of(refund.payment))
        news = State(refund.payment_id, state, at, refund.account_id)
        apply_refund_news(news, now=at + _REPLY_TIME)

    def apply_no_state(self, refund: Refund, at: datetime) -> None:
        """Record that the payment's state could not be read."""
        apply_refund_news(NoState(refund.payment_id, refund.account_id), now=at)

    def fail(self, refund: Refund, failure: Failure, **options: Any) -> None:
        """Let the next request for a refund fail."""
        self.sandbox.fail(failure, payment=payment_id(refund.payment), **options)

    def hide_state(self, refund: Refund) -> None:
        """Let nobody read the payment's state any more."""
        self.fail(refund, Failure.ERROR_500, target=Target.STATE, count=_ALWAYS)


def payment_id(payment: Payment) -> str:
    """The sandbox's id of a payment that it knows."""
    assert payment.reference
    return payment.reference


def provider_amount(refund: Refund, minor: int | None = None) -> str:
    """An amount as the sandbox writes it, by default that of the refund."""
    return show(refund.amount_minor if minor is None else minor, refund.currency)


def reload(refund: Refund) -> Refund:
    """The refund as it is now, with payment, order and account."""
    return cast("Refund", refund_with_route(refund.pk))


def _route(refund: Refund) -> tuple[RefundProvider, AccountAccess]:
    account = refund.account
    name = provider_of(
        Means(refund.means),
        payment_kind=refund.payment.kind,
        account_provider=account.provider if account else None,
    )
    assert name, "the account is missing"
    return adapter(name), access_of(account) if account else NO_ACCESS
