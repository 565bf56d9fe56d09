"""Who calls a storefront route: a signed-in shopper, a guest with a proof, or anybody."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission

from takeback.accounts.sessions import AccountRow
from takeback.core import clock, problems
from takeback.core.http import plain_request
from takeback.core.problems import Refused
from takeback.storefront import proofs

AUTH_HASH = "auth_hash"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A visitor; `account` is None unless they are signed in."""

    account: AccountRow | None
    proven_orders: tuple[int, ...] = ()
    is_authenticated: bool = True


class _CsrfCheck(CsrfViewMiddleware):
    """Django's own check, as a question."""

    def _reject(self, request: Any, reason: str) -> Any:
        return reason


class SessionCaller(BaseAuthentication):
    """The visitor behind the session cookie. Whoever changes something with one must also
    send the CSRF token in header and cookie (stateless double submit, so it survives login)."""

    def authenticate(self, request: Any) -> tuple[Caller, None] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        enforce_csrf(request)
        session = request.session
        account = owner_of(session)
        proved = () if account else tuple(proofs.proven(session, clock.now()))
        return Caller(account, proved), None

    def authenticate_header(self, request: Any) -> str:
        return "Session"


def enforce_csrf(request: Any) -> None:
    """403 unless header and cookie carry the same token and the origin is ours."""
    if request.method in _SAFE:
        return
    check: Any = _CsrfCheck(_unreached)
    plain: Any = plain_request(request)
    if plain.content_type == "multipart/form-data":
        # No route reads it, and Django's look for a token in it would use the body up.
        raise Refused(problems.UNSUPPORTED_MEDIA_TYPE)
    plain.csrf_processing_done = False
    # The framework's views are exempt from the middleware; here it is asked in earnest.
    plain._dont_enforce_csrf_checks = False  # noqa: SLF001 - Django's switch for its own tests
    check.process_request(plain)
    if check.process_view(plain, None, (), {}):
        raise Refused(problems.CSRF_FAILED)


def _unreached(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the check answers before it passes a request on")


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
