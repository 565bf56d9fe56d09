"""Asking to cancel or to send back: customers and guests, one item or many."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.cancellations import errors as case_errors
from takeback.cancellations.asks import Ask
from takeback.cancellations.commands import CANCELLATIONS, NOTHING, AtOnce, open_many
from takeback.cancellations.pictures.commands import discard, unclaimed
from takeback.cancellations.queries import cases_by_id
from takeback.core import clock, problems
from takeback.core.problems import Problem, Refused
from takeback.idempotency.http import REPLAYED, answer_once, is_keyed
from takeback.orders.queries import own_order_named
from takeback.storefront import errors
from takeback.storefront.askers import Asker, customer_of, guest_of
from takeback.storefront.asking_schemas import (
    SHARED,
    AskBody,
    BulkBody,
    ask_of,
    item_in,
    items_in,
    photos_of,
)
from takeback.storefront.callers import SignedIn
from takeback.storefront.case_views import OwnRequests
from takeback.storefront.handling import StorefrontView
from takeback.storefront.openapi import answers
from takeback.storefront.photos import PhotoParser, kept
from takeback.storefront.request_documents import request as case_document

ITEMS = "cancel_order_items"
ONE = answers("CancellationRequest")
MANY = answers("CancellationRequest", many=True, status=201)


def asks_of(items: Sequence[Mapping[str, Any]]) -> list[Ask]:
    """The asks of validated items, their pictures stored."""
    pictures = kept([photos_of(item) for item in items])
    return [ask_of(*found) for found in zip(items, pictures, strict=True)]


class AskView(StorefrontView):
    """What the routes have in common: who asks, and how the new cases are shown."""

    parser_classes = [PhotoParser]
    permission_classes = [SignedIn]

    def asker(self) -> Asker:
        """The signed-in customer; guests have their own way."""
        return customer_of(self)

    def open(self, asker: Asker, asks: Sequence[Ask], *, at_once: AtOnce = NOTHING) -> list[Any]:
        """Let the asks in, or refuse; the documents of the new cases."""
        at_once = replace(at_once, with_parts=is_keyed(self.plain))
        try:
            ids = open_many(asks, asker.scope, actor=asker.actor, now=clock.now(), at_once=at_once)
        except Refused as refused:
            if asker.has_only_proof and refused.problem is case_errors.UNKNOWN_ITEM:
                raise Refused(errors.LOOKUP_FAILED) from refused
            raise
        view = self.look(asker.account)
        return [case_document(case, view) for case in cases_by_id(ids)]

    def opened(
        self, asker: Asker, asks: Sequence[Ask], *, status: int, at_once: AtOnce = NOTHING
    ) -> HttpResponse:
        """The new cases, once per Idempotency-Key; pictures that none of them took are removed."""
        asker = asker.about(asks[0].order_item)
        pictures = [picture.name for ask in asks for picture in ask.pictures]

        def act() -> Response:
            documents = self.open(asker, asks, at_once=at_once)
            return Response(documents if self.is_bulk else documents[0], status=status)

        try:
            answer = answer_once(self.plain, act, principal=asker.principal, body=self.body)
        except Refused:
            # Nearly always before the commit, but documents are made after it.
            discard(unclaimed(pictures))
            raise
        if answer.has_header(REPLAYED):
            discard(pictures)
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

    def all_asks(self) -> list[Ask]:
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

    def asker(self) -> Asker:
        return guest_of(self)

    @extend_schema(
        operation_id="guest_asks", tags=["storefront: guests"], request=AskBody, responses=ONE
    )
    def post(self, call: Request) -> HttpResponse:
        return super().post(call)


class GuestAsksForMany(AskForMany):
    """The same for guests."""

    permission_classes = [AllowAny]

    def asker(self) -> Asker:
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
            raise Refused(problems.NOT_FOUND)
        return self.opened(asker.only(order_id), self.all_asks(), status=200, at_once=CANCELLATIONS)
