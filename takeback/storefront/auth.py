"""Who calls a storefront route: a signed-in shopper, a guest with a proof, or anybody."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission

from takeback.accounts.sessions import AccountRow
from takeback.api.base_view import django_request
from takeback.api.csrf import refuse_forged
from takeback.core import clock
from takeback.shoppers import guest_access
from takeback.shoppers.sign_in_state import owner_of


@dataclass(frozen=True, slots=True)
class Caller:
    """A visitor; `account` is None unless they are signed in."""

    account: AccountRow | None
    proven_orders: tuple[int, ...] = ()
    is_authenticated: bool = True


class ShopperSessionAuthentication(BaseAuthentication):
    """The visitor behind the session cookie. Whoever changes something with one must also
    send the CSRF token in header and cookie (stateless double submit, so it survives login)."""

    def authenticate(self, request: Any) -> tuple[Caller, None] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        refuse_forged(django_request(request))
        session = request.session
        account = owner_of(session)
        proved = () if account else tuple(guest_access.granted_orders(session, clock.now()))
        return Caller(account, proved), None

    def authenticate_header(self, request: Any) -> str:
        return "Session"


class IsShopper(BasePermission):
    """Only a signed-in shopper."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not isinstance(request.user, Caller) or request.user.account is None:
            raise NotAuthenticated
        return True


class IsShopperOrVerifiedGuest(BasePermission):
    """A signed-in shopper, or a guest who has proved an order."""

    def has_permission(self, request: Any, view: Any) -> bool:
        caller = request.user
        if not isinstance(caller, Caller) or not (caller.account or caller.proven_orders):
            raise NotAuthenticated
        return True
