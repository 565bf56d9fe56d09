"""Adds and changes the reasons of a channel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationReason
from takeback.core.errors import NOT_FOUND, Refused


def add_reason(channel_id: int | None, values: Mapping[str, Any], *, now: datetime) -> int:
    """Add a reason with these column values, and return its id; without a channel all share it."""
    return CancellationReason.objects.create(
        channel_id=channel_id, created_date=now, modified_date=now, **values
    ).pk


@transaction.atomic
def change_reason(
    channel_id: int, reason_id: int, values: Mapping[str, Any], *, now: datetime
) -> None:
    """Give a reason new column values; without a difference nothing is written.

    `Refused` if the reason does not exist or belongs to all channels: the key of one channel
    must not change the reasons of others.
    """
    reason = (
        CancellationReason.objects.select_for_update()
        .filter(Q(channel_id=channel_id) | Q(channel_id=None), pk=reason_id)
        .first()
    )
    if reason is None:
        raise Refused(NOT_FOUND)
    if reason.channel_id is None:
        raise Refused(errors.SHARED_REASON, reason=reason_id)
    changes = {name: value for name, value in values.items() if value != getattr(reason, name)}
    if changes:
        CancellationReason.objects.filter(pk=reason_id).update(**changes, modified_date=now)
