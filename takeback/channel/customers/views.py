"""Customers of a channel and their address books."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.customers import CustomerConflict, save_customer, update_customer
from takeback.accounts.models import ApiKey
from takeback.addresses import address_book
from takeback.api.paginator import envelope
from takeback.api.place_fields import places_of
from takeback.channel import errors, openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.customers import documents, queries, shapes
from takeback.channel.customers.serializers import (
    AddressEntryOfCustomer,
    AddressFilters,
    CustomerEntry,
    CustomerFilters,
)
from takeback.channel.filters import validated_filters
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Refused
from takeback.core.paging import Page


class _People(ChannelView):
    """Who reads may read them all, who decides may also tell of new ones."""

    scopes = {
        "GET": ApiKey.READ,
        "HEAD": ApiKey.READ,
        "POST": ApiKey.DECIDE,
        "PATCH": ApiKey.DECIDE,
    }

    def customer(self, user_id: int) -> shapes.ChannelCustomer:
        """A customer's document; another channel's is as absent as nobody's."""
        row = queries.customer(self.caller.channel_id, user_id)
        if row is None:
            raise Refused(core_errors.NOT_FOUND)
        return documents.customer(row, secrets=self.caller.sees_secrets)

    def told_customer(self, *, partial: bool) -> dict[str, Any]:
        """What the body says of a customer, as columns."""
        context = {"channel_id": self.caller.channel_id}
        entry = CustomerEntry(data=self.document, partial=partial, context=context)
        entry.is_valid(raise_exception=True)
        return dict(entry.validated_data)


class Customers(_People):
    """All customers of a channel; one told here is added, or changed when we know them."""

    @extend_schema(
        operation_id="channel_customers",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID, CustomerFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelCustomer")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        told = validated_filters(call, CustomerFilters)
        total, rows = queries.customers(self.caller.channel_id, told, page)
        secrets = self.caller.sees_secrets
        results = [documents.customer(row, secrets=secrets) for row in rows]
        return Response(envelope(call.path, query, page, total, results))

    @extend_schema(
        operation_id="channel_customer_keep",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID],
        request=CustomerEntry,
        responses={
            201: openapi.document("ChannelCustomer", "Added."),
            200: openapi.document("ChannelCustomer", "We knew them; what was told is taken over."),
        }
        | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._kept, body=self.document)

    def _kept(self) -> Response:
        told = self.told_customer(partial=False)
        try:
            user_id, is_new = save_customer(self.caller.channel_id, told, now=clock.now())
        except CustomerConflict as error:
            raise ValidationError({str(error): [errors.TAKEN]}) from error
        return Response(self.customer(user_id), status=201 if is_new else 200)


class CustomerView(_People):
    """One customer."""

    @extend_schema(
        operation_id="channel_customer",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelCustomer", "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return Response(self.customer(number_of(pk)))

    @extend_schema(
        operation_id="channel_customer_change",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        request=CustomerEntry,
        responses={200: openapi.document("ChannelCustomer", "Changed.")} | openapi.REFUSALS,
    )
    def patch(self, call: Request, channel_id: str, pk: str) -> Response:
        user_id, told = number_of(pk), self.told_customer(partial=True)
        try:
            update_customer(self.caller.channel_id, user_id, told, now=clock.now())
        except CustomerConflict as error:
            raise ValidationError({str(error): [errors.TAKEN]}) from error
        return Response(self.customer(user_id))


class Addresses(_People):
    """The address books of a channel's customers."""

    @extend_schema(
        operation_id="channel_addresses",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID, AddressFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelAddress")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        told = validated_filters(call, AddressFilters)
        total, rows = queries.addresses(self.caller.channel_id, told, page)
        results = [documents.address(row) for row in rows]
        return Response(envelope(call.path, query, page, total, results))

    @extend_schema(
        operation_id="channel_address_add",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID],
        request=AddressEntryOfCustomer,
        responses={201: openapi.document("ChannelAddress", "Added.")} | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._added, body=self.document)

    def _added(self) -> Response:
        entry = AddressEntryOfCustomer(data=self.document)
        entry.is_valid(raise_exception=True)
        told = dict(entry.validated_data)
        owner = queries.customer(self.caller.channel_id, told.pop("customer"))
        if owner is None:
            raise ValidationError({"customer": [errors.UNKNOWN_CUSTOMER]})
        for name in ("first_name", "last_name"):
            told[name] = told.get(name) or getattr(owner, name)
        fields = told | places_of(told)
        try:
            kept = address_book.add_address(owner.id, fields, now=clock.now())
        except address_book.AddressExists as error:
            return _known_already(error.hash_data)
        return Response(_address(self.caller.channel_id, kept.pk), status=201)


class AddressView(_People):
    """One address of a book."""

    @extend_schema(
        operation_id="channel_address",
        tags=[openapi.PEOPLE],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelAddress", "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return Response(_address(self.caller.channel_id, number_of(pk)))


def _address(channel_id: int, address_id: int) -> shapes.ChannelAddress:
    row = queries.address(channel_id, address_id)
    if row is None:
        raise Refused(core_errors.NOT_FOUND)
    return documents.address(row)


def _known_already(hash_data: str) -> Response:
    """Clients read the digest out of this text, up to its first space, and look for it."""
    text = f"hash_data:{hash_data} {errors.ADDRESS_EXISTS}"
    return Response({"non_field_errors": text, "code": errors.FIELDS_INVALID}, status=400)
