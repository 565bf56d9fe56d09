"""Sessions in the database; one compiled query reads a session and its user."""

from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils.crypto import get_random_string

from takeback.accounts.api_keys import PRUNED_AT_ONCE
from takeback.accounts.models import Session
from takeback.core import clock
from takeback.core.db.bulk import delete_batch
from takeback.core.db.compiled_query import CompiledQuery
from takeback.core.db.outages import outage_of

USER_ID = "user_id"
KEY_MAX = 40


class AccountRow(NamedTuple):
    """The columns of a user that sessions check and that responses to the user show."""

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
    session_data: str
    user: AccountRow | None


def _running(session_key: str, now: datetime) -> "QuerySet[Session]":
    return Session.objects.filter(session_key=session_key, expire_date__gt=now)


running_session = CompiledQuery(SessionRow, _running)


class SessionStore(DatabaseStore):
    """Django's database sessions with the user as a column; `load` sets `owner`."""

    owner: AccountRow | None = None
    _retired_key: str | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        key = self.session_key or ""
        # Session keys are letters and digits; any other text needs no query.
        is_well_formed = key.isascii() and key.isalnum() and len(key) <= KEY_MAX
        rows = running_session(session_key=key, now=clock.now()) if is_well_formed else []
        if not rows:
            self._session_key = None
            return {}
        self.owner = rows[0].user
        return self.decode(rows[0].session_data)

    def encode(self, session_dict: dict[str, Any]) -> str:
        """JSON without a signature: an attacker who can write this table can write any other."""
        return msgspec.json.encode(session_dict).decode()

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        try:
            return msgspec.json.decode(session_data, type=dict[str, Any])
        except msgspec.DecodeError:
            return {}  # written by an earlier version: the user signs in again

    def cycle_key(self) -> None:
        """Give the session a new key; `save` writes it once, with the response."""
        self._get_session()  # type: ignore[attr-defined]  # the stubs leave it out
        self._retired_key = self.session_key
        self._session_key = None
        self.modified = True

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        retired, self._retired_key = self._retired_key, None
        try:
            if retired and self._change_key(retired):
                return
            if must_create:
                # Django would wrap this single INSERT into a transaction.
                data = self._get_session(no_load=True)  # type: ignore[attr-defined]  # as above
                self.create_model_instance(data).save(force_insert=True)
                return
            super().save(must_create)
        except IntegrityError as error:
            # The user was deleted meanwhile: an account took over a pending customer.
            raise UpdateError from error
        except UpdateError as error:
            # Django reports every failed update as a session that was deleted meanwhile.
            if outage := outage_of(error):
                raise outage from outage.__cause__
            raise

    def _change_key(self, retired: str) -> bool:
        """Replace the key in the row, in one statement; the old key is invalid from then on."""
        data = self._get_session()  # type: ignore[attr-defined]  # the stubs leave it out
        row = self.create_model_instance(data)
        is_changed = Session.objects.filter(session_key=retired).update(
            session_key=row.session_key,
            session_data=row.session_data,
            expire_date=row.expire_date,
            user_id=row.user_id,
        )
        self._session_key = row.session_key if is_changed else None
        return bool(is_changed)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return Session(
            session_key=self.session_key or self._get_new_session_key(),
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=data.get(USER_ID),
        )

    def _get_new_session_key(self) -> str:
        # Django queries for a collision; with 32 random characters the insert may find it.
        return get_random_string(32, VALID_KEY_CHARS)


def move_sessions(user_id: int, new_user_id: int) -> None:
    """Let the sessions of a user go on as those of another user with the same password hash."""
    store = SessionStore()
    for session in Session.objects.filter(user_id=user_id):
        data = {**store.decode(session.session_data), USER_ID: new_user_id}
        Session.objects.filter(pk=session.pk).update(
            user_id=new_user_id, session_data=store.encode(data)
        )


def prune_sessions(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` expired sessions; returns their number, 0 when done."""
    expired = Session.objects.filter(expire_date__lte=now).order_by("expire_date")
    return delete_batch(expired, PRUNED_AT_ONCE)
