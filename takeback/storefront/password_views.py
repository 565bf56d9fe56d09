"""Views that change a password, mail a reset link, and set a new password by this link."""

from datetime import datetime
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import User
from takeback.accounts.passwords import password_errors
from takeback.api.errors import problem_response
from takeback.api.json_parser import StrictJSONParser
from takeback.api.openapi import Operation
from takeback.core import clock, errors
from takeback.core.client_ip import client_address
from takeback.core.errors import Problem, Refused
from takeback.shoppers.commands.set_password import (
    change_password,
    is_own_password,
    request_password_reset,
    reset_password,
)
from takeback.shoppers.password_links import user_of_token
from takeback.shoppers.sign_in_state import AUTH_HASH, auth_hash
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.link_pages import LINK_NOT_VALID, LinkPage, LinkTexts
from takeback.storefront.orders_views import BoundedFormParser, single_values
from takeback.storefront.password_serializers import (
    NewPassword,
    PasswordChange,
    PasswordResetRequest,
)

DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}}
WRONG_PASSWORD = _("Your old password was entered incorrectly. Please enter it again.")
NO_PASSWORD = _(
    "Your account has no password yet. Choose “Forgot password” on the sign-in page: we mail you a "
    "link to set one."
)
CHANGED = _("Your password has been changed.")
RESET_REQUESTED = _(
    "If there is an account with this e-mail address, we have sent it a link to set a new "
    "password. The link is valid for 24 hours."
)


class PasswordChangeView(StorefrontView):
    """Changes the password of the signed-in customer and signs out all other browsers."""

    operations = {
        "post": Operation(
            "password_change",
            openapi.SESSION,
            request=PasswordChange,
            response=DETAIL,
            refusals=openapi.TOO_MANY_WITH_TEXTS,
            summary="Change the password.",
        )
    }
    permission_classes = [IsShopper]

    def post(self, request: Request) -> Response:
        user = User.objects.get(pk=self.account.id)
        if not user.has_usable_password():
            raise ValidationError({"old_password": [NO_PASSWORD]})
        serializer = PasswordChange(data=self.body)
        serializer.is_valid(raise_exception=True)
        body, now = serializer.validated_data, clock.now()
        if not is_own_password(user, body["old_password"], now):
            raise ValidationError({"old_password": [WRONG_PASSWORD]})
        if weak := password_errors(body["new_password1"], user):
            raise ValidationError({"new_password2": weak})
        session = request.session
        if not change_password(
            user, body["new_password1"], session_key=session.session_key, now=now
        ):
            raise ValidationError({"old_password": [WRONG_PASSWORD]})
        session.cycle_key()
        session[AUTH_HASH] = auth_hash(user.password)
        return Response({"detail": CHANGED})

    def refusal(self, error: Exception, context: Any) -> Response | None:
        """The page shows only errors of `old_password`, so the limit is one of them as well."""
        response = super().refusal(error, context)
        if response and isinstance(error, Refused) and error.problem is errors.TOO_MANY_REQUESTS:
            response.data |= self.field_errors({"old_password": [error.problem.message]})
        return response


class PasswordResetRequestView(StorefrontView):
    """Mails a reset link; the response is the same for all addresses.

    Needs no CSRF token: anybody may request the mail for any address.
    """

    operations = {
        "post": Operation(
            "password_reset",
            openapi.SESSION,
            request=PasswordResetRequest,
            response=DETAIL,
            summary="Mail a link for a new password.",
        )
    }
    authentication_classes: list[Any] = []

    def post(self, request: Request) -> Response:
        serializer = PasswordResetRequest(data=self.body)
        serializer.is_valid(raise_exception=True)
        request_password_reset(
            self.channel_id,
            serializer.validated_data["email"],
            address=client_address(self.django_request),
            language=get_language() or "",
            now=clock.now(),
        )
        return Response({"detail": RESET_REQUESTED})


class PasswordResetPage(LinkPage):
    """GET shows the form and changes nothing: the storefront's server sends one at each view of
    its own page. POST sets the password, for a program or for the form."""

    operations: ClassVar[dict[str, Operation]] = {
        "post": Operation(
            "password_set",
            openapi.SESSION,
            request=NewPassword,
            response=DETAIL,
            parameters=(
                OpenApiParameter(
                    "token", str, OpenApiParameter.PATH, description="From the mailed link."
                ),
            ),
            summary="Set a new password with a mailed link.",
            has_page=True,
        )
    }
    parser_classes = [StrictJSONParser, BoundedFormParser]
    template = "storefront/password_reset.html"
    texts = LinkTexts(
        title=_("New password"),
        question=_("Choose a new password"),
        explanation=_("All devices on which you are signed in will be signed out."),
        button=_("Save the password"),
        done=_("Your password has been changed. You can now sign in with it."),
        next_step=_("Choose “Forgot password” on the sign-in page to get a new link."),
    )

    acts_on_get = False

    def is_valid(self, token: str, now: datetime) -> bool:
        return user_of_token(token) is not None

    def post(self, request: Request, token: str) -> HttpResponseBase:
        user = user_of_token(token)
        if user is None:
            return self._not_valid()
        # An empty form has a body of length 0.
        serializer = NewPassword(data=single_values(request.data))
        invalid = dict(serializer.errors) if not serializer.is_valid() else {}
        if not invalid:
            password = serializer.validated_data["new_password1"]
            if weak := password_errors(password, user):
                invalid = {"new_password2": weak}
            elif not reset_password(user, password, clock.now()):
                return self._not_valid()
        if self._is_form():
            texts = dict.fromkeys(str(text) for texts in invalid.values() for text in texts)
            return self._page("question", list(texts)) if invalid else self._page("done")
        return Response(invalid, status=400) if invalid else Response({"detail": self.texts.done})

    def _not_valid(self) -> HttpResponseBase:
        if self._is_form():
            return self._page("gone")
        message = f"{LINK_NOT_VALID.message} {self.texts.next_step}"
        return problem_response(Problem(LINK_NOT_VALID.code, LINK_NOT_VALID.status, message))

    def _is_form(self) -> bool:
        """Whether a browser sends the form of our page; storefronts accept JSON only."""
        return "text/html" in self.django_request.headers.get("Accept", "").lower()
