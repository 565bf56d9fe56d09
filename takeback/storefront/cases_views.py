"""Views of cases: cancellation reasons, a customer's cases, and opening cases."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.idempotency import REPLAYED, has_idempotency_key, idempotent_response
from takeback.api.openapi import AllOf, Operation, PageOf, response_schema
from takeback.api.paginator import ContractPagination
from takeback.cancellations.commands.open import (
    AUTO_CONFIRM_CANCELLATIONS,
    NO_AUTO_CONFIRM,
    AutoConfirm,
    open_cases,
)
from takeback.cancellations.errors import UNKNOWN_ITEM
from takeback.cancellations.images import unclaimed_images
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.queries import cases_by_id, own_cases, reasons
from takeback.cancellations.statuses import Kind
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.errors import NOT_FOUND, Problem, Refused
from takeback.core.paging import MAX_LIMIT
from takeback.images.store import discard_images
from takeback.orders.queries import own_order_named
from takeback.shoppers.guest_lookup import LOOKUP_FAILED
from takeback.shoppers.requester import (
    Requester,
    customer_requester,
    granted_requester,
    lookup_requester,
)
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.cases_documents import (
    CancellationReason,
    CancellationRequest,
    case_document,
    reason,
)
from takeback.storefront.cases_serializers import (
    SHARED,
    CaseParser,
    NewCaseBody,
    NewCasesBody,
    case_errors,
    new_case,
    new_cases,
)
from takeback.storefront.serializers import GuestIdentity, guest_lookup

ITEMS = "cancel_order_items"
OPENED_CLASSIC = "The case has been opened (classic dialect)."
OPENED_OR_REFUSED = {
    201: OpenApiResponse(
        response_schema(CancellationRequest), "The case has been opened (v3 dialect)."
    ),
    **openapi.RULE,
}


class Reasons(StorefrontView):
    """The cancellation reasons that shoppers can choose; needs no session."""

    operations = {
        "get": Operation(
            "cancellation_reasons",
            openapi.CASES,
            response=PageOf(CancellationReason),
            parameters=(
                *openapi.PAGE,
                OpenApiParameter("cancellation_type", str, enum=[kind.value for kind in Kind]),
            ),
            summary="List the reasons to choose from.",
        )
    }

    def get(self, request: Request) -> Response:
        # Storefronts send no page number: all reasons must fit on the first page.
        pages = ContractPagination(request, default_limit=MAX_LIMIT)
        kind = _kind(pages.query)
        pages.count, rows = reasons(self.channel_id, pages.requested, kind)
        return pages.get_paginated_response([reason(row) for row in rows])


def _kind(query: Mapping[str, str]) -> Kind | None:
    text = query.get("cancellation_type", "").strip()
    if not text:
        return None
    if text not in [kind.value for kind in Kind]:
        raise ValidationError({"cancellation_type": [_("Choose cancel or refund.")]})
    return Kind(text)


def _guest_requester(view: StorefrontView) -> Requester:
    """A guest who names number and e-mail address, or has access to orders by a grant.

    Raises ValidationError with all field errors of the body if number or address is invalid.
    """
    channel_id, now = view.channel_id, clock.now()
    if {"number", "order", "email"}.isdisjoint(view.body):
        return granted_requester(channel_id, view.caller.granted_orders, now)
    try:
        body = guest_lookup.run_validation(view.body)
    except ValidationError as error:
        details: Any = error.detail
        raise ValidationError(case_errors(view.body, is_bulk=view.is_bulk) | details) from error
    number, address = body.get("number") or body["order"], client_address(view.django_request)
    return lookup_requester(
        channel_id,
        number,
        body["email"],
        address=address,
        granted=view.caller.granted_orders,
        now=now,
    )


class BaseOpenCaseView(StorefrontView):
    """The base of all views that open cases."""

    parser_classes = [CaseParser]
    permission_classes = [IsShopper]

    def requester(self) -> Requester:
        """The signed-in customer."""
        return customer_requester(self.account, self.channel_id, clock.now())

    def open_idempotently(
        self,
        requester: Requester,
        cases: Sequence[NewCase],
        *,
        status: int,
        auto_confirm: AutoConfirm = NO_AUTO_CONFIRM,
    ) -> HttpResponse:
        """Opens the cases, once per Idempotency-Key. Removes images that no case uses."""
        requester = requester.for_item(cases[0].order_item)
        images = [image.name for new in cases for image in new.images]

        def action() -> Response:
            documents = self._open(requester, cases, auto_confirm)
            return Response(documents if self.is_bulk else documents[0], status=status)

        try:
            response = idempotent_response(
                self.django_request, action, principal=requester.principal, body=self.body
            )
        except Refused:
            # Usually before the commit, but the documents are built after it.
            discard_images(unclaimed_images(images))
            raise
        if response.has_header(REPLAYED):
            discard_images(images)
        return response

    def _open(
        self, requester: Requester, cases: Sequence[NewCase], auto_confirm: AutoConfirm
    ) -> list[CancellationRequest]:
        with_parts = has_idempotency_key(self.django_request)
        try:
            ids = open_cases(
                cases,
                requester.scope,
                actor=requester.actor,
                now=clock.now(),
                auto_confirm=replace(auto_confirm, with_parts=with_parts),
            )
        except Refused as refused:
            if requester.has_grants_only and refused.problem is UNKNOWN_ITEM:
                raise Refused(LOOKUP_FAILED) from refused
            raise
        context = self.document_context(requester.account)
        return [case_document(row, context) for row in cases_by_id(ids)]


class OpenCase(BaseOpenCaseView):
    """Opens a case for one item."""

    def post(self, request: Request) -> HttpResponse:
        requester = self.requester()
        new = new_case(self.body, max_images=self.policy.max_images_per_item)
        return self.open_idempotently(requester, [new], status=200 if self.is_classic else 201)


class Cases(OpenCase):
    """A customer's cases, newest first; POST opens a case."""

    operations = {
        "get": Operation(
            "cancellation_requests",
            openapi.CASES,
            response=PageOf(CancellationRequest),
            parameters=openapi.PAGE,
            summary="List the customer's requests.",
        ),
        "post": Operation(
            "open_case",
            openapi.CASES,
            request=NewCaseBody,
            response=CancellationRequest,
            description=OPENED_CLASSIC,
            refusals=OPENED_OR_REFUSED,
            is_idempotent=True,
            summary="Open a request for an item.",
        ),
    }

    def get(self, request: Request) -> Response:
        pages = ContractPagination(request)
        pages.count, rows = own_cases(self.account.id, pages.requested)
        context = self.document_context(self.account)
        return pages.get_paginated_response([case_document(row, context) for row in rows])


class BulkOpeningView(BaseOpenCaseView):
    """The base of views that open cases for several items: all of them, or none."""

    is_bulk = True

    def new_cases(self) -> list[NewCase]:
        """The cases of the body, with their images stored."""
        return new_cases(self.body, max_images=self.policy.max_images_per_item)

    def field_error(self, problem: Problem, position: int | None) -> dict[str, Any]:
        """Under its item, unless the value is one that all items share."""
        error = super().field_error(problem, position)
        if position is None:
            return error
        items = self.body[ITEMS]
        if problem.field in SHARED and items[position].get(problem.field) is None:
            return error
        return {ITEMS: {position: error}}


class OpenCases(BulkOpeningView):
    """Opens cases for several items: all of them, or none."""

    operations = {
        "post": Operation(
            "open_cases",
            openapi.CASES,
            request=NewCasesBody,
            response=list[CancellationRequest],
            status=201,
            refusals=openapi.RULE,
            is_idempotent=True,
            summary="Open requests for several items.",
        )
    }

    def post(self, request: Request) -> HttpResponse:
        return self.open_idempotently(self.requester(), self.new_cases(), status=201)


class GuestOpenCase(OpenCase):
    """Opens a case for one item of a guest's order."""

    has_code_route = True
    operations = {
        "post": Operation(
            "guest_open_case",
            openapi.GUESTS,
            request=AllOf((GuestIdentity, NewCaseBody)),
            response=CancellationRequest,
            description=OPENED_CLASSIC,
            refusals=OPENED_OR_REFUSED | openapi.LOOK_UP_BLOCKED,
            is_idempotent=True,
            summary="Open a request for an item of a guest's order.",
        )
    }
    permission_classes = [AllowAny]

    def requester(self) -> Requester:
        return _guest_requester(self)


class GuestOpenCases(OpenCases):
    """Opens cases for several items of a guest's order: all of them, or none."""

    has_code_route = True
    operations = {
        "post": Operation(
            "guest_open_cases",
            openapi.GUESTS,
            request=AllOf((GuestIdentity, NewCasesBody)),
            response=list[CancellationRequest],
            status=201,
            refusals=openapi.RULE | openapi.LOOK_UP_BLOCKED,
            is_idempotent=True,
            summary="Open requests for several items of a guest's order.",
        )
    }
    permission_classes = [AllowAny]

    def requester(self) -> Requester:
        return _guest_requester(self)


class CancelOrder(BulkOpeningView):
    """Cancels items of a customer's order at once; returns open cases that the shop decides."""

    operations = {
        "post": Operation(
            "cancel_order",
            openapi.CASES,
            request=NewCasesBody,
            response=list[CancellationRequest],
            parameters=(OpenApiParameter("name", str, OpenApiParameter.PATH),),
            refusals=openapi.RULE,
            is_idempotent=True,
            summary="Cancel items of an order at once.",
        )
    }

    def post(self, request: Request, name: str) -> HttpResponse:
        requester = self.requester()
        order_id = own_order_named(requester.scope.channel_id, self.account.id, name)
        if order_id is None:
            raise Refused(NOT_FOUND)
        return self.open_idempotently(
            requester.limited_to(order_id),
            self.new_cases(),
            status=200,
            auto_confirm=AUTO_CONFIRM_CANCELLATIONS,
        )
