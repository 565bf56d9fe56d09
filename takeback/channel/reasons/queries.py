"""Reading a channel's reasons: its own, and those that all channels share."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from takeback.cancellations.models import CancellationReason
from takeback.channel.cases.queries import ReasonRow
from takeback.core.db.compiled_query import RowQuery
from takeback.core.paging import Page


def _of_channel(channel_id: int) -> "QuerySet[CancellationReason]":
    return CancellationReason.objects.filter(Q(channel_id=channel_id) | Q(channel_id=None))


_reasons = RowQuery(ReasonRow)


def reasons(channel_id: int, told: Mapping[str, Any], page: Page) -> tuple[int, list[ReasonRow]]:
    """How many of the channel's reasons are like this, and a page of them in display order."""
    wanted = Q(**{name: told[name] for name in ("cancellation_type", "is_active") if name in told})
    found = _of_channel(channel_id).filter(wanted).order_by("order", "id")
    return found.count(), _reasons.fetch(found[page.offset : page.offset + page.limit])


def reason(channel_id: int, reason_id: int) -> ReasonRow | None:
    """This reason, if the channel has it."""
    found = _reasons.fetch(_of_channel(channel_id).filter(pk=reason_id))
    return next(iter(found), None)
