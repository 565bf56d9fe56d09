"""Queries of payment accounts and of the refunds that go through them."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.db.models import Count, Q, QuerySet, Sum

from takeback.core import clock
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.statuses import RESERVING, Status

_UNDER_WAY: Final = [status.value for status in RESERVING]
_IN_DOUBT: Final = [Status.SENDING.value, Status.IN_DOUBT.value]
# A failed refund has moved no money.
_MOVES_NO_MONEY: Final = [Status.PLANNED.value, Status.CANCELLED.value, Status.FAILED.value]


class UnderWay(NamedTuple):
    """The number of an account's refunds that are not final, and of those in doubt."""

    refunds: int
    in_doubt: int


def accounts() -> "QuerySet[PaymentAccount]":
    """All payment accounts, active ones first."""
    return PaymentAccount.objects.order_by("-is_active", "channel_id", "code")


def accounts_with_code(code: str, channel_id: int | None) -> list[PaymentAccount]:
    """The accounts with this code, in a channel or in all of them."""
    named = PaymentAccount.objects.filter(code=code).order_by("channel_id")
    return list(named if channel_id is None else named.filter(channel_id=channel_id))


def refunds_under_way(account_ids: Collection[int]) -> dict[int, UnderWay]:
    """The refunds under way by account; accounts without one are missing."""
    refunds = Refund.objects.filter(account_id__in=account_ids, status__in=_UNDER_WAY)
    counts = (
        refunds.order_by("account_id")
        .values_list("account_id")
        .annotate(count=Count("pk"), in_doubt=Count("pk", filter=Q(status__in=_IN_DOUBT)))
    )
    return {account_id: UnderWay(count, in_doubt) for account_id, count, in_doubt in counts}


def sent_today(account_id: int, now: datetime, *, except_refund: int) -> int:
    """What an account's other refunds have sent since midnight UTC, in minor units."""
    midnight = clock.day_start(now.astimezone(UTC).date(), UTC)
    sent = Refund.objects.filter(account_id=account_id, first_sent_at__gte=midnight)
    sent = sent.exclude(status__in=_MOVES_NO_MONEY).exclude(pk=except_refund)
    return sent.aggregate(total=Sum("amount_minor"))["total"] or 0
