"""The address book of a customer, and the places it chooses from."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.addresses import address_book, queries
from takeback.addresses.models import Address
from takeback.addresses.places import place_document
from takeback.api.idempotency import idempotent_response
from takeback.api.paginator import envelope
from takeback.api.place_fields import places_of
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.core.paging import MAX_LIMIT, Page
from takeback.storefront import errors
from takeback.storefront.addresses_documents import address, book_address
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.openapi import PLAIN, answers, page_parameters, paged
from takeback.storefront.serializers import AddressEntry, PlaceFilter


class AddressBook(StorefrontView):
    """A customer's addresses, places as numbers; new ones are added here."""

    permission_classes = [IsShopper]

    @extend_schema(
        operation_id="addresses",
        tags=["storefront: addresses"],
        parameters=page_parameters(),
        responses=paged("BookAddress"),
    )
    def get(self, request: Request) -> Response:
        view = self.look(self.account)
        return self._page(request, lambda row: book_address(row, self.account.id, view))

    def _page(self, request: Request, document: Any) -> Response:
        query = request.query_params.dict()
        page = Page.of(query, default_limit=MAX_LIMIT)
        found = queries.address_book(self.account.id)
        rows = queries.address_rows(found[page.offset : page.offset + page.limit])
        documents = [document(row) for row in rows]
        return Response(envelope(request.path, query, page, found.count(), documents))

    @extend_schema(
        operation_id="address_add",
        tags=["storefront: addresses"],
        request=AddressEntry,
        responses=answers("BookAddress", status=201),
    )
    def post(self, request: Request) -> HttpResponse:
        principal = f"user:{self.account.id}"
        return idempotent_response(self.plain, self._added, principal=principal, body=self.body)

    def _added(self) -> Response:
        told = AddressEntry(data=self.body)
        told.is_valid(raise_exception=True)
        fields = told.validated_data | places_of(told.validated_data)
        try:
            entry = address_book.add_address(self.account.id, fields, now=clock.now())
        except address_book.AddressExists as error:
            raise ValidationError({"non_field_errors": [errors.ADDRESS_EXISTS]}) from error
        return Response(self._document(entry.pk), status=201)

    def _document(self, address_id: int) -> Any:
        found = queries.address_book(self.account.id).filter(pk=address_id)
        row = queries.address_rows(found)[0]
        return book_address(row, self.account.id, self.look(self.account))


class DetailedAddressBook(AddressBook):
    """The same with places as documents."""

    http_method_names = ["get", "head", "options"]

    @extend_schema(
        operation_id="addresses_detailed",
        tags=["storefront: addresses"],
        parameters=page_parameters(),
        responses=paged("Address"),
    )
    def get(self, request: Request) -> Response:
        view = self.look(self.account)
        return self._page(request, lambda row: address(row, view))


class AddressEntryView(AddressBook):
    """One address of the book."""

    http_method_names = ["get", "patch", "delete", "head", "options"]

    @extend_schema(
        operation_id="address",
        tags=["storefront: addresses"],
        parameters=[OpenApiParameter("pk", int, OpenApiParameter.PATH)],
        responses=answers("BookAddress"),
    )
    def get(self, request: Request, pk: str = "") -> Response:
        return Response(self._document(self._own(pk).pk))

    @extend_schema(
        operation_id="address_change",
        tags=["storefront: addresses"],
        parameters=[OpenApiParameter("pk", int, OpenApiParameter.PATH)],
        request=AddressEntry,
        responses=answers("BookAddress"),
    )
    def patch(self, request: Request, pk: str) -> Response:
        entry = self._own(pk)
        told = AddressEntry(data=self.body, partial=True)
        told.is_valid(raise_exception=True)
        kept = {name: getattr(entry, f"{name}_id") for name in address_book.PLACES}
        fields = dict(told.validated_data)
        if fields.keys() & kept.keys():
            fields |= places_of(kept | fields)
        try:
            address_book.change_address(entry, fields, now=clock.now())
        except address_book.AddressExists as error:
            raise ValidationError({"non_field_errors": [errors.ADDRESS_EXISTS]}) from error
        return Response(self._document(entry.pk))

    @extend_schema(
        operation_id="address_remove",
        tags=["storefront: addresses"],
        parameters=[OpenApiParameter("pk", int, OpenApiParameter.PATH)],
        responses={204: None, 401: PLAIN, 404: PLAIN},
    )
    def delete(self, request: Request, pk: str) -> Response:
        address_book.remove_address(self._own(pk), now=clock.now())
        return Response(status=204)

    def _own(self, pk: str) -> Address:
        found = queries.address_book(self.account.id).filter(pk=id_from_path(pk)).first()
        if found is None:
            raise Refused(core_errors.NOT_FOUND)
        return found


class PlacesView(StorefrontView):
    """Countries, cities, townships or districts to choose from; anybody may ask."""

    level = "country"

    @extend_schema(
        tags=["storefront: addresses"],
        parameters=[
            *page_parameters(),
            OpenApiParameter("country", int, description="Cities of this country."),
            OpenApiParameter("city", int, description="Townships of this city."),
            OpenApiParameter("township", int, description="Districts of this township."),
        ],
        responses={200: {"type": "object"}, 400: PLAIN},
    )
    def get(self, request: Request) -> Response:
        query = request.query_params.dict()
        page = Page.of(query, default_limit=MAX_LIMIT)
        told = PlaceFilter(data={k: v.strip() for k, v in query.items() if v.strip()})
        told.is_valid(raise_exception=True)
        found = self._places(told.validated_data)
        rows = found[page.offset : page.offset + page.limit]
        documents = [place_document(row) for row in rows]
        return Response(envelope(request.path, query, page, found.count(), documents))

    def _places(self, told: dict[str, int]) -> "QuerySet[Any]":
        if self.level == "country":
            return queries.countries()
        if self.level == "city":
            return queries.cities(told.get("country"))
        if self.level == "township":
            return queries.townships(told.get("city"))
        return queries.districts(told.get("township"))
