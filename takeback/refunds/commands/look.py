"""Lets the worker look at payments: when a look is due, and when a provider rings."""

from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import QuerySet

from takeback.core.db.bulk import update_rows
from takeback.refunds.models import PaymentAccount, ProviderEvent, Refund
from takeback.refunds.schedule import next_late_look, next_look, next_try
from takeback.refunds.statuses import UNDECIDED, Status
from takeback.refunds.topics import publish_looks, publish_planned

LOOKS_AT_ONCE = 200


@transaction.atomic
def look_at_payments(now: datetime) -> int:
    """Publish up to `LOOKS_AT_ONCE` looks that are due; returns the number of refunds.

    Repeat until it is 0. One look serves all refunds of a payment. A planned refund that was held
    is tried again.
    """
    due = Refund.objects.filter(next_look_at__lte=now).order_by("next_look_at", "pk")
    refunds = list(due.select_for_update(skip_locked=True, no_key=True)[:LOOKS_AT_ONCE])
    planned = [
        refund for refund in refunds if refund.status == Status.PLANNED and not refund.attention
    ]
    watched = [refund for refund in refunds if refund.status in (*UNDECIDED, Status.CONFIRMED)]
    update_rows(
        Refund,
        ["next_look_at"],
        [refund.pk for refund in refunds],
        [[_next(refund, now)] for refund in refunds],
    )
    # Not the time: two looks at a payment may be due within a second, or a clock may be put back.
    token = uuid4().hex
    publish_planned(
        {f"{refund.uuid.hex}.{token}": (refund.pk, refund.account_id) for refund in planned}, None
    )
    routes = sorted({(refund.payment_id, refund.account_id or 0) for refund in watched})
    publish_looks(
        {f"{payment}.{account}.{token}": (payment, account) for payment, account in routes}
    )
    return len(refunds)


def _next(refund: Refund, now: datetime) -> datetime | None:
    if refund.status == Status.PLANNED and not refund.attention:
        # A worker that is killed before it decides loses the message's attempt, not the message.
        return next_try(refund.uuid, refund.created_date, now)
    if refund.status == Status.CONFIRMED:
        return next_late_look(refund.uuid, refund.confirmed_at or now, now)
    if refund.status in UNDECIDED:
        return next_look(refund.uuid, refund.first_sent_at or now, now)
    return None


@transaction.atomic
def record_event(account_id: int, event_id: str, payment_reference: str, *, now: datetime) -> bool:
    """Record a provider's notification and look at its payment; False if it was known already.

    An event reports nothing by itself: it may be late, repeated or forged.
    """
    account = PaymentAccount.objects.get(pk=account_id)
    event, is_new = ProviderEvent.objects.get_or_create(
        account=account,
        event_id=event_id,
        defaults={"payment_reference": payment_reference, "received_at": now},
    )
    if not is_new:
        return False
    payments = set(_refunds_of(account, payment_reference).values_list("payment_id", flat=True))
    publish_looks(
        {f"event.{event.pk}.{payment}": (payment, account_id) for payment in sorted(payments)},
        event.pk,
    )
    if not payments:
        record_event_handled(event.pk, now=now)
    return True


def record_event_handled(event_id: int, *, now: datetime) -> None:
    """The payment of an event has been looked at."""
    ProviderEvent.objects.filter(pk=event_id, handled_at=None).update(handled_at=now)


def _refunds_of(account: PaymentAccount, reference: str) -> "QuerySet[Refund]":
    """The refunds of a payment; one without refunds needs no look before its first refund."""
    return Refund.objects.filter(account=account, payment__reference=reference)
