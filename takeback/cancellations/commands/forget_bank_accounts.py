"""Deletes the bank accounts of cases that ended long ago."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from takeback.accounts.models import Channel
from takeback.accounts.policy import shop_policy
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE
from takeback.refunds.models import Refund
from takeback.refunds.statuses import RESERVING

NO_ACCOUNT: Final = {
    "iban_encrypted": None,
    "holder_name_encrypted": None,
    "iban_index": None,
    "is_bank_account_confirmed": False,
}
"""The columns of a case without a bank account."""
DELETED_AT_ONCE = 500

_LIVE: Final = [status.value for status in LIVE]
# A refund that came back, or that a person must look at, may need the account again.
_NEEDS_ACCOUNT: Final = Q(status__in=[status.value for status in RESERVING]) | ~Q(attention="")


def forget_bank_accounts(now: datetime) -> int:
    """Delete up to `DELETED_AT_ONCE` bank accounts per channel; returns their number.

    A case keeps its account until its refunds are final. The ledger holds no account. Version and
    dates of the case do not change. Repeat until it is 0.
    """
    return sum(
        _forget(channel_id, now)
        for channel_id in Channel.objects.order_by("pk").values_list("pk", flat=True)
    )


def _forget(channel_id: int, now: datetime) -> int:
    days = shop_policy(channel_id).bank_account_retention_days
    if not days:
        return 0
    expired = _ended_cases(channel_id, now - timedelta(days=days)).order_by("pk")
    case_ids = list(expired.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    return CancellationRequest.objects.filter(pk__in=case_ids).update(**NO_ACCOUNT)


def _ended_cases(channel_id: int, before: datetime) -> "QuerySet[CancellationRequest]":
    # The partial index of accounts finds them.
    cases = CancellationRequest.objects.filter(
        channel_id=channel_id, iban_index__isnull=False, modified_date__lte=before
    )
    busy_plans = Refund.objects.filter(_NEEDS_ACCOUNT).values("plan_id")
    recent_plans = Refund.objects.filter(modified_date__gt=before).values("plan_id")
    is_needed = Q(plan_id__in=busy_plans) | Q(plan_id__in=recent_plans)
    return cases.exclude(status__in=_LIVE).exclude(Q(plan_id__isnull=False) & is_needed)
