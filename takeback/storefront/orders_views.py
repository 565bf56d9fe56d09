"""Views of orders: guest look-up, a customer's list, and details."""

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.json_parser import StrictJSONParser, read_body
from takeback.api.openapi import AnyOf, Operation, PageOf
from takeback.api.paginator import ContractPagination
from takeback.core import clock, errors
from takeback.core.client_ip import client_address
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.orders.queries import OrderRow, orders_by_id, own_order, own_orders
from takeback.shoppers import guest_access
from takeback.shoppers.guest_lookup import find_guest_order
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopperOrVerifiedGuest
from takeback.storefront.base import StorefrontView
from takeback.storefront.orders_documents import Order, encoded_orders
from takeback.storefront.serializers import GuestLookup, guest_lookup, order_filters

ORDER_FORMS = (
    "For `number` an array of one order, for `order` a page. The number may be written in another "
    "notation, such as `#1001` or `No. 1001` for `1001`."
)


class BoundedFormParser(FormParser):
    """HTML forms, up to the same size as JSON bodies."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = read_body(stream, settings.MAX_BODY_BYTES, parser_context["request"].headers)
        if body.lstrip()[:1] in (b"{", b"["):
            # curl names its bodies forms: JSON would become the name of one field.
            raise Refused(errors.UNSUPPORTED_MEDIA_TYPE)
        return super().parse(BytesIO(body), media_type, parser_context)


class GuestOrderView(StorefrontView):
    """The base of views that open a guest's order."""

    parser_classes = [StrictJSONParser, BoundedFormParser]

    def open_order(self, row: OrderRow, body: Mapping[str, Any], now: datetime) -> Response:
        """Grants access to the order, and responds with it in the form that `body` asks for."""
        guest_access.grant(self.request.session, row.id, now)
        context = self.document_context(None, carriers_of=self.channel_id)
        documents = encoded_orders([row], context)
        if "number" in body:
            return Response(documents)
        return Response({"count": 1, "next": None, "previous": None, "results": documents})


class GuestOrder(GuestOrderView):
    """Finds a guest's order by its number and e-mail address, and grants access to it."""

    has_code_route = True
    operations = {
        "post": Operation(
            "guest_order",
            openapi.GUESTS,
            request=GuestLookup,
            response=AnyOf((list[Order], PageOf(Order))),
            description=ORDER_FORMS,
            refusals=openapi.LOOK_UP_BLOCKED,
            summary="Find a guest's order.",
        )
    }

    def post(self, request: Request) -> Response:
        body = guest_lookup.run_validation(single_values(self.body))
        channel_id, now = self.channel_id, clock.now()
        row = find_guest_order(
            channel_id,
            body.get("number") or body["order"],
            body["email"],
            address=client_address(self.django_request),
            granted=self.caller.granted_orders,
            now=now,
        )
        return self.open_order(row, body, now)


def single_values(data: Any) -> dict[str, Any]:
    """The fields of a form or JSON body; a repeated form field is a list, which is refused."""
    if not hasattr(data, "lists"):
        return dict(data)
    return {key: values[0] if len(values) == 1 else values for key, values in data.lists()}


class Orders(StorefrontView):
    """A customer's orders, newest first; a guest gets the order they verified last."""

    operations = {
        "get": Operation(
            "orders",
            openapi.CUSTOMERS,
            response=PageOf(Order),
            parameters=(
                *openapi.PAGE,
                OpenApiParameter("search", str, description="Part of the order number."),
                OpenApiParameter("last_month", bool, description="Only the last 30 days."),
                OpenApiParameter("created_date__gte", str, description="Placed at or after."),
                OpenApiParameter("created_date__lte", str, description="Placed at or before."),
            ),
            summary="List the customer's orders.",
        )
    }
    permission_classes = [IsShopperOrVerifiedGuest]

    def get(self, request: Request) -> Response:
        pages = ContractPagination(request)
        query = {key: text for key, value in pages.query.items() if (text := value.strip())}
        filters = order_filters.lookups(query, clock.now()) if query else {}
        caller = self.caller
        if caller.account:
            rows = own_orders(caller.account.id, pages.requested, **filters)
        elif pages.requested.number == 1:
            rows = orders_by_id(order_ids=[caller.granted_orders[0]])
        else:
            rows = []
        pages.count = rows[0].total if rows else 0
        context = self.document_context(
            caller.account, with_owner=True, carriers_of=self.channel_id
        )
        return pages.get_paginated_response(encoded_orders(rows, context))


def order_operations(operation_id: str, summary: str) -> dict[str, Operation]:
    """The operation of one order: two paths serve it."""
    return {
        "get": Operation(
            operation_id,
            openapi.CUSTOMERS,
            response=Order,
            parameters=(openapi.PK,),
            summary=summary,
        )
    }


class OrderDetail(StorefrontView):
    """One order of the caller; orders of others are not found."""

    operations = order_operations("order", "Read an order.")
    permission_classes = [IsShopperOrVerifiedGuest]

    def get(self, request: Request, pk: str) -> Response:
        row = self._order(id_from_path(pk))
        context = self.document_context(
            self.caller.account, with_owner=True, carriers_of=self.channel_id
        )
        return Response(encoded_orders([row], context)[0])

    def _order(self, order_id: int) -> OrderRow:
        caller = self.caller
        if caller.account:
            rows = own_order(user_id=caller.account.id, order_id=order_id)
        else:
            is_granted = order_id in caller.granted_orders
            rows = orders_by_id(order_ids=[order_id]) if is_granted else []
        if not rows:
            raise Refused(errors.NOT_FOUND)
        return rows[0]
