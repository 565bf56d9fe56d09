"""Who works at the desk: a member of staff with a session of its own, apart from shoppers'."""

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
PATH = "/desk"
"""The cookie goes nowhere else: no route of shoppers ever sees it."""
LASTS = timedelta(hours=12)
TOUCHED_AFTER = timedelta(minutes=1)
"""A session that is used is written at most this often."""
_PROOF = "desk"
_ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Agent:
    """A member of staff as the desk knows them; rights are read anew with each request."""

    id: int
    username: str
    scopes: frozenset[str]
    channels: Mapping[int, str]
    has_totp: bool
    session: SessionStore

    @property
    def actor(self) -> Actor:
        """What history remembers."""
        return Actor(ActorKind.STAFF, self.id)

    @property
    def may_decide(self) -> bool:
        return ApiKey.DECIDE in self.scopes

    @property
    def sees_money(self) -> bool:
        """Whether bank accounts are shown whole, and may be called right."""
        return ApiKey.MONEY in self.scopes


def agent_of(request: HttpRequest, now: datetime) -> Agent | None:
    """Whoever the desk's cookie says, if they still work here and their password is the same.

    Looking keeps their session open for another `DESK_IDLE_MINUTES`.
    """
    session = SessionStore(request.COOKIES.get(COOKIE))
    proof = session.get(_PROOF)
    account = session.owner
    if account is None or not account.is_active or not account.is_staff or not proof:
        return None
    rows = list(
        StaffMember.objects.filter(pk=account.id).values_list(
            "scopes", "totp_encrypted", "channels__id", "channels__name", "channels__is_active"
        )
    )
    if not rows or not constant_time_compare(proof, proof_of(account.password, rows[0][1])):
        return None
    if not stays_open(session, now):
        return None
    return Agent(
        id=account.id,
        username=account.username,
        scopes=frozenset(rows[0][0]),
        channels={pk: name for _, _, pk, name, is_active in sorted(rows) if is_active},
        has_totp=bool(rows[0][1]),
        session=session,
    )


def sign_in(user: User, totp_encrypted: str | None, now: datetime) -> SessionStore:
    """A new session for this member of staff."""
    session, ends = SessionStore(), now + LASTS
    session.set_expiry(_idle_end(ends, now))
    proof = proof_of(user.password, totp_encrypted)
    session.update({USER_ID: user.pk, _PROOF: proof, _ENDS: ends.isoformat()})
    session.save()
    return session


def stays_open(session: SessionStore, now: datetime) -> bool:
    """Whether a session that is used goes on.

    It does not when somebody has just ended it elsewhere, or when it knows of no end: sessions
    began so before they could be idle.
    """
    ends = session.get(_ENDS)
    if ends is None:
        return False
    idle_end = _idle_end(datetime.fromisoformat(ends), now)
    if idle_end - session.get_expiry_date() < TOUCHED_AFTER:
        return True
    session.set_expiry(idle_end)
    try:
        session.save()
    except UpdateError:
        return False
    return True


def _idle_end(ends: datetime, now: datetime) -> datetime:
    """When the session is over unless it is used before."""
    return min(ends, now + timedelta(minutes=settings.DESK_IDLE_MINUTES))


def renew(agent: Agent, password: str, totp_encrypted: str | None) -> None:
    """The same session goes on after its owner's second factor has changed; all others end."""
    session = agent.session
    session[_PROOF] = proof_of(password, totp_encrypted)
    session.save()


def hand_over(response: HttpResponse, session: SessionStore) -> None:
    """Give the browser its cookie."""
    response.set_cookie(
        COOKIE,
        str(session.session_key),
        max_age=LASTS,
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def proof_of(password: str, totp_encrypted: str | None) -> str:
    """Ends every session of an account whose password or second factor changes."""
    told = f"{password}\0{totp_encrypted or ''}"
    return salted_hmac("takeback.desk.session", told, algorithm="sha256").hexdigest()
