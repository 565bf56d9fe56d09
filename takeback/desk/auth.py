"""Agents: members of staff signed in at the desk, in sessions separate from those of shoppers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.sessions import USER_ID, SessionStore
from takeback.core.actor import Actor, ActorKind

COOKIE = "takeback_desk"
COOKIE_PATH = "/desk"
"""Browsers send the cookie to the desk only; no storefront route receives it."""
LIFETIME = timedelta(hours=12)
WRITE_INTERVAL = timedelta(minutes=1)
"""A session in use is written at most this often."""
_HASH, _END = "desk", "ends"
"""Keys of the session's data."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A member of staff; scopes and channel names (by id) are read on every request."""

    id: int
    username: str
    scopes: frozenset[str]
    channels: Mapping[int, str]
    has_totp: bool
    session: SessionStore

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.STAFF, self.id)

    @property
    def can_decide(self) -> bool:
        return ApiKey.DECIDE in self.scopes

    @property
    def is_admin(self) -> bool:
        """Whether the agent may change settings, staff and keys."""
        return ApiKey.ADMIN in self.scopes

    @property
    def can_see_bank_accounts(self) -> bool:
        """Whether bank accounts are shown in full and may be confirmed."""
        return ApiKey.MONEY in self.scopes

    @property
    def can_pay(self) -> bool:
        """Whether the agent may take steps on refunds, and pause payment accounts."""
        return ApiKey.MONEY in self.scopes


def get_agent(request: HttpRequest, now: datetime) -> Agent | None:
    """The agent of the request's cookie, while the account is active and its password unchanged.

    Extends the session by `DESK_IDLE_MINUTES`.
    """
    session = SessionStore(request.COOKIES.get(COOKIE))
    stored_hash, account = session.get(_HASH), session.owner
    if account is None or not account.is_active or not account.is_staff or not stored_hash:
        return None
    rows = list(
        StaffMember.objects.filter(pk=account.id).values_list(
            "scopes", "totp_encrypted", "channels__id", "channels__name", "channels__is_active"
        )
    )
    if not rows or not constant_time_compare(stored_hash, auth_hash(account.password, rows[0][1])):
        return None
    if not extend_session(session, now):
        return None
    return Agent(
        id=account.id,
        username=account.username,
        scopes=frozenset(rows[0][0]),
        channels={pk: name for _, _, pk, name, is_active in sorted(rows) if is_active},
        has_totp=bool(rows[0][1]),
        session=session,
    )


def sign_in(user: User, now: datetime, data: Mapping[str, str] | None = None) -> SessionStore:
    """A new session of this user, with more data if the caller adds some."""
    session, end = SessionStore(), now + LIFETIME
    session.set_expiry(_idle_end(end, now))
    session.update({**(data or {}), USER_ID: user.pk, _HASH: auth_hash_of(user)})
    session[_END] = end.isoformat()
    session.save()
    return session


def extend_session(session: SessionStore, now: datetime) -> bool:
    """Move the session's idle end; False when the session has been deleted or stores no end.

    Sessions of versions without an idle limit store no end.
    """
    end = session.get(_END)
    if end is None:
        return False
    idle_end = _idle_end(datetime.fromisoformat(end), now)
    if idle_end - session.get_expiry_date() < WRITE_INTERVAL:
        return True
    session.set_expiry(idle_end)
    try:
        session.save()
    except UpdateError:
        return False
    return True


def _idle_end(end: datetime, now: datetime) -> datetime:
    return min(end, now + timedelta(minutes=settings.DESK_IDLE_MINUTES))


def keep_session(agent: Agent, user: User) -> None:
    """Keep this session after its user's password or second factor has changed; all others end."""
    session = agent.session
    session[_HASH] = auth_hash_of(user)
    session.save()


def set_cookie(response: HttpResponse, session: SessionStore) -> None:
    response.set_cookie(
        COOKIE,
        str(session.session_key),
        max_age=LIFETIME,
        path=COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def auth_hash_of(user: User) -> str:
    return auth_hash(user.password, user.staff.totp_encrypted)


def auth_hash(password: str, totp_encrypted: str | None) -> str:
    """Changes with the account's password or second factor, which ends its sessions."""
    text = f"{password}\0{totp_encrypted or ''}"
    return salted_hmac("takeback.desk.session", text, algorithm="sha256").hexdigest()
