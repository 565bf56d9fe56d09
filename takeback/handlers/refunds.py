"""Handlers that talk to payment providers: they read, call, and report the news.

No transaction is open while a provider is called. Whatever happens to the process, a refund that
may have been sent is looked at before anything else is sent for it.
"""

from collections.abc import Mapping
from time import monotonic
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

import structlog

from takeback.cancellations.commands.apply_refund_news import (
    NoState,
    Reply,
    State,
    apply_refund_news,
)
from takeback.core import clock
from takeback.core.errors import Refused
from takeback.orders.models import Payment
from takeback.outbox.worker import Delivery, Handler, PermanentFailure
from takeback.refund_providers.registry import NO_ACCESS, UnknownProvider, adapter, provider_of
from takeback.refunds.access import access_of, account_for
from takeback.refunds.commands.look import record_event_handled
from takeback.refunds.commands.send import (
    NotSent,
    SendOrder,
    begin_sending,
    hold_refund,
    reference_of,
)
from takeback.refunds.commands.void import record_void
from takeback.refunds.epoch import record_request
from takeback.refunds.matching import Observation
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.providers import (
    Accepted,
    AccountAccess,
    Contradictory,
    RefundOrder,
    RefundProvider,
    Unavailable,
    Unknown,
)
from takeback.refunds.providers import Refused as RefusedByProvider
from takeback.refunds.queries import (
    payment_with_order,
    refund_with_route,
    refunds_of_route,
    repeatable_refunds,
)
from takeback.refunds.statuses import Attention, Means, Status
from takeback.refunds.topics import Topic

log = structlog.get_logger(__name__)

# With the 20 s of an adapter it stays below `schedule.SENDER_TIME`.
_LONGEST_BEGIN = 8.0


class VoidRefused(PermanentFailure):
    """The provider does not release an authorization; it ends by itself after some days."""


class VoidInDoubt(Exception):
    """It is not known whether an authorization was released; to repeat it moves no money."""


class SenderStopped(Exception):
    """The process stood still after the intent was committed: others may have taken over."""


class _Route(NamedTuple):
    """How a refund reaches its provider."""

    provider: RefundProvider
    access: AccountAccess


def send_refund(delivery: Delivery) -> None:
    """Send a planned refund, unless something holds it.

    The message of one that was sent before changes nothing: looks decide about that refund.
    """
    refund = refund_with_route(delivery.payload["refund"])
    if refund is None or refund.status != Status.PLANNED or refund.attention:
        return
    route = _route_of(refund)
    if isinstance(route, Attention):
        hold_refund(refund.pk, route, now=clock.now())
        return
    observation = _observe(route, refund.payment)
    if isinstance(observation, Observation):
        _send(refund, route, observation)
    else:
        hold_refund(refund.pk, observation, now=clock.now())


def look_at_payment(delivery: Delivery) -> None:
    """Read the state of a payment, and send refunds again that it has shown to be absent."""
    payment_id, account_id = delivery.payload["payment"], delivery.payload["lane"] or None
    refunds = refunds_of_route(payment_id, account_id)
    refund = refunds.select_related("payment", "account").first()
    if refund is not None:
        _look(refund, payment_id, account_id)
    if event_id := delivery.payload["event"]:
        record_event_handled(event_id, now=clock.now())


def _look(refund: Refund, payment_id: int, account_id: int | None) -> None:
    route = _route_of(refund)
    if isinstance(route, Attention):
        apply_refund_news(NoState(payment_id, account_id, route), now=clock.now())
        return
    observation = _observe(route, refund.payment)
    if not isinstance(observation, Observation):
        apply_refund_news(NoState(payment_id, account_id, observation), now=clock.now())
        return
    news = State(payment_id, observation.state, observation.at, account_id)
    apply_refund_news(news, now=clock.now())
    for refund_id in repeatable_refunds(payment_id, account_id):
        if again := refund_with_route(refund_id):
            _send(again, route, observation)


def void_payment(delivery: Delivery) -> None:
    """Release the authorization of a payment that was never charged."""
    payment = payment_with_order(delivery.payload["payment"])
    account = account_for(payment) if payment else None
    if payment is None or account is None or payment.voided_at or payment.captured_minor:
        return
    route = _route_by(account.provider, account)
    if isinstance(route, Attention) or not route.provider.capabilities.can_void:
        raise VoidRefused
    observation = _observe(route, payment)
    if not isinstance(observation, Observation):
        raise VoidInDoubt
    state = observation.state
    if not state.is_authorized_only or state.is_test != account.is_test:
        return
    reply = route.provider.void(route.access, _void_order(payment, account))
    match reply:
        case Accepted():
            record_void(payment.pk, now=clock.now())
        case RefusedByProvider():
            raise VoidRefused
        case Unknown():
            raise VoidInDoubt


def _send(refund: Refund, route: _Route, observation: Observation) -> None:
    """Begin, send once, and report the reply.

    A process that is stopped in between sends nothing when it goes on: by then the provider's
    state may have shown that no request has left, and another worker has sent its own.
    """
    started = monotonic()
    begun = begin_sending(
        refund.pk,
        capabilities=route.provider.capabilities,
        observation=observation,
        now=clock.now(),
    )
    if isinstance(begun, NotSent):
        log.info("refund held", refund=refund.pk, reason=begun.reason)
        return
    sent_at = clock.now()
    if refund.account is not None:
        record_request(
            begun.order.key,
            begun.number,
            account=refund.account.uuid,
            payment=begun.order.payment.payment,
            at=sent_at,
        )
    if monotonic() - started > _LONGEST_BEGIN:
        raise SenderStopped
    reply = _request(route, begun)
    apply_refund_news(Reply(refund.pk, reply, sent_at), now=clock.now())


def _request(route: _Route, begun: SendOrder) -> Accepted | RefusedByProvider | Unknown:
    provider = route.provider
    try:
        send = provider.void if begun.is_void else provider.refund
        return send(route.access, begun.order)
    except Exception as error:
        # After a request every error means that its result is not known.
        log.exception("adapter failed", refund=begun.refund_id, provider=provider.name)
        return Unknown(type(error).__name__)


def _observe(route: _Route, payment: Payment) -> Observation | Attention | None:
    """The state of a payment, why a person must look at it, or None: it is not known now."""
    reference, at = reference_of(payment), clock.now()
    try:
        return Observation(route.provider.payment_state(route.access, reference), at)
    except KeyError:
        return Attention.NO_PROVIDER_PAYMENT
    except Contradictory as error:
        log.error("state contradicts itself", payment=payment.pk, reason=str(error))  # noqa: TRY400 - the text is a code
        return Attention.CONTRADICTION
    except Unavailable as error:
        log.warning("state unavailable", payment=payment.pk, reason=str(error))
        return None
    except Exception:
        # A defect of an adapter is no news: the next look tries again.
        log.exception("adapter failed", payment=payment.pk, provider=route.provider.name)
        return None


def _route_of(refund: Refund) -> _Route | Attention:
    """How a refund reaches its provider, or what a person must clarify before."""
    account = refund.account
    name = provider_of(
        Means(refund.means),
        payment_kind=refund.payment.kind,
        account_provider=account.provider if account else None,
    )
    route = _route_by(name, account)
    if isinstance(route, Attention):
        return route
    if route.provider.capabilities.is_manual:
        return Attention.MANUAL_PAYMENT
    if account is not None and not refund.payment.reference:
        return Attention.NO_PROVIDER_PAYMENT
    return route


def _route_by(name: str | None, account: PaymentAccount | None) -> _Route | Attention:
    if name is None:
        return Attention.ACCOUNT_MISSING
    try:
        access = access_of(account) if account else NO_ACCESS
        return _Route(adapter(name), access)
    except (UnknownProvider, Refused, ValueError) as error:
        log.warning("payment account not usable", provider=name, error=type(error).__name__)
        return Attention.ACCOUNT_MISSING


def _void_order(payment: Payment, account: PaymentAccount) -> RefundOrder:
    """Repetitions are equal: the key is derived from the payment's ids at its provider."""
    reference = reference_of(payment)
    return RefundOrder(
        key=uuid5(NAMESPACE_OID, f"void/{account.uuid.hex}/{reference.payment}").hex,
        payment=reference,
        amount_minor=payment.amount_minor,
        currency=payment.currency or payment.order.currency,
    )


HANDLERS: Mapping[str, Handler] = {
    Topic.PLANNED.value: send_refund,
    Topic.LOOK.value: look_at_payment,
    Topic.VOID.value: void_payment,
}
