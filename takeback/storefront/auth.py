"""Authentication of storefront requests: shoppers by session, guests by a verified order."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from takeback.accounts.sessions import AccountRow
from takeback.api.base_view import django_request
from takeback.api.csrf import refuse_forged
from takeback.core import clock
from takeback.shoppers import guest_access
from takeback.shoppers.sign_in_state import owner_of


@dataclass(frozen=True, slots=True)
class Caller:
    """The visitor behind a request; `account` is None for guests."""

    account: AccountRow | None = None
    granted_orders: tuple[int, ...] = ()
    """Orders whose number and e-mail address a guest has entered, the latest first."""


_ANONYMOUS = Caller()


def caller_of(request: Request) -> Caller:
    """The authenticated caller, else an anonymous one."""
    user: object = request.user
    return user if isinstance(user, Caller) else _ANONYMOUS


class ShopperSessionAuthentication(BaseAuthentication):
    """Reads the session cookie. Writing requests with a session also need the CSRF token in
    header and cookie (stateless double submit, so that the token survives login)."""

    def authenticate(self, request: Any) -> tuple[Caller, None] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        refuse_forged(django_request(request))
        session = request.session
        account = owner_of(session)
        order_ids = () if account else tuple(guest_access.granted_orders(session, clock.now()))
        return Caller(account, order_ids), None

    def authenticate_header(self, request: Any) -> str:
        return "Session"


class IsShopper(BasePermission):
    """Allows only signed-in shoppers."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if caller_of(request).account is None:
            raise NotAuthenticated
        return True


class IsShopperOrVerifiedGuest(BasePermission):
    """Allows signed-in shoppers, and guests who have verified an order in this session."""

    def has_permission(self, request: Any, view: Any) -> bool:
        caller = caller_of(request)
        if not (caller.account or caller.granted_orders):
            raise NotAuthenticated
        return True
