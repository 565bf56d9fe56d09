"""Views that sign a customer in without a password: mailed codes, and tokens of the shop."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channels import channel_id_of_host, storefront_url
from takeback.api.fields import StrictEmail, StrictText
from takeback.api.openapi import Operation
from takeback.core import clock, errors
from takeback.core.client_ip import client_address
from takeback.core.errors import Refused
from takeback.shoppers.commands.hand_off import accept_token, owner_of_token
from takeback.shoppers.commands.sign_in_codes import accept_code, request_code
from takeback.shoppers.sign_in_state import start_session
from takeback.storefront import openapi
from takeback.storefront.account_base import AccountView
from takeback.storefront.link_pages import LinkPage, LinkTexts
from takeback.storefront.session_views import SESSION_STARTED, session_started

CODE_SENT = _("If an account has this address, a code is on its way. It is valid for 10 minutes.")
CODE_WRONG = _("This code is wrong or has expired. Request a new one or open the link in the mail.")
TOKEN_NOT_VALID = _("This token has expired, was already used or is not valid. Request a new one.")


class CodeRequest(serializers.Serializer[Any]):
    """The address to which a code is mailed."""

    example = {"email": "ada@example.com"}

    email = StrictEmail()


class CodeConfirmation(CodeRequest):
    """The address, and the code from the mail."""

    example = {"email": "ada@example.com", "code": "123456"}

    code = StrictText(max_length=16)


class Token(serializers.Serializer[Any]):
    """A sign-in token, and where the customer goes next: a path or a URL of the storefront."""

    example = {"token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"}

    token = StrictText(max_length=1024)
    next = StrictText(max_length=2048, required=False, allow_blank=True)


class SignInCodeView(AccountView):
    """Mails a code to a registered customer; the response is the same for every address."""

    operations = {
        "post": Operation(
            "sign_in_code",
            openapi.SESSION,
            request=CodeRequest,
            response={"type": "object", "properties": {"detail": {"type": "string"}}},
            status=202,
            summary="Mail a sign-in code.",
        ),
    }

    def post(self, request: Request) -> Response:
        serializer = CodeRequest(data=self.body)
        serializer.is_valid(raise_exception=True)
        request_code(
            self.channel_id,
            serializer.validated_data["email"],
            language=get_language() or "",
            address=client_address(self.django_request),
            now=clock.now(),
        )
        return Response({"detail": CODE_SENT}, status=202)


class ConfirmSignInCode(AccountView):
    """Signs a customer in with the code from the mail."""

    operations = {
        "post": Operation(
            "sign_in_with_code",
            openapi.SESSION,
            request=CodeConfirmation,
            response=SESSION_STARTED,
            summary="Sign in with a mailed code.",
        ),
    }

    def post(self, request: Request) -> Response:
        serializer = CodeConfirmation(data=self.body)
        serializer.is_valid(raise_exception=True)
        now = clock.now()
        user = accept_code(
            self.channel_id,
            serializer.validated_data["email"],
            serializer.validated_data["code"].replace(" ", ""),
            address=client_address(self.django_request),
            now=now,
        )
        if user is None:
            raise ValidationError({"non_field_errors": [CODE_WRONG]})
        start_session(request.session, user, now)
        return session_started(request.session)


class HandOff(AccountView):
    """Signs a customer in with a token, for storefronts that keep the session themselves."""

    operations = {
        "post": Operation(
            "hand_off",
            openapi.SESSION,
            request=Token,
            response=SESSION_STARTED,
            summary="Sign in with a token of the shop's own system.",
        ),
    }

    def post(self, request: Request) -> Response:
        serializer = Token(data=self.body)
        serializer.is_valid(raise_exception=True)
        now, channel_id = clock.now(), self.channel_id
        user = accept_token(channel_id, serializer.validated_data["token"], now=now)
        if user is None:
            raise ValidationError({"non_field_errors": [TOKEN_NOT_VALID]})
        start_session(request.session, user, now)
        target = serializer.validated_data.get("next")
        redirect_url = redirect_target(target, storefront_url(channel_id)) if target else None
        return session_started(request.session, redirect_url=redirect_url)


class HandOffPage(LinkPage):
    """Signs a browser in with a token of the URL, and redirects to `next`.

    Only the button acts, and not on a page of another site: otherwise a site could sign a visitor
    in to an account of its own.
    """

    acts_on_get = False
    texts = LinkTexts(
        title=_("Sign in"),
        question=_("Sign in?"),
        explanation="",
        button=_("Sign in"),
        done=_("You are signed in."),
        next_step=_("Go back to the shop and sign in there."),
    )

    def is_valid(self, token: str, now: datetime) -> bool:
        return owner_of_token(self._channel_id, token) is not None

    def act(self, token: str, now: datetime) -> bool:
        if self.django_request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise Refused(errors.CSRF_FAILED)
        user = accept_token(self._channel_id, token, now=now)
        if user is not None:
            start_session(self.request.session, user, now)
        return user is not None

    def page_texts(self) -> LinkTexts:
        user = owner_of_token(self._channel_id, self.kwargs["token"])
        if user is None:
            return self.texts
        # Isolated: an address reads from left to right, in Arabic too.
        email = f"\u2068{masked_email(user.email)}\u2069"
        explanation = _("You will be signed in as {email}.").format(email=email)
        return self.texts._replace(explanation=explanation)

    def form_targets(self) -> list[str]:
        url = urlsplit(storefront_url(self._channel_id))
        return [f"{url.scheme}://{url.netloc}"] if url.netloc else []

    def done_response(self) -> HttpResponse:
        target = redirect_target(
            self.request.query_params.get("next", ""), storefront_url(self._channel_id)
        )
        return HttpResponse(status=303, headers={"Location": iri_to_uri(target)})

    @property
    def _channel_id(self) -> int:
        return channel_id_of_host(self.django_request.get_host())


def redirect_target(target: str, storefront: str) -> str:
    """`target` if it is a path or a URL of the storefront's host, else the storefront's start."""
    parts = urlsplit(storefront)
    is_absolute = target.startswith(("/", "http://", "https://"))
    is_safe = is_absolute and url_has_allowed_host_and_scheme(
        target,
        allowed_hosts={parts.netloc} if parts.netloc else set(),
        require_https=parts.scheme == "https",
    )
    return target if is_safe else storefront or "/"


def masked_email(email: str) -> str:
    """An address that its owner recognises.

    >>> masked_email("zeynep@example.com")
    'z•••@example.com'
    """
    name, _separator, domain = email.rpartition("@")
    return f"{name[:1]}•••@{domain}"
