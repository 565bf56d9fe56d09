"""Views of CSRF token, login, logout and the current user."""

from datetime import date, datetime
from hashlib import sha256
from typing import Any, TypedDict

from django.conf import settings
from django.middleware.csrf import get_token
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts import sign_in
from takeback.accounts.customers import check_customer_password
from takeback.accounts.errors import PASSWORD_BLOCKED
from takeback.accounts.sessions import AccountRow
from takeback.api.openapi import Operation
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.normalize import email_key, folded
from takeback.shoppers.sign_in_state import start_session
from takeback.storefront import openapi
from takeback.storefront.account_base import AccountView
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.serializers import Login

TOKEN = "csrf_token"  # noqa: S105 - a key of the response
LOGIN_FAILED = _("The e-mail address or password is incorrect.")


def _text_object(key: str) -> dict[str, Any]:
    """The schema of an object with one text."""
    return {"type": "object", "properties": {key: {"type": "string"}}}


SESSION_STARTED: dict[str, Any] = {
    "type": "object",
    "properties": {"key": {"type": "string"}, "redirect_url": {"type": ["string", "null"]}},
}
"""The schema of a response that starts a session."""


def session_started(
    session: Any, *, redirect_url: str | None = None, status: int = 200
) -> Response:
    """The response to a customer whose session has started; clients read `key` first."""
    body = {"key": session.session_key, "redirect_url": redirect_url}
    return Response(body, status=status)


class CsrfToken(StorefrontView):
    """The CSRF token, which a storefront sends back in cookie and header."""

    operations = {
        "get": Operation(
            "csrf_token",
            openapi.SESSION,
            response=_text_object(TOKEN),
            summary="Get a CSRF token.",
        ),
    }
    authentication_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        return Response({TOKEN: get_token(self.django_request)})


class LoginView(AccountView):
    """Signs a customer in with a password."""

    has_code_route = True
    operations = {
        "post": Operation(
            "login",
            openapi.SESSION,
            request=Login,
            response=SESSION_STARTED,
            summary="Sign in with a password.",
        ),
    }

    def post(self, request: Request) -> Response:
        serializer = Login(data=self.body)
        serializer.is_valid(raise_exception=True)
        email, now = email_key(serializer.validated_data["email"]), clock.now()
        channel_id, password = self.channel_id, serializer.validated_data["password"]
        user = sign_in.attempt(
            sign_in.login_buckets("login-email", email, client_address(self.django_request)),
            lambda: check_customer_password(channel_id, email, password),
            now,
            problem=PASSWORD_BLOCKED,
        )
        if user is None:
            raise ValidationError({"non_field_errors": [LOGIN_FAILED]})
        start_session(request.session, user, now)
        return session_started(request.session)


class Logout(StorefrontView):
    """Signs the customer out. Storefronts post twice: for the form's token, then with it."""

    operations = {
        "post": Operation(
            "logout",
            openapi.SESSION,
            response=_text_object("form"),
            summary="Sign out.",
        ),
    }
    authentication_classes: list[Any] = []
    parser_classes: list[Any] = []

    def post(self, request: Request) -> Response:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            request.session.flush()
        token = get_token(self.django_request)
        form = f"<input type='hidden' name='csrfmiddlewaretoken' value='{token}'>"
        return Response({"form": form})


class CurrentUser(TypedDict):
    """The signed-in customer; `hashed_email` is the SHA-256 of their e-mail address in hex."""

    pk: int
    id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    email_allowed: bool
    sms_allowed: bool
    date_joined: datetime
    last_login: datetime | None
    date_of_birth: date | None
    hashed_email: str
    gender: str | None


def current_user(account: AccountRow) -> CurrentUser:
    return {
        "pk": account.id,
        "id": account.id,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "email": account.email,
        "phone": account.phone,
        "email_allowed": account.email_allowed,
        "sms_allowed": account.sms_allowed,
        "date_joined": account.date_joined,
        "last_login": account.last_login,
        "date_of_birth": account.date_of_birth,
        "hashed_email": sha256(folded(account.email).encode()).hexdigest(),
        "gender": account.gender,
    }


class CurrentUserView(StorefrontView):
    """The signed-in customer."""

    operations = {
        "get": Operation(
            "current_user",
            openapi.SESSION,
            response=CurrentUser,
            summary="Read the signed-in customer.",
        )
    }
    permission_classes = [IsShopper]

    def get(self, request: Request) -> Response:
        return Response(current_user(self.account))
