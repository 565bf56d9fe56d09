"""Who calls a storefront route: a signed-in shopper, a guest with a proof, or anybody."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission

from takeback.accounts.sessions import AccountRow
from takeback.core import clock
from takeback.core.csrf import refuse_forged
from takeback.core.http import plain_request
from takeback.storefront import proofs

AUTH_HASH = "auth_hash"


@dataclass(frozen=True, slots=True)
class Caller:
    """A visitor; `account` is None unless they are signed in."""

    account: AccountRow | None
    proven_orders: tuple[int, ...] = ()
    is_authenticated: bool = True


class SessionCaller(BaseAuthentication):
    """The visitor behind the session cookie. Whoever changes something with one must also
    send the CSRF token in header and cookie (stateless double submit, so it survives login)."""

    def authenticate(self, request: Any) -> tuple[Caller, None] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        refuse_forged(plain_request(request))
        session = request.session
        account = owner_of(session)
        proved = () if account else tuple(proofs.proven(session, clock.now()))
        return Caller(account, proved), None

    def authenticate_header(self, request: Any) -> str:
        return "Session"


def owner_of(session: Any) -> AccountRow | None:
    """Who is signed in: an active customer whose password has not changed since."""
    signed = session.get(AUTH_HASH)
    account: AccountRow | None = session.owner
    if account is None or not account.is_active or not signed:
        return None
    return account if constant_time_compare(signed, auth_hash(account.password)) else None


def auth_hash(password: str) -> str:
    """Ends every session of an account whose password changes."""
    return salted_hmac("takeback.storefront.session", password, algorithm="sha256").hexdigest()


class SignedIn(BasePermission):
    """Only a signed-in shopper."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not isinstance(request.user, Caller) or request.user.account is None:
            raise NotAuthenticated
        return True


class Known(BasePermission):
    """A signed-in shopper, or a guest who has proved an order."""

    def has_permission(self, request: Any, view: Any) -> bool:
        caller = request.user
        if not isinstance(caller, Caller) or not (caller.account or caller.proven_orders):
            raise NotAuthenticated
        return True
