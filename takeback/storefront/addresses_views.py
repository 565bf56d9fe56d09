"""Views of the address book and of its places."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.addresses import address_book, models, queries
from takeback.addresses.places import place_document
from takeback.addresses.queries import AddressRow
from takeback.api.idempotency import idempotent_response
from takeback.api.openapi import Operation, PageOf
from takeback.api.paginator import ContractPagination
from takeback.api.place_fields import places_of
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.core.paging import MAX_LIMIT
from takeback.storefront import openapi
from takeback.storefront.addresses_documents import Address, BookAddress, address, book_address
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.serializers import AddressEntry, PlaceFilter

ADDRESS_EXISTS = _("You already have this address.")


class BaseAddressView(StorefrontView):
    """The base of all views of the customer's address book."""

    permission_classes = [IsShopper]

    def page(self, request: Request, build: Callable[[AddressRow], object]) -> Response:
        """A page of the book; `build` makes the document of an address."""
        pages = ContractPagination(request, default_limit=MAX_LIMIT)
        addresses = queries.address_book(self.account.id)
        start = pages.requested.offset
        rows = queries.address_rows(addresses[start : start + pages.requested.limit])
        pages.count = addresses.count()
        return pages.get_paginated_response([build(row) for row in rows])

    def validated(self, *, partial: bool = False) -> dict[str, Any]:
        """The validated body."""
        context = {"policy": self.policy}
        serializer = AddressEntry(data=self.body, partial=partial, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def document(self, address_id: int) -> BookAddress:
        """The document of one address."""
        (row,) = queries.address_rows(queries.address_book(self.account.id).filter(pk=address_id))
        return book_address(row, self.account.id, self.document_context(self.account))


class AddressBook(BaseAddressView):
    """A customer's addresses with the ids of their places; POST adds one."""

    operations = {
        "get": Operation(
            "addresses",
            openapi.ADDRESSES,
            response=PageOf(BookAddress),
            parameters=openapi.PAGE,
            summary="List the customer's addresses.",
        ),
        "post": Operation(
            "address_add",
            openapi.ADDRESSES,
            request=AddressEntry,
            response=BookAddress,
            status=201,
            is_idempotent=True,
            summary="Add an address.",
        ),
    }

    def get(self, request: Request) -> Response:
        context = self.document_context(self.account)
        return self.page(request, lambda row: book_address(row, self.account.id, context))

    def post(self, request: Request) -> HttpResponse:
        principal = f"user:{self.account.id}"
        return idempotent_response(
            self.django_request, self._add, principal=principal, body=self.body
        )

    def _add(self) -> Response:
        data = self.validated()
        fields = data | places_of(data)
        try:
            entry = address_book.add_address(self.account.id, fields, now=clock.now())
        except address_book.AddressExists as error:
            raise ValidationError({"non_field_errors": [ADDRESS_EXISTS]}) from error
        return Response(self.document(entry.pk), status=201)


class DetailedAddressBook(BaseAddressView):
    """A customer's addresses with the documents of their places."""

    operations = {
        "get": Operation(
            "addresses_detailed",
            openapi.ADDRESSES,
            response=PageOf(Address),
            parameters=openapi.PAGE,
            summary="List the customer's addresses with the names of their places.",
        )
    }

    def get(self, request: Request) -> Response:
        context = self.document_context(self.account, with_owner=True)
        return self.page(request, lambda row: address(row, context))


class AddressView(BaseAddressView):
    """One address of the customer."""

    operations = {
        "get": Operation(
            "address",
            openapi.ADDRESSES,
            response=BookAddress,
            parameters=(openapi.PK,),
            summary="Read an address.",
        ),
        "patch": Operation(
            "address_change",
            openapi.ADDRESSES,
            request=AddressEntry,
            response=BookAddress,
            parameters=(openapi.PK,),
            summary="Change an address.",
        ),
        "delete": Operation(
            "address_remove",
            openapi.ADDRESSES,
            status=204,
            parameters=(openapi.PK,),
            summary="Remove an address.",
        ),
    }

    def get(self, request: Request, pk: str) -> Response:
        return Response(self.document(self._entry(pk).pk))

    def patch(self, request: Request, pk: str) -> Response:
        entry, fields = self._entry(pk), self.validated(partial=True)
        places = {level: getattr(entry, f"{level}_id") for level in address_book.PLACES}
        if fields.keys() & places.keys():
            fields |= places_of(places | fields)
        try:
            address_book.change_address(entry, fields, now=clock.now())
        except address_book.AddressExists as error:
            raise ValidationError({"non_field_errors": [ADDRESS_EXISTS]}) from error
        return Response(self.document(entry.pk))

    def delete(self, request: Request, pk: str) -> Response:
        address_book.remove_address(self._entry(pk), now=clock.now())
        return Response(status=204)

    def _entry(self, pk: str) -> models.Address:
        entry = queries.address_book(self.account.id).filter(pk=id_from_path(pk)).first()
        if entry is None:
            raise Refused(errors.NOT_FOUND)
        return entry


PLACE = {
    "type": "object",
    "properties": {
        "pk": {"type": "integer"},
        "id": {"type": "integer"},
        "is_active": {"type": "boolean"},
        "name": {"type": "string"},
        "code": {"type": "string"},
        "translations": {"type": ["object", "null"], "additionalProperties": True},
    },
    "required": ["pk", "id", "is_active", "name", "code", "translations"],
}
"""Cities, townships and districts also have the ids of the places around them."""


class Places(StorefrontView):
    """The countries, cities, townships or districts that addresses name; needs no session."""

    level = "country"
    operations: dict[str, Operation] = {}

    def get(self, request: Request) -> Response:
        pages = ContractPagination(request, default_limit=MAX_LIMIT)
        query = {key: text for key, value in pages.query.items() if (text := value.strip())}
        serializer = PlaceFilter(data=query)
        serializer.is_valid(raise_exception=True)
        rows = pages.paginate_queryset(self._places(serializer.validated_data))
        return pages.get_paginated_response([place_document(row) for row in rows])

    def _places(self, inside: dict[str, int]) -> "QuerySet[Any]":
        if self.level == "country":
            return queries.countries()
        if self.level == "city":
            return queries.cities(inside.get("country"))
        if self.level == "township":
            return queries.townships(inside.get("city"))
        return queries.districts(inside.get("township"))


def places_operations(operation_id: str) -> dict[str, Operation]:
    """The operation of a list of places."""
    return {
        "get": Operation(
            operation_id,
            openapi.ADDRESSES,
            response=PageOf(PLACE),
            parameters=(
                *openapi.PAGE,
                OpenApiParameter("country", int, description="Cities of this country."),
                OpenApiParameter("city", int, description="Townships of this city."),
                OpenApiParameter("township", int, description="Districts of this township."),
            ),
            summary=f"List {operation_id}.",
        )
    }
