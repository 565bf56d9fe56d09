"""Who calls: the holder of a key, which is one for the channel that a path names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission

from takeback.accounts import api_keys
from takeback.accounts.api_keys import record_use
from takeback.accounts.models import ApiKey
from takeback.accounts.queries import KeyRow, active_channels, key_in_channel
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.ids import id_of
from takeback.limits.commands import Bucket, enforce, increment

_SCHEME = "Token "
_NOBODY = 0
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """A system with a live key of an active channel.

    `channel_ids` is the channel that the route names, and nothing else; on a route that names
    none it is every active channel of the key, in ascending order.
    """

    key_id: int
    channel_ids: tuple[int, ...]
    scopes: frozenset[str]
    is_authenticated: bool = True

    @property
    def channel_id(self) -> int:
        """The one channel of a route that names it."""
        (channel_id,) = self.channel_ids
        return channel_id

    @property
    def sees_secrets(self) -> bool:
        """Whether what is nobody else's business is shown: tokens, raw traffic."""
        return ApiKey.PII in self.scopes

    @property
    def sees_accounts(self) -> bool:
        """Whether bank accounts are shown whole: only to whom money is trusted."""
        return ApiKey.MONEY in self.scopes


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Token <key>`, or the bare key; every wrong one gets the same 401.

    On a route that names a channel the key must be one for it; others serve any key.
    """

    def authenticate(self, request: Any) -> tuple[Caller, KeyRow]:
        given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix(_SCHEME)
        named = request.parser_context["kwargs"].get("channel_id")
        channel_id = _NOBODY if named is None else number_of(named)
        public_id = api_keys.public_id_of(given)
        found = key_in_channel(public_id=public_id, channel_id=channel_id) if public_id else None
        row = found[0] if found else None
        now = clock.now()
        # An unknown name costs a hash and a comparison too.
        genuine = api_keys.matches(given, row.secret_hash if row else None)
        if row is None or not genuine or not row.is_live(now) or row.channel_is_active is False:
            raise NotAuthenticated
        _count(row.id, now)
        record_use(row.id, row.last_used_at, now)
        if named is not None and row.channel_is_active is None:
            raise Refused(errors.NOT_FOUND)
        scopes = frozenset(msgspec.json.decode(row.scopes))
        channels = (channel_id,) if named is not None else _all_channels(row.id)
        return Caller(row.id, channels, scopes), row

    def authenticate_header(self, request: Any) -> str:
        return _SCHEME.strip()


def _all_channels(key_id: int) -> tuple[int, ...]:
    """Where a key may act when nobody says where; with all its channels closed it is no key."""
    found = tuple(channel.id for channel in active_channels(key_id=key_id))
    if not found:
        raise NotAuthenticated
    return found


def _count(key_id: int, now: datetime) -> None:
    """A key that calls without end waits, from however many addresses it calls."""
    if settings.LIMITS_ENABLED:
        calls = [Bucket(f"key:{key_id}", settings.KEY_REQUESTS_PER_MINUTE, _MINUTE)]
        enforce(calls, increment(calls, now))


def number_of(text: str) -> int:
    """A number in the path; what can be nobody's is looked for all the same, in vain."""
    return id_of(text) or _NOBODY


class HasScope(BasePermission):
    """The scope that the route's `scopes` name for this method."""

    def has_permission(self, request: Any, view: Any) -> bool:
        scope = view.scopes.get(request.method)
        if scope is not None and scope not in request.user.scopes:
            raise PermissionDenied
        return True
