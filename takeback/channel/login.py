"""Staff log in with a password for an API key; a key shows its owner."""

from datetime import datetime
from typing import Any, TypedDict

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts import sign_in
from takeback.accounts.api_keys import AccessError, NewKey
from takeback.accounts.errors import STAFF_PASSWORD_BLOCKED
from takeback.accounts.queries import key_with_user
from takeback.accounts.staff import check_staff_password_only, issue_login_key
from takeback.api.fields import Password, StrictText
from takeback.api.openapi import Operation
from takeback.channel import errors
from takeback.channel.base import ChannelView, validated
from takeback.channel.openapi import ACCESS, INVALID, KEY_REFUSALS, PLAIN
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.errors import Refused


class StaffLogin(serializers.Serializer[Any]):
    """The user name and password of a staff member."""

    example = {"username": "agent@example.com", "password": "correct horse battery"}

    username = StrictText(max_length=150)
    password = Password()


class LoginKey(TypedDict):
    """A key that acts for the staff member for twelve hours."""

    key: str


class Login(ChannelView):
    """Exchanges user name and password for a key. It reads no cookie, so it needs no CSRF token."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    refusals = {400: INVALID, 429: PLAIN[429]}
    operations = {
        "post": Operation(
            "channel_login",
            ACCESS,
            LoginKey,
            request=StaffLogin,
            description="Valid for twelve hours. A sixth login ends the oldest key.",
            summary="Exchange a user name and password for a key.",
        )
    }

    def post(self, request: Request) -> Response:
        data, now = validated(StaffLogin, self.body), clock.now()
        username = data["username"]
        key = sign_in.attempt_staff_login(
            username.casefold(),
            client_address(self.django_request),
            lambda: _login_key(username, data["password"], now),
            now,
            problem=STAFF_PASSWORD_BLOCKED.with_values(
                url=settings.SITE_URL + reverse("desk_password_reset")
            ),
        )
        document: LoginKey = {"key": key.text}
        return Response(document)


def _login_key(username: str, password: str, now: datetime) -> NewKey:
    user = check_staff_password_only(username, password)
    if user is None:
        raise Refused(errors.LOGIN_FAILED)
    try:
        return issue_login_key(user, now)
    except AccessError as error:
        raise Refused(errors.LOGIN_FAILED) from error


class ActiveUser(TypedDict):
    """The owner of a key and its scopes; the key of a system has no owner."""

    pk: int | None
    id: int | None
    username: str
    email: str
    first_name: str
    last_name: str
    is_staff: bool
    channels: list[int]
    scopes: list[str]


class ActiveUserView(ChannelView):
    """The owner of the key."""

    scopes = {}
    refusals = KEY_REFUSALS
    operations = {
        "get": Operation(
            "channel_active_user",
            ACCESS,
            ActiveUser,
            summary="Read the owner of the key.",
        )
    }

    def get(self, request: Request) -> Response:
        key = key_with_user(self.client.key_id)
        user = key.user
        document: ActiveUser = {
            "pk": user.pk if user else None,
            "id": user.pk if user else None,
            "username": user.username if user else key.name,
            "email": user.email if user else "",
            "first_name": user.first_name if user else "",
            "last_name": user.last_name if user else "",
            "is_staff": user is not None and user.is_staff,
            "channels": list(self.client.channel_ids),
            "scopes": key.scopes,
        }
        return Response(document)
