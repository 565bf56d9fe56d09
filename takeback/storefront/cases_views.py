"""Reasons, cases and old orders: what a shopper may read about them."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.openapi import Operation
from takeback.api.paginator import envelope
from takeback.archive.queries import items_of, old_orders
from takeback.cancellations.queries import own_cases, reasons
from takeback.cancellations.statuses import Kind
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.core.paging import MAX_LIMIT, Page
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.cases_documents import reason, request
from takeback.storefront.old_orders_documents import old_order
from takeback.storefront.openapi import PLAIN, REFUSED, page_parameters, paged
from takeback.storefront.shapes import OldOrder


class Reasons(StorefrontView):
    """The reasons one may choose from; anybody may ask, guests need them too."""

    @extend_schema(
        operation_id="cancellation_reasons",
        tags=["storefront: cases"],
        parameters=[
            *page_parameters(),
            OpenApiParameter("cancellation_type", str, enum=[kind.value for kind in Kind]),
        ],
        responses=paged("CancellationReason"),
    )
    def get(self, call: Request) -> Response:
        query = call.query_params.dict()
        # Storefronts ask without a page: all reasons have to fit the first.
        page = Page.of(query, default_limit=MAX_LIMIT)
        total, rows = reasons(self.channel_id, page, _kind(query))
        return Response(envelope(call.path, query, page, total, [reason(row) for row in rows]))


def _kind(query: dict[str, str]) -> Kind | None:
    wanted = query.get("cancellation_type", "").strip()
    if not wanted:
        return None
    if wanted not in [kind.value for kind in Kind]:
        raise ValidationError({"cancellation_type": [_("Choose cancel or refund.")]})
    return Kind(wanted)


class OwnRequests(StorefrontView):
    """A customer's cases, newest first."""

    permission_classes = [IsShopper]

    @extend_schema(
        operation_id="cancellation_requests",
        tags=["storefront: cases"],
        parameters=page_parameters(),
        responses=paged("CancellationRequest"),
    )
    def get(self, call: Request) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        total, cases = own_cases(self.account.id, page)
        view = self.look(self.account)
        documents = [request(case, view) for case in cases]
        return Response(envelope(call.path, query, page, total, documents))


class OldOrders(StorefrontView):
    """A customer's orders from before."""

    permission_classes = [IsShopper]

    @extend_schema(
        operation_id="old_orders",
        tags=["storefront: customers"],
        parameters=page_parameters(),
        responses=paged("OldOrder"),
    )
    def get(self, call: Request) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        found = old_orders(self.account.id)
        rows = list(found[page.offset : page.offset + page.limit])
        lines = items_of(rows)
        documents = [old_order(row, lines[row.pk]) for row in rows]
        return Response(envelope(call.path, query, page, found.count(), documents))


class OldOrderDetail(StorefrontView):
    """One of them."""

    permission_classes = [IsShopper]

    operations = {
        "get": Operation(
            "old_order",
            "storefront: customers",
            response=OldOrder,
            description="Found.",
            parameters=(OpenApiParameter("pk", int, OpenApiParameter.PATH),),
            refusals={400: REFUSED, 401: PLAIN, 404: PLAIN, 429: PLAIN},
        )
    }

    def get(self, call: Request, pk: str) -> Response:
        row = old_orders(self.account.id).filter(pk=id_from_path(pk)).first()
        if row is None:
            raise Refused(errors.NOT_FOUND)
        return Response(old_order(row, items_of([row])[row.pk]))
