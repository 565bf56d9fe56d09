"""Sessions in the database, read with one compiled statement that also finds their owner."""

from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.utils.crypto import get_random_string

from takeback.accounts.api_keys import PRUNED_AT_ONCE
from takeback.accounts.models import Session
from takeback.core import clock
from takeback.core.db.compiled_query import CompiledQuery

USER_ID = "user_id"
KEY_MAX = 40


class AccountRow(NamedTuple):
    """A user as their own answers show them, and what a session needs to know."""

    id: int
    username: str
    first_name: str
    last_name: str
    email: str
    is_active: bool
    is_staff: bool
    date_joined: datetime
    last_login: datetime | None
    email_allowed: bool
    sms_allowed: bool
    call_allowed: bool | None
    gender: str | None
    attributes: Any
    phone: str
    date_of_birth: date | None
    attributes_kwargs: Any
    user_type: str
    modified_date: datetime
    password: str


class SessionRow(NamedTuple):
    """A running session and, if somebody is signed in, who."""

    session_data: str
    user: AccountRow | None


def _running(session_key: str, now: datetime) -> "QuerySet[Session]":
    return Session.objects.filter(session_key=session_key, expire_date__gt=now)


running_session = CompiledQuery(SessionRow, _running)


class SessionStore(DatabaseStore):
    """Django's database sessions with the owner as a column; `owner` is set by loading."""

    owner: AccountRow | None = None
    _retired_key: str | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        key = self.session_key or ""
        # Keys are letters and digits; anything else was never ours and need not be looked for.
        found = (
            running_session(session_key=key, now=clock.now())
            if key.isascii() and key.isalnum() and len(key) <= KEY_MAX
            else []
        )
        if not found:
            self._session_key = None
            return {}
        self.owner = found[0].user
        return self.decode(found[0].session_data)

    def encode(self, session_dict: dict[str, Any]) -> str:
        """As JSON, unsigned: whoever could change a row of this table could change any other."""
        return msgspec.json.encode(session_dict).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            return msgspec.json.decode(session_data, type=dict[str, Any])
        except msgspec.DecodeError:
            return {}  # written by an earlier version: its owner signs in again

    def cycle_key(self) -> None:
        """The same session under a new key, written once, with the answer."""
        self._get_session()  # type: ignore[attr-defined]  # the stubs leave it out
        self._retired_key = self.session_key
        self._session_key = None
        self.modified = True

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        retired, self._retired_key = self._retired_key, None
        if retired and self._renamed(retired):
            return
        if must_create:
            # One statement needs no transaction of its own; Django would open one.
            data = self._get_session(no_load=True)  # type: ignore[attr-defined]  # as above
            self.create_model_instance(data).save(force_insert=True)
            return
        super().save(must_create)

    def _renamed(self, retired: str) -> bool:
        """Give the row itself its new key: one statement, and the old key opens nothing."""
        data = self._get_session()  # type: ignore[attr-defined]  # the stubs leave it out
        row = self.create_model_instance(data)
        kept = Session.objects.filter(session_key=retired).update(
            session_key=row.session_key,
            session_data=row.session_data,
            expire_date=row.expire_date,
            user_id=row.user_id,
        )
        self._session_key = row.session_key if kept else None
        return bool(kept)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return Session(
            session_key=self.session_key or self._get_new_session_key(),
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=data.get(USER_ID),
        )

    def _get_new_session_key(self) -> str:
        # 32 letters and digits collide with nothing; the insert would say so.
        return get_random_string(32, VALID_KEY_CHARS)


def prune_sessions(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` sessions that are over; how many. Repeat until it is 0."""
    over = Session.objects.filter(expire_date__lte=now).order_by("expire_date")
    batch = over.values("pk")[:PRUNED_AT_ONCE]
    deleted, _ = Session.objects.filter(pk__in=list(batch.values_list("pk", flat=True))).delete()
    return deleted
