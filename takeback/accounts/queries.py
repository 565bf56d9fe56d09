"""Queries for API keys, their rights and owners, and for customers of a channel."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from takeback.accounts.api_keys import Rights
from takeback.accounts.models import ApiKey, Channel, StaffMember, User
from takeback.core.db.compiled_query import CompiledQuery


class KeyOwner(NamedTuple):
    id: int
    is_active: bool


class KeyRow(NamedTuple):
    """A key; `channel_is_active` is None when the key does not cover the channel."""

    id: int
    secret_hash: str
    scopes: Any
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    channel_is_active: bool | None
    original_id: int | None
    user: KeyOwner | None

    @property
    def principal(self) -> str:
        """Who acts: the staff user, or a system, which rotated keys continue."""
        return f"staff:{self.user.id}" if self.user else f"key:{self.original_id or self.id}"

    def is_live(self, now: datetime) -> bool:
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return False
        return self.user is None or self.user.is_active


def _named_or_oldest(public_id: str, channel_id: int) -> "QuerySet[ApiKey]":
    allowed = ApiKey.channels.through.objects.filter(
        apikey_id=OuterRef("pk"), channel_id=channel_id
    )
    # An unknown public id selects the oldest key, whose secret the caller does not have either:
    # reading a row takes time, and the response time would reveal which public ids exist.
    named = ApiKey.objects.filter(public_id=public_id).values("pk")
    oldest = ApiKey.objects.order_by("pk").values("pk")[:1]
    named_or_oldest = Greatest(Coalesce(Subquery(named), 0), Subquery(oldest))
    return ApiKey.objects.filter(pk=named_or_oldest).annotate(
        channel_is_active=Subquery(allowed.values("channel__is_active"))
    )


# The key with this public id, else the oldest: the caller checks the secret.
key_in_channel = CompiledQuery(KeyRow, _named_or_oldest)


class ChannelRow(NamedTuple):
    id: int


def _active_channels(key_id: int) -> "QuerySet[Channel]":
    return Channel.objects.filter(apikey=key_id, is_active=True).order_by("id")


# The active channels of a key.
active_channels = CompiledQuery(ChannelRow, _active_channels)


def customers_of(channel_id: int) -> "QuerySet[User]":
    """The customers of a channel; pending ones do not exist for anyone but themselves."""
    customers = User.objects.filter(channel_id=channel_id, is_staff=False)
    return customers.exclude(user_type=User.PENDING)


def rights_of_key(key_id: int, scopes: Iterable[str]) -> Rights:
    """The rights of a key with these scopes; its inactive channels belong to them."""
    channels = Channel.objects.filter(apikey=key_id).order_by("pk")
    return Rights(list(channels.values_list("pk", flat=True)), sorted(scopes))


def key_with_user(key_id: int) -> ApiKey:
    return ApiKey.objects.select_related("user").get(pk=key_id)


def usable_keys(now: datetime) -> "QuerySet[ApiKey]":
    """The keys of systems, not of staff logins, that are neither revoked nor expired."""
    keys = ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    return keys.filter(user=None).order_by("pk").prefetch_related("channels")


def staff_members() -> "QuerySet[StaffMember]":
    members = StaffMember.objects.order_by("user__username")
    return members.select_related("user").prefetch_related("channels")


def deciding_staff(channel_id: int) -> "QuerySet[StaffMember]":
    """The active staff members of a channel who may decide, the oldest first."""
    members = StaffMember.objects.filter(channels=channel_id, user__is_active=True)
    # Scopes are a JSON list: SQLite cannot look into it.
    able = [pk for pk, scopes in members.values_list("pk", "scopes") if ApiKey.DECIDE in scopes]
    return StaffMember.objects.filter(pk__in=able).select_related("user").order_by("pk")
