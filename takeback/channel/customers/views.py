"""Customers of a channel, their address books, and the places that addresses refer to."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.customers import (
    CustomerConflict,
    PasswordOfGuest,
    save_customer,
    update_customer,
)
from takeback.accounts.queries import customers_of
from takeback.addresses import address_book
from takeback.addresses.models import City, Country, District, Township
from takeback.addresses.places import place_document
from takeback.api.openapi import Operation, PageOf
from takeback.api.order_payload.parts import PASSWORD_OF_GUEST
from takeback.api.place_fields import places_of
from takeback.channel import errors
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404, validated
from takeback.channel.customers import documents, queries
from takeback.channel.customers.documents import (
    ChannelAddress,
    ChannelCity,
    ChannelCountry,
    ChannelCustomer,
    ChannelDistrict,
    ChannelSignInToken,
    ChannelTownship,
)
from takeback.channel.customers.serializers import (
    ADDRESS_FILTERS,
    CUSTOMER_FILTERS,
    CustomerAddressSerializer,
    CustomerSerializer,
    place_filters,
)
from takeback.channel.filters import equal
from takeback.channel.openapi import CUSTOMERS, document_response
from takeback.core import clock
from takeback.shoppers.commands.hand_off import issue_sign_in_token


class BaseCustomerView(ChannelView):
    """Reads the body of a customer, and builds the document."""

    def customer(self, user_id: int) -> ChannelCustomer:
        row = row_or_404(queries.customer_by_id(self.client.channel_id, user_id))
        return documents.customer(row, show_secrets=self.client.can_see_secrets)

    def validated_customer(self, *, partial: bool) -> dict[str, Any]:
        """The columns in the body; a password hash needs the scope `pii`."""
        if self.body.get("password_hash") is not None and not self.client.can_see_secrets:
            raise PermissionDenied
        context = {"channel_id": self.client.channel_id}
        return validated(CustomerSerializer, self.body, partial=partial, context=context)


class CustomerList(ChannelListView, BaseCustomerView):
    """The channel's customers, newest first; POST adds a customer, or updates a known one."""

    filters = CUSTOMER_FILTERS
    rows = queries.customer_rows
    operations = {
        "get": Operation(
            "channel_customers",
            CUSTOMERS,
            PageOf(ChannelCustomer),
            summary="List customers.",
        ),
        "post": Operation(
            "channel_customer_keep",
            CUSTOMERS,
            ChannelCustomer,
            request=CustomerSerializer,
            status=201,
            description="The customer has been added.",
            refusals={200: document_response(ChannelCustomer, "The customer was known.")},
            is_idempotent=True,
            summary="Add or update a customer.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return customers_of(self.client.channel_id)

    def condition(self, values: Mapping[str, Any]) -> Q:
        """`phone` and `phone_number` name one column; `phone_number` wins."""
        if "phone_number" in values:
            values = {name: value for name, value in values.items() if name != "phone"}
        return super().condition(values)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        show_secrets = self.client.can_see_secrets
        return [documents.customer(row, show_secrets=show_secrets) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._save, body=self.body)

    def _save(self) -> Response:
        data = self.validated_customer(partial=False)
        try:
            user_id, is_new = save_customer(self.client.channel_id, data, now=clock.now())
        except CustomerConflict as error:
            raise ValidationError({str(error): [errors.TAKEN]}) from error
        except PasswordOfGuest as error:
            raise ValidationError({"password_hash": [PASSWORD_OF_GUEST]}) from error
        return Response(self.customer(user_id), status=201 if is_new else 200)


class CustomerView(BaseCustomerView):
    """One customer."""

    operations = {
        "get": Operation(
            "channel_customer",
            CUSTOMERS,
            ChannelCustomer,
            summary="Read a customer.",
        ),
        "patch": Operation(
            "channel_customer_change",
            CUSTOMERS,
            ChannelCustomer,
            request=CustomerSerializer,
            summary="Change a customer.",
        ),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return Response(self.customer(path_id(pk)))

    def patch(self, request: Request, channel_id: str, pk: str) -> Response:
        user_id, data = path_id(pk), self.validated_customer(partial=True)
        try:
            update_customer(self.client.channel_id, user_id, data, now=clock.now())
        except CustomerConflict as error:
            raise ValidationError({str(error): [errors.TAKEN]}) from error
        except PasswordOfGuest as error:
            raise ValidationError({"password_hash": [PASSWORD_OF_GUEST]}) from error
        return Response(self.customer(user_id))


class SignInTokens(ChannelView):
    """Tokens of a registered customer whom the shop's own server has signed in."""

    operations = {
        "post": Operation(
            "channel_customer_sign_in_token",
            CUSTOMERS,
            ChannelSignInToken,
            status=201,
            description="Valid once, for 60 seconds. Needs the scopes decide and pii.",
            summary="Issue a sign-in token for a customer.",
        ),
    }

    def post(self, request: Request, channel_id: str, pk: str) -> Response:
        if not self.client.can_see_secrets:
            raise PermissionDenied
        token = row_or_404(
            issue_sign_in_token(self.client.channel_id, path_id(pk), now=clock.now())
        )
        document: ChannelSignInToken = {
            "token": token.token,
            "url": token.url,
            "expires_at": token.expires_at,
        }
        return Response(document, status=201)


class BaseAddressView(ChannelView):
    """Responds with an entry of an address book."""

    def respond(self, address_id: int, status: int = 200) -> Response:
        row = row_or_404(queries.address_by_id(self.client.channel_id, address_id))
        return Response(documents.address(row), status=status)


class AddressList(ChannelListView, BaseAddressView):
    """The address books of the channel's customers, newest entry first."""

    filters = ADDRESS_FILTERS
    rows = queries.address_rows
    operations = {
        "get": Operation(
            "channel_addresses",
            CUSTOMERS,
            PageOf(ChannelAddress),
            summary="List the addresses of the channel's customers.",
        ),
        "post": Operation(
            "channel_address_add",
            CUSTOMERS,
            ChannelAddress,
            request=CustomerAddressSerializer,
            status=201,
            is_idempotent=True,
            summary="Add an address to a customer's address book.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.addresses_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.address(row) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._add, body=self.body)

    def _add(self) -> Response:
        data = validated(CustomerAddressSerializer, self.body)
        owner = queries.customer_by_id(self.client.channel_id, data.pop("customer"))
        if owner is None:
            raise ValidationError({"customer": [errors.UNKNOWN_CUSTOMER]})
        names = {
            "first_name": data.get("first_name") or owner.first_name,
            "last_name": data.get("last_name") or owner.last_name,
        }
        try:
            address = address_book.add_address(
                owner.id, data | names | places_of(data), now=clock.now()
            )
        except address_book.AddressExists as error:
            return _duplicate_response(error.hash_data)
        return self.respond(address.pk, status=201)


class AddressView(BaseAddressView):
    """One entry of an address book."""

    operations = {
        "get": Operation(
            "channel_address",
            CUSTOMERS,
            ChannelAddress,
            summary="Read an address.",
        )
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.respond(path_id(pk))


def _duplicate_response(hash_data: str) -> Response:
    """Clients read the digest from this text, up to its first space, and search for it."""
    text = f"hash_data:{hash_data} {errors.ADDRESS_EXISTS}"
    return Response({"non_field_errors": text, "code": errors.FIELDS_INVALID}, status=400)


class BasePlaceList(ChannelListView):
    """The places of one level; all channels share them."""

    model: ClassVar[Any]
    ordering = ("name", "id")

    def queryset(self) -> "QuerySet[Any, Any]":
        places: QuerySet[Any, Any] = self.model.objects.all()
        return places

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [place_document(place) for place in rows]


class CountryList(BasePlaceList):
    """Countries."""

    model = Country
    filters = place_filters(code=equal("code__iexact"))
    operations = {
        "get": Operation(
            "channel_countries",
            CUSTOMERS,
            PageOf(ChannelCountry),
            summary="List countries.",
        )
    }


class CityList(BasePlaceList):
    """Cities."""

    model = City
    filters = place_filters(country=equal("country"))
    operations = {
        "get": Operation(
            "channel_cities",
            CUSTOMERS,
            PageOf(ChannelCity),
            summary="List cities.",
        )
    }


class TownshipList(BasePlaceList):
    """Townships."""

    model = Township
    filters = place_filters(country=equal("city__country"), city=equal("city"))
    operations = {
        "get": Operation(
            "channel_townships",
            CUSTOMERS,
            PageOf(ChannelTownship),
            summary="List townships.",
        )
    }


class DistrictList(BasePlaceList):
    """Districts."""

    model = District
    filters = place_filters(
        country=equal("township__city__country"),
        city=equal("township__city"),
        township=equal("township"),
    )
    operations = {
        "get": Operation(
            "channel_districts",
            CUSTOMERS,
            PageOf(ChannelDistrict),
            summary="List districts.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return super().queryset().select_related("township")
