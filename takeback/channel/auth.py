"""Authentication of the channel API: API keys, their channels and scopes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission

from takeback.accounts import api_keys
from takeback.accounts.api_keys import record_use
from takeback.accounts.models import ApiKey
from takeback.accounts.queries import KeyRow, active_channels, key_in_channel
from takeback.api.errors import NotAuthenticated
from takeback.core import clock, errors
from takeback.core.errors import Problem, Refused
from takeback.core.ids import id_of
from takeback.limits.commands import Bucket, count

_SCHEME = "Token "
_OTHER_SCHEMES = frozenset({"bearer", "basic", "digest", "apikey", "api-key", "key"})
_MINUTE = 60
_NO_ID = 0
"""No row has this id: a look-up with it runs like any other and matches nothing."""


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A system with a live key of an active channel.

    `channel_ids` is the channel in the path. On a route without a channel it holds all active
    channels of the key, in ascending order.
    """

    key_id: int
    channel_ids: tuple[int, ...]
    scopes: frozenset[str]
    is_authenticated: bool = True

    @property
    def channel_id(self) -> int:
        """The channel in the path."""
        (channel_id,) = self.channel_ids
        return channel_id

    @property
    def can_see_secrets(self) -> bool:
        """Whether documents show tokens, raw traffic and IP addresses."""
        return ApiKey.PII in self.scopes

    @property
    def can_see_bank_accounts(self) -> bool:
        """Whether documents show bank accounts unmasked."""
        return ApiKey.MONEY in self.scopes


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Token <key>`, or the bare key; every invalid key gets the same 401.

    A key must belong to the channel in the path. Routes without a channel accept every key.
    """

    def authenticate(self, request: Any) -> tuple[ApiClient, KeyRow]:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        key = header.removeprefix(_SCHEME)
        channel = request.parser_context["kwargs"].get("channel_id")
        channel_id = _NO_ID if channel is None else path_id(channel)
        public_id = api_keys.public_id_of(key)
        rows = key_in_channel(public_id=public_id, channel_id=channel_id) if public_id else None
        row = rows[0] if rows else None
        now = clock.now()
        # An unknown public id costs a hash and a comparison, too.
        is_genuine = api_keys.matches(key, row.secret_hash if row else None)
        if row is None or not is_genuine or not row.is_live(now) or row.channel_is_active is False:
            raise NotAuthenticated(_problem_of(header))
        _count_request(row.id, now)
        record_use(row.id, row.last_used_at, now)
        if channel is not None and row.channel_is_active is None:
            raise Refused(errors.NOT_FOUND)
        scopes = frozenset(msgspec.json.decode(row.scopes))
        channel_ids = (channel_id,) if channel is not None else _all_channels(row.id)
        return ApiClient(row.id, channel_ids, scopes), row

    def authenticate_header(self, request: Any) -> str:
        return _SCHEME.strip()


def _problem_of(header: str) -> Problem:
    """What is wrong with an Authorization header without a valid key, by its form alone."""
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() in _OTHER_SCHEMES or (scheme != "Token" and scheme.lower() == "token"):
        return errors.WRONG_SCHEME
    is_missing = not scheme or (scheme == "Token" and not credentials)
    return errors.API_KEY_MISSING if is_missing else errors.API_KEY_INVALID


def _all_channels(key_id: int) -> tuple[int, ...]:
    """The active channels of a key; a key without one is invalid."""
    channel_ids = tuple(channel.id for channel in active_channels(key_id=key_id))
    if not channel_ids:
        raise NotAuthenticated(errors.API_KEY_INVALID)
    return channel_ids


def _count_request(key_id: int, now: datetime) -> None:
    """Limits the requests of a key, from however many addresses they come."""
    if settings.LIMITS_ENABLED:
        buckets = [Bucket(f"key:{key_id}", settings.KEY_REQUESTS_PER_MINUTE, _MINUTE)]
        count(buckets, now)


def path_id(text: str) -> int:
    """The id in a path; a text that is no id becomes one that no row has."""
    return id_of(text) or _NO_ID


class HasScope(BasePermission):
    """Requires the scope that the view's `scopes` name for a method that it handles."""

    def has_permission(self, request: Any, view: Any) -> bool:
        scope = view.scopes.get(request.method)
        is_handled = hasattr(view, request.method.lower())
        if is_handled and scope is not None and scope not in request.user.scopes:
            raise Refused(errors.SCOPE_MISSING.with_values(scope=scope))
        return True
