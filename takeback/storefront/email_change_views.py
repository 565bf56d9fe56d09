"""Views that request another e-mail address, and confirm it by the mailed link."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import User
from takeback.api.fields import Password, StrictEmail
from takeback.api.openapi import Operation
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.normalize import email_key
from takeback.shoppers.commands.change_email import confirm_email_change, request_email_change
from takeback.shoppers.commands.set_password import is_own_password
from takeback.shoppers.email_change_links import change_of_token
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.link_pages import LinkPage, LinkTexts
from takeback.storefront.password_views import DETAIL, NO_PASSWORD

NOT_CONFIRMED = _(
    "Your present e-mail address is not confirmed yet. Open the link in the mail that we sent you "
    "when you registered, and then change the address."
)
INVALID_EMAIL = _("Enter a valid e-mail address, such as name@example.com.")
EMAILS_DIFFER = _("The two e-mail addresses are not the same. Enter the new address twice.")
SAME_EMAIL = _("This is your e-mail address already. Enter another one.")
WRONG_PASSWORD = _("The password is incorrect. Please enter it again.")
LINK_SENT = _(
    "We have sent a link to the new e-mail address. Open it within 24 hours to confirm the address."
)


class EmailChangeInput(serializers.Serializer[Any]):
    """The new address, twice, and the customer's password."""

    example = {
        "email": "new@example.com",
        "emailConfirm": "new@example.com",
        "password": "correct horse battery",
    }

    email = StrictEmail()
    emailConfirm = StrictEmail()  # noqa: N815 - the name on the wire
    password = Password()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if email_key(attrs["email"]) != email_key(attrs["emailConfirm"]):
            raise serializers.ValidationError(EMAILS_DIFFER)
        return attrs


class EmailChangeView(StorefrontView):
    """Mails a link to the new address; the page shows only errors that concern no field.

    An address that belongs to another account gets the same response.
    """

    operations = {
        "post": Operation(
            "email_change",
            openapi.SESSION,
            request=EmailChangeInput,
            response=DETAIL,
            refusals=openapi.TOO_MANY_WITH_TEXTS,
            summary="Ask for another e-mail address.",
        )
    }
    permission_classes = [IsShopper]

    def post(self, request: Request) -> Response:
        user, now = User.objects.get(pk=self.account.id), clock.now()
        if user.user_type != User.REGISTERED:
            raise ValidationError(NOT_CONFIRMED)
        if not user.has_usable_password():
            raise ValidationError(NO_PASSWORD)
        serializer = EmailChangeInput(data=self.body)
        serializer.is_valid(raise_exception=True)
        email = serializer.validated_data["email"]
        if not is_own_password(user, serializer.validated_data["password"], now):
            raise ValidationError(WRONG_PASSWORD)
        if email_key(email) == user.email_key:
            raise ValidationError(SAME_EMAIL)
        request_email_change(user, email, now)
        return Response({"detail": LINK_SENT})

    def field_errors(self, detail: Any) -> dict[str, Any]:
        """A list of texts in both dialects: first those of the addresses, then of the password."""
        fields: Mapping[str, Any] = (
            detail if isinstance(detail, dict) else {"non_field_errors": detail}
        )
        texts = [
            INVALID_EMAIL if name.startswith("email") else text
            for name, listed in fields.items()
            for text in listed
        ]
        return {"non_field_errors": list(dict.fromkeys(str(text) for text in texts))}

    def refusal(self, error: Exception, context: Mapping[str, Any]) -> Response | None:
        """The page shows the limit of requests as well."""
        response = super().refusal(error, context)
        if response and isinstance(error, Refused) and error.problem is errors.TOO_MANY_REQUESTS:
            response.data |= {"non_field_errors": [error.problem.message]}
        return response


class EmailChangePage(LinkPage):
    """Gives the account its new address, once."""

    operations: ClassVar[dict[str, Operation]] = {
        "get": Operation(
            "email_set_primary",
            openapi.SESSION,
            response=DETAIL,
            parameters=(
                OpenApiParameter(
                    "token", str, OpenApiParameter.PATH, description="From the mailed link."
                ),
            ),
            summary="Confirm the new e-mail address.",
            has_page=True,
        )
    }
    texts = LinkTexts(
        title=_("New e-mail address"),
        question=_("Use this e-mail address for your account?"),
        explanation=_("You will sign in with the new address."),
        button=_("Use the new address"),
        done=_("Your e-mail address has been changed."),
        next_step=_("Sign in and change your e-mail address again to get a new link."),
    )

    def is_valid(self, token: str, now: datetime) -> bool:
        return change_of_token(token) is not None

    def act(self, token: str, now: datetime) -> bool:
        return confirm_email_change(token, now)
