"""Reading keys: what one may do in a channel, by one statement, and whose it is."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from takeback.accounts.models import ApiKey, Channel, User
from takeback.core.db.compiled_query import CompiledQuery


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


def _named_or_oldest(public_id: str, channel_id: int) -> "QuerySet[ApiKey]":
    allowed = ApiKey.channels.through.objects.filter(
        apikey_id=OuterRef("pk"), channel_id=channel_id
    )
    # An unknown name finds the oldest key, whose secret the caller does not have either: finding
    # and converting a row takes time, and the time would tell which names exist.
    named = ApiKey.objects.filter(public_id=public_id).values("pk")
    oldest = ApiKey.objects.order_by("pk").values("pk")[:1]
    found = Greatest(Coalesce(Subquery(named), 0), Subquery(oldest))
    return ApiKey.objects.filter(pk=found).annotate(
        channel_is_active=Subquery(allowed.values("channel__is_active"))
    )


key_in_channel = CompiledQuery(KeyRow, _named_or_oldest)
"""The key of this name, else some other: only its secret says whose it is."""


class ChannelRow(NamedTuple):
    """A channel by its number."""

    id: int


def _active_channels(key_id: int) -> "QuerySet[Channel]":
    return Channel.objects.filter(apikey=key_id, is_active=True).order_by("id")


active_channels = CompiledQuery(ChannelRow, _active_channels)
"""The channels of a key in which it may act today."""


class KeyHolderRow(NamedTuple):
    """A key, and the person in whose name it acts if there is one."""

    key: ApiKey
    user: User | None


def key_holder(key_id: int) -> KeyHolderRow:
    """Whose key this is."""
    key = ApiKey.objects.select_related("user").get(pk=key_id)
    return KeyHolderRow(key, key.user)
