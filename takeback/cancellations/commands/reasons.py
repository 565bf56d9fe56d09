"""Writing the reasons of a channel; one that all channels share is nobody's to change here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationReason
from takeback.core import errors as core_errors
from takeback.core.errors import Refused


def add_reason(channel_id: int, told: Mapping[str, Any], *, now: datetime) -> int:
    """One more reason of a channel, of these columns; its id."""
    added = CancellationReason.objects.create(
        channel_id=channel_id, created_date=now, modified_date=now, **told
    )
    return added.pk


@transaction.atomic
def change_reason(
    channel_id: int, reason_id: int, told: Mapping[str, Any], *, now: datetime
) -> None:
    """Give a reason these values; nothing is written when it has them already.

    Cases keep what they were opened with. `Refused` when there is no such reason, and when it is
    one of all channels: whoever has the key of one shop must not change what others offer.
    """
    mine = Q(channel_id=channel_id) | Q(channel_id=None)
    reason = CancellationReason.objects.select_for_update().filter(mine, pk=reason_id).first()
    if reason is None:
        raise Refused(core_errors.NOT_FOUND)
    if reason.channel_id is None:
        raise Refused(errors.SHARED_REASON, reason=reason_id)
    changes = {name: value for name, value in told.items() if value != getattr(reason, name)}
    if changes:
        same = CancellationReason.objects.filter(pk=reason_id)
        same.update(**changes, modified_date=now)
