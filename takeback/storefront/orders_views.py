"""Orders: a guest's look-up, a customer's list and details."""

from io import BytesIO
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.json_parser import StrictJSONParser, body_of, refuse_foreign_encodings
from takeback.api.paginator import envelope
from takeback.core import clock, errors
from takeback.core.client_ip import client_address
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.core.paging import Page
from takeback.orders.queries import OrderRow, orders_by_id, own_order, own_orders
from takeback.shoppers import guest_access
from takeback.shoppers.guest_lookup import find_guest_order
from takeback.storefront import orders_pages
from takeback.storefront.auth import Caller, IsShopperOrVerifiedGuest
from takeback.storefront.base import StorefrontView
from takeback.storefront.openapi import answers, order_parameters, paged
from takeback.storefront.serializers import GuestLookup, guest_lookup, order_filters

ORDERS_PER_PAGE = 10


class BoundedFormParser(FormParser):
    """Forms as the storefront posts them, no larger than any other body."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        headers = parser_context["request"].headers
        refuse_foreign_encodings(headers)
        body = body_of(stream, settings.MAX_BODY_BYTES, headers)
        return super().parse(BytesIO(body), media_type, parser_context)


class GuestOrder(StorefrontView):
    """A guest finds an order by its number and the e-mail address it was placed with."""

    parser_classes = [StrictJSONParser, BoundedFormParser]

    @extend_schema(
        operation_id="guest_order",
        tags=["storefront: guests"],
        request=GuestLookup,
        responses=answers("Order", many=True),
    )
    def post(self, request: Request) -> Response:
        body = guest_lookup.run_validation(_single_values(self.body))
        channel_id = self.channel_id
        row = find_guest_order(
            channel_id,
            body.get("number") or body["order"],
            body["email"],
            address=client_address(self.plain),
            now=clock.now(),
        )
        guest_access.grant(request.session, row.id, clock.now())
        documents = orders_pages.orders([row], self.look(None, channel_id))
        if "number" in body:
            return Response(documents)
        return Response({"count": 1, "next": None, "previous": None, "results": documents})


def _single_values(data: Any) -> dict[str, Any]:
    """A form's fields; one that was sent twice is no text and is refused as such."""
    if not hasattr(data, "lists"):
        return dict(data)
    return {key: values[0] if len(values) == 1 else values for key, values in data.lists()}


class Orders(StorefrontView):
    """A customer's orders, newest first; a guest sees the one they proved last."""

    permission_classes = [IsShopperOrVerifiedGuest]

    @extend_schema(
        operation_id="orders",
        tags=["storefront: customers"],
        parameters=order_parameters(),
        responses=paged("Order"),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params.dict()
        page = Page.of(query, default_limit=ORDERS_PER_PAGE)
        sent = {key: value.strip() for key, value in query.items() if value.strip()}
        filters = order_filters.look_ups(sent, clock.now()) if sent else {}
        caller = self.caller
        if caller.account:
            rows = own_orders(caller.account.id, page, **filters)
        else:
            rows = orders_by_id(order_ids=[caller.proven_orders[0]]) if page.number == 1 else []
        view = self.look(caller.account, self.channel_id)
        total = rows[0].total if rows else 0
        return Response(envelope(request.path, query, page, total, orders_pages.orders(rows, view)))


class OrderDetail(StorefrontView):
    """One order of the caller's; somebody else's is as if it were not there."""

    permission_classes = [IsShopperOrVerifiedGuest]

    @extend_schema(
        operation_id="order",
        tags=["storefront: customers"],
        parameters=[OpenApiParameter("pk", int, OpenApiParameter.PATH)],
        responses=answers("Order"),
    )
    def get(self, request: Request, pk: str) -> Response:
        caller = self.caller
        row = self._row(caller, id_from_path(pk))
        view = self.look(caller.account, self.channel_id)
        return Response(orders_pages.orders([row], view)[0])

    def _row(self, caller: Caller, order_id: int) -> OrderRow:
        if caller.account:
            found = own_order(user_id=caller.account.id, order_id=order_id)
        else:
            proved = order_id in caller.proven_orders
            found = orders_by_id(order_ids=[order_id]) if proved else []
        if not found:
            raise Refused(errors.NOT_FOUND)
        return found[0]


class OrderCancellation(OrderDetail):
    """The same order, under the address of the page where its lines are chosen."""

    @extend_schema(
        operation_id="order_cancellation",
        tags=["storefront: customers"],
        parameters=[OpenApiParameter("pk", int, OpenApiParameter.PATH)],
        responses=answers("Order"),
    )
    def get(self, request: Request, pk: str) -> Response:
        return super().get(request, pk)
