"""Asking to cancel or to send back: customers and guests, one item or many."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.idempotency import REPLAYED, has_idempotency_key, idempotent_response
from takeback.cancellations import errors as case_errors
from takeback.cancellations.commands.open import (
    AUTO_CONFIRM_CANCELLATIONS,
    NO_AUTO_CONFIRM,
    AutoConfirm,
    open_cases,
)
from takeback.cancellations.images import unclaimed_images
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.queries import cases_by_id
from takeback.core import clock
from takeback.core import errors as core_errors
from takeback.core.errors import Problem, Refused
from takeback.images.store import discard_images
from takeback.orders.queries import own_order_named
from takeback.shoppers.guest_lookup import LOOKUP_FAILED
from takeback.shoppers.requester import Requester
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.cases_documents import request as case_document
from takeback.storefront.cases_serializers import (
    SHARED,
    AskBody,
    BulkBody,
    ask_of,
    item_in,
    items_in,
    photos_of,
)
from takeback.storefront.cases_views import OwnRequests
from takeback.storefront.images_serializers import PhotoParser, kept
from takeback.storefront.openapi import answers
from takeback.storefront.requester import customer_of, guest_of

ITEMS = "cancel_order_items"
ONE = answers("CancellationRequest")
MANY = answers("CancellationRequest", many=True, status=201)


def asks_of(items: Sequence[Mapping[str, Any]]) -> list[NewCase]:
    """The asks of validated items, their pictures stored."""
    pictures = kept([photos_of(item) for item in items])
    return [ask_of(*found) for found in zip(items, pictures, strict=True)]


class AskView(StorefrontView):
    """What the routes have in common: who asks, and how the new cases are shown."""

    parser_classes = [PhotoParser]
    permission_classes = [IsShopper]

    def asker(self) -> Requester:
        """The signed-in customer; guests have their own way."""
        return customer_of(self)

    def open(
        self,
        asker: Requester,
        asks: Sequence[NewCase],
        *,
        auto_confirm: AutoConfirm = NO_AUTO_CONFIRM,
    ) -> list[Any]:
        """Let the asks in, or refuse; the documents of the new cases."""
        auto_confirm = replace(auto_confirm, with_parts=has_idempotency_key(self.plain))
        try:
            ids = open_cases(
                asks, asker.scope, actor=asker.actor, now=clock.now(), auto_confirm=auto_confirm
            )
        except Refused as refused:
            if asker.has_grants_only and refused.problem is case_errors.UNKNOWN_ITEM:
                raise Refused(LOOKUP_FAILED) from refused
            raise
        view = self.look(asker.account)
        return [case_document(case, view) for case in cases_by_id(ids)]

    def opened(
        self,
        asker: Requester,
        asks: Sequence[NewCase],
        *,
        status: int,
        auto_confirm: AutoConfirm = NO_AUTO_CONFIRM,
    ) -> HttpResponse:
        """The new cases, once per Idempotency-Key; pictures that none of them took are removed."""
        asker = asker.for_item(asks[0].order_item)
        pictures = [picture.name for ask in asks for picture in ask.images]

        def act() -> Response:
            documents = self.open(asker, asks, auto_confirm=auto_confirm)
            return Response(documents if self.is_bulk else documents[0], status=status)

        try:
            answer = idempotent_response(self.plain, act, principal=asker.principal, body=self.body)
        except Refused:
            # Nearly always before the commit, but documents are made after it.
            discard_images(unclaimed_images(pictures))
            raise
        if answer.has_header(REPLAYED):
            discard_images(pictures)
        return answer


class AskForOne(AskView):
    """One item to be cancelled or sent back."""

    @extend_schema(operation_id="ask", tags=["storefront: cases"], request=AskBody, responses=ONE)
    def post(self, call: Request) -> HttpResponse:
        asker = self.asker()
        asks = asks_of([item_in(self.body)])
        return self.opened(asker, asks, status=200 if self.is_classic else 201)


class Requests(OwnRequests, AskForOne):
    """A customer's cases, and one more."""


class BulkView(AskView):
    """Several items at once: all of them, or none."""

    is_bulk = True

    def all_asks(self) -> list[NewCase]:
        """What the body asks for."""
        return asks_of(items_in(self.body))

    def field_fault(self, problem: Problem, position: int | None) -> dict[str, Any]:
        """At its item; what was told once for all, or is no single item's, at the top."""
        fault = super().field_fault(problem, position)
        if position is None:
            return fault
        items = self.body[ITEMS]
        if problem.field in SHARED and items[position].get(problem.field) is None:
            return fault
        return {ITEMS: {position: fault}}


class AskForMany(BulkView):
    """Several items to be cancelled or sent back."""

    @extend_schema(
        operation_id="ask_for_many", tags=["storefront: cases"], request=BulkBody, responses=MANY
    )
    def post(self, call: Request) -> HttpResponse:
        return self.opened(self.asker(), self.all_asks(), status=201)


class GuestAsksForOne(AskForOne):
    """The same for guests."""

    permission_classes = [AllowAny]

    def asker(self) -> Requester:
        return guest_of(self)

    @extend_schema(
        operation_id="guest_asks", tags=["storefront: guests"], request=AskBody, responses=ONE
    )
    def post(self, call: Request) -> HttpResponse:
        return super().post(call)


class GuestAsksForMany(AskForMany):
    """The same for guests."""

    permission_classes = [AllowAny]

    def asker(self) -> Requester:
        return guest_of(self)

    @extend_schema(
        operation_id="guest_asks_for_many",
        tags=["storefront: guests"],
        request=BulkBody,
        responses=MANY,
    )
    def post(self, call: Request) -> HttpResponse:
        return super().post(call)


class CancelOrder(BulkView):
    """Cancel at once what may be cancelled; whatever needs a decision becomes a case as usual."""

    @extend_schema(
        operation_id="cancel_order",
        tags=["storefront: cases"],
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)],
        request=BulkBody,
        responses=answers("CancellationRequest", many=True),
    )
    def post(self, call: Request, name: str) -> HttpResponse:
        asker = self.asker()
        order_id = own_order_named(asker.scope.channel_id, self.account.id, name)
        if order_id is None:
            raise Refused(core_errors.NOT_FOUND)
        return self.opened(
            asker.limited_to(order_id),
            self.all_asks(),
            status=200,
            auto_confirm=AUTO_CONFIRM_CANCELLATIONS,
        )
