"""Queries of the refunds that need a person, and of payment accounts."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from takeback.core.db.planner import custom_plan
from takeback.desk.queries import PAGE_SIZE
from takeback.refunds.models import FOR_A_PERSON, PaymentAccount, Refund
from takeback.refunds.statuses import Status


class WaitingRefund(NamedTuple):
    """A refund that needs a person."""

    id: int
    amount_minor: int
    currency: str
    means: str
    status: str
    attention: str
    created_date: datetime
    order__number: str
    order__channel_id: int
    payment__account: str | None
    account__code: str | None


class AccountRow(NamedTuple):
    """A payment account in lists and filters."""

    id: int
    channel_id: int
    code: str
    provider: str
    currency: str
    is_test: bool
    is_active: bool
    paused_because: str


def _waiting_refunds(channel_ids: Collection[int]) -> "QuerySet[Refund]":
    refunds = Refund.objects.filter(FOR_A_PERSON, order__channel_id__in=channel_ids)
    return refunds.exclude(status=Status.CANCELLED.value)


def count_waiting_refunds(channel_ids: Collection[int]) -> int:
    """The number of refunds that need a person, for the navigation of every page."""
    with custom_plan():
        return _waiting_refunds(channel_ids).count()


def waiting_refunds(
    channel_ids: Collection[int], refund_filter: Q, start: int | None
) -> list[WaitingRefund]:
    """A page of refunds, oldest first, from the refund `start`, and the first of the next page."""
    refunds = _waiting_refunds(channel_ids).filter(refund_filter)
    if start is not None:
        refunds = refunds.filter(pk__gte=start)
    rows = refunds.order_by("pk").values_list(*WaitingRefund._fields)
    with custom_plan():
        return [WaitingRefund(*row) for row in rows[: PAGE_SIZE + 1]]


def order_id_of_refund(channel_ids: Collection[int], refund_id: int) -> int | None:
    """The order of a refund of these channels."""
    refunds = Refund.objects.filter(pk=refund_id, order__channel_id__in=channel_ids)
    return refunds.values_list("order_id", flat=True).first()


def account_rows(channel_ids: Collection[int]) -> list[AccountRow]:
    """The payment accounts of channels, active ones first."""
    accounts = PaymentAccount.objects.filter(channel_id__in=channel_ids)
    rows = accounts.order_by("-is_active", "channel_id", "code")
    return [AccountRow(*row) for row in rows.values_list(*AccountRow._fields)]
