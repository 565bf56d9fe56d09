"""Views of the signed-in customer's profile, and of closing the account."""

from datetime import date
from typing import Any, TypedDict

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import User
from takeback.accounts.own_account import update_profile
from takeback.api.openapi import Operation
from takeback.cancellations.commands.anonymize_customer import close_account
from takeback.core import clock
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.profile_serializers import Profile


class GenderChoice(TypedDict):
    """A gender that a form can offer, and its text."""

    value: str
    label: str


class ProfileDocument(TypedDict):
    """The profile of the signed-in customer; `avatar` is always null."""

    id: int
    pk: int
    first_name: str
    last_name: str
    email_allowed: bool
    sms_allowed: bool
    call_allowed: bool | None
    avatar: str | None
    email: str
    phone: str
    date_of_birth: date | None
    gender: str | None
    genders: list[GenderChoice]
    language_code: str
    attributes: dict[str, Any]


def profile_document(user: User) -> ProfileDocument:
    return {
        "id": user.pk,
        "pk": user.pk,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email_allowed": user.email_allowed,
        "sms_allowed": user.sms_allowed,
        "call_allowed": user.call_allowed,
        "avatar": None,
        "email": user.email,
        "phone": user.phone,
        "date_of_birth": user.date_of_birth,
        "gender": user.gender,
        "genders": [
            {"value": "female", "label": _("Female")},
            {"value": "male", "label": _("Male")},
            {"value": "none", "label": _("Not stated")},
        ],
        "language_code": user.language_code,
        "attributes": user.attributes,
    }


class ProfileView(StorefrontView):
    """The customer's own data; PATCH and PUT change the keys of the body."""

    operations = {
        "get": Operation(
            "profile",
            openapi.SESSION,
            response=ProfileDocument,
            summary="Read the customer's own data.",
        ),
        "patch": Operation(
            "profile_change",
            openapi.SESSION,
            request=Profile,
            response=ProfileDocument,
            summary="Change the customer's own data.",
        ),
    }
    permission_classes = [IsShopper]

    def get(self, request: Request) -> Response:
        return Response(profile_document(User.objects.get(pk=self.account.id)))

    def patch(self, request: Request) -> Response:
        serializer = Profile(data=self.body)
        serializer.is_valid(raise_exception=True)
        update_profile(self.account.id, serializer.validated_data, now=clock.now())
        return self.get(request)

    def put(self, request: Request) -> Response:
        return self.patch(request)


class AnonymizeView(StorefrontView):
    """Closes the account and removes its personal data; the body, `{}` as text, is not read."""

    operations = {
        "patch": Operation(
            "anonymize",
            openapi.SESSION,
            response={"type": "object"},
            refusals=openapi.RULE,
            summary="Close the account and remove its data.",
        )
    }
    permission_classes = [IsShopper]
    parser_classes: list[Any] = []

    def patch(self, request: Request) -> Response:
        close_account(self.account.id, now=clock.now())
        request.session.flush()
        return Response({})
