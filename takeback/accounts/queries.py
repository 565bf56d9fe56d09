"""Reading keys: one statement finds a key and says what it may do in one channel."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from takeback.accounts.models import ApiKey
from takeback.core.compiled import Compiled


class KeyOwner(NamedTuple):
    """The member of staff in whose name a key acts, if it is not a system's own."""

    id: int
    is_active: bool


class KeyRow(NamedTuple):
    """A key; `channel_is_active` is None when the channel is not one of the key's."""

    id: int
    secret_hash: str
    scopes: Any
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    channel_is_active: bool | None
    user: KeyOwner | None

    def is_live(self, now: datetime) -> bool:
        """Neither revoked nor expired, and its owner still works here."""
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return False
        return self.user is None or self.user.is_active


def _by_public_id(public_id: str, channel_id: int) -> "QuerySet[ApiKey]":
    allowed = ApiKey.channels.through.objects.filter(
        apikey_id=OuterRef("pk"), channel_id=channel_id
    )
    return ApiKey.objects.filter(public_id=public_id).annotate(
        channel_is_active=Subquery(allowed.values("channel__is_active"))
    )


key_in_channel = Compiled(KeyRow, _by_public_id)
