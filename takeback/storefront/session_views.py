"""Signing in and out, and the token that every change needs."""

from typing import Any

from django.conf import settings
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts import sign_in
from takeback.accounts.customers import check_customer_password
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.normalize import email_key
from takeback.shoppers.sign_in_state import start_session
from takeback.storefront import addresses_shapes as shapes
from takeback.storefront import errors
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.openapi import answers
from takeback.storefront.serializers import Login
from takeback.storefront.values import sha256_of

TOKEN = "csrf_token"  # noqa: S105 - a key of the answer


class CsrfToken(StorefrontView):
    """A token that a storefront sends back in cookie and header."""

    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="csrf_token",
        tags=["storefront: session"],
        responses={200: {"type": "object", "properties": {TOKEN: {"type": "string"}}}},
    )
    def get(self, request: Request) -> Response:
        return Response({TOKEN: get_token(self.plain)})


class LoginView(StorefrontView):
    """Signing in. No CSRF token is asked for: there is no session yet that could be misused."""

    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="login",
        tags=["storefront: session"],
        request=Login,
        responses={200: {"type": "object", "properties": {"key": {"type": "string"}}}},
    )
    def post(self, request: Request) -> Response:
        told = Login(data=self.body)
        told.is_valid(raise_exception=True)
        email, now = email_key(told.validated_data["email"]), clock.now()
        channel_id, password = self.channel_id, told.validated_data["password"]
        user = sign_in.attempt(
            sign_in.login_buckets("login-email", email, client_address(self.plain)),
            lambda: check_customer_password(channel_id, email, password),
            now,
        )
        if user is None:
            raise ValidationError({"non_field_errors": [errors.LOGIN_FAILED]})
        start_session(request.session, user, now)
        return Response({"key": request.session.session_key, "redirect_url": None})

    def field_errors(self, detail: Any) -> dict[str, Any]:
        """Login forms join lists, in every dialect."""
        return {name: [str(text) for text in texts] for name, texts in detail.items()}


class Logout(StorefrontView):
    """Signing out. Storefronts call it twice: for the token of its form, then with it."""

    authentication_classes: list[Any] = []
    parser_classes: list[Any] = []

    @extend_schema(
        operation_id="logout",
        tags=["storefront: session"],
        request=None,
        responses={200: {"type": "object", "properties": {"form": {"type": "string"}}}},
    )
    def post(self, request: Request) -> Response:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            request.session.flush()
        token = get_token(self.plain)
        form = f"<input type='hidden' name='csrfmiddlewaretoken' value='{token}'>"
        return Response({"form": form})


class CurrentUserView(StorefrontView):
    """Who is signed in."""

    permission_classes = [IsShopper]

    @extend_schema(
        operation_id="current_user",
        tags=["storefront: session"],
        responses=answers("CurrentUser"),
    )
    def get(self, request: Request) -> Response:
        account = self.account
        document: shapes.CurrentUser = {
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
            "hashed_email": sha256_of(email_key(account.email)),
            "gender": account.gender,
        }
        return Response(document)
