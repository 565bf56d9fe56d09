"""Views of registering a customer and of the mailed link that confirms the address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import User
from takeback.accounts.passwords import password_errors
from takeback.api.json_parser import StrictJSONParser
from takeback.api.openapi import Operation
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.shoppers.commands.confirm_registration import can_confirm, confirm_registration
from takeback.shoppers.commands.register import register
from takeback.shoppers.sign_in_state import start_session
from takeback.storefront import openapi
from takeback.storefront.account_base import AccountView
from takeback.storefront.link_pages import LinkPage, LinkTexts
from takeback.storefront.orders_views import BoundedFormParser
from takeback.storefront.registration_serializers import Registration
from takeback.storefront.session_views import SESSION_STARTED, session_started


class RegistrationView(AccountView):
    """Registers a customer and signs them in, as a pending customer who sees only their input.

    The response does not depend on whether the address has an account already: a mail to the
    address says so.
    """

    operations = {
        "post": Operation(
            "registration",
            openapi.SESSION,
            request=Registration,
            response=SESSION_STARTED,
            status=201,
            summary="Register a customer.",
        ),
    }
    parser_classes = [StrictJSONParser, BoundedFormParser]

    def post(self, request: Request) -> Response:
        data, now = self._validated(), clock.now()
        user = register(
            self.channel_id,
            data,
            language=get_language() or "",
            address=client_address(self.django_request),
            now=now,
        )
        start_session(request.session, user, now)
        return session_started(request.session, status=201)

    def _validated(self) -> dict[str, Any]:
        serializer = Registration(data=_without_blanks(self.body))
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        names = {name: data.get(name, "") for name in ("email", "first_name", "last_name")}
        if texts := password_errors(data["password"], User(**names)):
            raise ValidationError({"password": texts})
        return data


def _without_blanks(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without keys whose value is null or empty: forms send their untouched inputs."""
    return {name: value for name, value in body.items() if value not in (None, "")}


class ConfirmRegistrationPage(LinkPage):
    """The link of the mail to a registered address."""

    texts = LinkTexts(
        title=_("Confirm your e-mail address"),
        question=_("Did you register?"),
        explanation=_("Confirm your e-mail address to open your account."),
        button=_("Yes, confirm my address"),
        done=_("Your e-mail address is confirmed. You can sign in now."),
        next_step=_(
            "If you have confirmed the address already, sign in. Otherwise register again."
        ),
    )

    def is_valid(self, token: str, now: datetime) -> bool:
        return can_confirm(token)

    def act(self, token: str, now: datetime) -> bool:
        return confirm_registration(token, now=now)
