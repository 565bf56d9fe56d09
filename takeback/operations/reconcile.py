"""Asks the providers, after a restore, what they have paid back, before anything is sent again."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from takeback.cancellations.commands.apply_refund_news import State, apply_refund_news
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE
from takeback.core import clock
from takeback.core.errors import Refused
from takeback.orders.models import Payment
from takeback.refund_providers.registry import UnknownProvider, adapter
from takeback.refunds import epoch
from takeback.refunds.access import access_of
from takeback.refunds.commands.epoch import Request, adopt_requests, end_reconciliation
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.providers import AccountAccess, PaymentRef, PaymentState, Unavailable
from takeback.refunds.statuses import RESERVING

MARGIN: Final = timedelta(days=1)
"""Refunds that changed this long before the last trusted moment are looked at, too."""
_OUR_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)

Progress = Callable[[int, int], None]


class LostRefund(NamedTuple):
    """A refund that the provider has under one of our keys, and that the database lacks."""

    order_number: str
    key: str
    amount_minor: int
    currency: str


class Reconciliation(NamedTuple):
    """What the provider of an account has reported.

    `failures` are payments whose state it did not report, with the reason; `missing_payments` are
    those of the journal whose order the database lacks.
    """

    account: str
    payments: int
    failures: list[str]
    lost: list[LostRefund]
    missing_payments: list[str]
    is_resumed: bool


class _Unreported(Exception):
    """The provider did not report a payment; the text is a code."""


def reconcile_accounts(*, accepts_losses: bool, progress: Progress) -> list[Reconciliation]:
    """Ask about all payments of the accounts that wait for it, book what they report, and resume.

    An account stays paused if its provider did not report every payment, and, unless
    `accepts_losses`, if refunds are lost: their cases could be paid a second time. It can be
    interrupted and repeated.
    """
    accounts = list(PaymentAccount.objects.exclude(reconcile_since=None).order_by("pk"))
    results = []
    for account in accounts:
        result = _look_at_all(account, progress)
        is_resumed = not result.failures and (
            accepts_losses or not (result.lost or result.missing_payments)
        )
        if is_resumed:
            end_reconciliation(account.pk, now=clock.now())
        results.append(result._replace(is_resumed=is_resumed))
    if all(result.is_resumed for result in results):
        epoch.forget_pending_requests()
    return results


def _look_at_all(account: PaymentAccount, progress: Progress) -> Reconciliation:
    """Look at all payments of an account that are in question."""
    sent = _sent_requests(account)
    result = Reconciliation(account.code, 0, [], [], [], is_resumed=False)
    try:
        access = access_of(account)
        if adapter(account.provider).capabilities.is_manual:
            return result
    except (Refused, ValueError, UnknownProvider) as error:
        return result._replace(failures=[f"{account.code}: {type(error).__name__}"])
    payments = _payments_in_question(account, sent)
    for done, payment in enumerate(payments, start=1):
        try:
            state = _look_at(payment, account, access, sent.get(str(payment.reference), {}))
        except _Unreported as error:
            result.failures.append(f"{payment.reference}: {error}")
        else:
            result.lost.extend(_lost_refunds(payment, state))
        progress(done, len(payments))
    missing = sorted(sent.keys() - {payment.reference for payment in payments})
    return result._replace(payments=len(payments), missing_payments=missing)


def _look_at(
    payment: Payment,
    account: PaymentAccount,
    access: AccountAccess,
    sent: Mapping[str, Request],
) -> PaymentState:
    """Read the state of a payment and book it. Raises _Unreported."""
    observed_at = clock.now()
    reference = PaymentRef(str(payment.reference), payment.provider_order)
    try:
        state = adapter(account.provider).payment_state(access, reference)
    except Unavailable as error:
        raise _Unreported(str(error)) from error
    except KeyError:
        raise _Unreported("unknown_payment") from None
    shown = {key: Request(1, observed_at) for key in _our_keys(state)}
    now = clock.now()
    adopt_requests(payment.pk, {**shown, **sent}, now=now)
    apply_refund_news(State(payment.pk, state, observed_at, account.pk), now=now)
    return state


def _sent_requests(account: PaymentAccount) -> dict[str, dict[str, Request]]:
    """The last requests of the journal by the provider's id of the payment, then by key."""
    sent: dict[str, dict[str, Request]] = {}
    for request in epoch.pending_requests():
        if request.account == account.uuid.hex:
            by_key = sent.setdefault(request.payment, {})
            first = by_key.get(request.key, Request(0, request.sent_at))
            by_key[request.key] = Request(max(first.sends, request.sends), first.at)
    return sent


def _payments_in_question(
    account: PaymentAccount, sent: Mapping[str, Mapping[str, Request]]
) -> list[Payment]:
    """The account's payments about which the database may know too little.

    They are those with a refund that is not final or has changed since the last trusted moment,
    those of the journal, and those of orders with a live case: an approval of it may be lost.
    """
    since = (account.reconcile_since or clock.now()) - MARGIN
    is_open = Q(status__in=[status.value for status in RESERVING])
    refunds = Refund.objects.filter(is_open | Q(modified_date__gte=since), account=account)
    live = CancellationRequest.objects.filter(
        channel_id=account.channel_id, status__in=[status.value for status in LIVE]
    )
    own = _payments_of(account)
    pks = {
        *refunds.values_list("payment_id", flat=True),
        *own.filter(reference__in=list(sent)).values_list("pk", flat=True),
        *own.filter(order__in=live.values("order_item__order")).values_list("pk", flat=True),
    }
    payments = Payment.objects.filter(pk__in=pks, reference__isnull=False)
    return list(payments.select_related("order").order_by("pk"))


def _payments_of(account: PaymentAccount) -> "QuerySet[Payment]":
    """The payments of an account: those that name it, and those of its types that name none."""
    is_of_its_kind = Q(account=None, kind__in=account.payment_kinds)
    has_its_currency = Q(currency=account.currency) | Q(
        currency=None, order__currency=account.currency
    )
    payments = Payment.objects.filter(order__channel_id=account.channel_id)
    return payments.filter(Q(account=account.code) | (is_of_its_kind & has_its_currency))


def _lost_refunds(payment: Payment, state: PaymentState) -> Iterator[LostRefund]:
    keys = _our_keys(state)
    uuids = [UUID(key) for key in keys]
    known = Refund.objects.filter(uuid__in=uuids).values_list("uuid", flat=True)
    for key in sorted(keys - {uuid.hex for uuid in known}):
        for refund in state.refunds:
            if refund.reference == key:
                amount = refund.amount_minor, refund.currency
                yield LostRefund(payment.order.number, key, *amount)


def _our_keys(state: PaymentState) -> set[str]:
    """The references of refunds that have the form of our keys."""
    references = (refund.reference or "" for refund in state.refunds)
    return {reference for reference in references if _OUR_KEY.fullmatch(reference)}
