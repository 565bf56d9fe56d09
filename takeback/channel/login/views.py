"""Staff sign in for a key, and a key tells whose it is."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts import sign_in
from takeback.accounts.api_keys import AccessError, NewKey
from takeback.accounts.queries import key_with_user
from takeback.accounts.staff import check_staff_password_only, issue_login_key
from takeback.channel import errors, openapi
from takeback.channel.base import ChannelView
from takeback.channel.login import shapes
from takeback.channel.login.serializers import StaffLogin
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.errors import Refused


class Login(ChannelView):
    """A name and a password for a key; cookies are not read, so nothing can be forged by one."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(
        operation_id="channel_login",
        tags=[openapi.TAG],
        request=StaffLogin,
        responses={
            200: openapi.document("LoginKey", "Live for twelve hours, or until five newer ones."),
            400: openapi.PLAIN,
            429: openapi.PLAIN,
        },
    )
    def post(self, call: Request) -> Response:
        told = StaffLogin(data=self.document)
        told.is_valid(raise_exception=True)
        username, now = told.validated_data["username"], clock.now()
        key = sign_in.attempt(
            sign_in.login_buckets("login-staff", username.casefold(), client_address(self.plain)),
            lambda: _login_key(username, told.validated_data["password"], now),
            now,
        )
        answer: shapes.LoginKey = {"key": key.text}
        return Response(answer)


def _login_key(username: str, password: str, now: datetime) -> NewKey:
    user = check_staff_password_only(username, password)
    if user is None:
        raise Refused(errors.LOGIN_FAILED)
    try:
        return issue_login_key(user, now)
    except AccessError as error:
        raise Refused(errors.LOGIN_FAILED) from error


class ActiveUser(ChannelView):
    """Whose key this is."""

    @extend_schema(
        operation_id="channel_active_user",
        tags=[openapi.TAG],
        responses={200: openapi.document("ActiveUser", "The holder.")} | openapi.KEY_REFUSALS,
    )
    def get(self, call: Request) -> Response:
        key = key_with_user(self.caller.key_id)
        user = key.user
        answer: shapes.ActiveUser = {
            "pk": user.pk if user else None,
            "id": user.pk if user else None,
            "username": user.username if user else key.name,
            "email": user.email if user else "",
            "first_name": user.first_name if user else "",
            "last_name": user.last_name if user else "",
            "is_staff": user is not None and user.is_staff,
            "channels": list(self.caller.channel_ids),
            "scopes": key.scopes,
        }
        return Response(answer)
