"""Who calls: the holder of a key, which is one for the channel that a path names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission

from takeback.accounts import keys
from takeback.accounts.commands import note_use
from takeback.accounts.models import ApiKey
from takeback.accounts.queries import KeyRow, key_in_channel
from takeback.core import clock, problems
from takeback.core.fields import ID_MAX
from takeback.core.problems import Refused
from takeback.limits.commands import Bucket, hit, refuse_above

_SCHEME = "Token "
_ID_DIGITS = 19
_NOBODYS = 0
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """A system with a live key; `channel_id` is 0 on a route that names no channel."""

    key_id: int
    channel_id: int
    scopes: frozenset[str]
    is_authenticated: bool = True

    @property
    def sees_secrets(self) -> bool:
        """Whether what is nobody else's business is shown: tokens, raw traffic."""
        return ApiKey.PII in self.scopes


class AnyKeyHolder(BaseAuthentication):
    """`Authorization: Token <key>`, or the bare key; every wrong one gets the same 401."""

    def authenticate(self, request: Any) -> tuple[Caller, KeyRow]:
        row = self.row_of(request, _NOBODYS)
        return _caller(row, _NOBODYS), row

    def row_of(self, request: Any, channel_id: int) -> KeyRow:
        """The key that was shown, if it is one of ours and lives."""
        given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix(_SCHEME)
        public_id = keys.public_id_of(given)
        found = key_in_channel(public_id=public_id, channel_id=channel_id) if public_id else None
        row = found[0] if found else None
        now = clock.now()
        # An unknown name costs a hash and a comparison too.
        genuine = keys.matches(given, row.secret_hash if row else None)
        if row is None or not genuine or not row.is_live(now) or row.channel_is_active is False:
            raise NotAuthenticated
        _count(row.id, now)
        note_use(row.id, row.last_used_at, now)
        return row

    def authenticate_header(self, request: Any) -> str:
        return _SCHEME.strip()


class KeyHolder(AnyKeyHolder):
    """The same for the channel that the path names: the key must be one for it."""

    def authenticate(self, request: Any) -> tuple[Caller, KeyRow]:
        channel_id = number_of(request.parser_context["kwargs"]["channel_id"])
        row = self.row_of(request, channel_id)
        if row.channel_is_active is None:
            raise Refused(problems.NOT_FOUND)
        return _caller(row, channel_id), row


def _caller(row: KeyRow, channel_id: int) -> Caller:
    return Caller(row.id, channel_id, frozenset(msgspec.json.decode(row.scopes)))


def _count(key_id: int, now: datetime) -> None:
    """A key that calls without end waits, from however many addresses it calls."""
    if settings.LIMITS_ENABLED:
        calls = [Bucket(f"key:{key_id}", settings.KEY_REQUESTS_PER_MINUTE, _MINUTE)]
        refuse_above(calls, hit(calls, now))


def number_of(text: str) -> int:
    """The number in a path; what can be nobody's is looked for all the same, in vain."""
    usable = text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS
    number = int(text) if usable else _NOBODYS
    return number if number <= ID_MAX else _NOBODYS


class MayDo(BasePermission):
    """The scope that the route's `scopes` name for this method."""

    def has_permission(self, request: Any, view: Any) -> bool:
        scope = view.scopes.get(request.method)
        if scope is not None and scope not in request.user.scopes:
            raise PermissionDenied
        return True
