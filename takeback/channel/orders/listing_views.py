"""Orders that are here: listed, found, and marked as sent to the shop's own system."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.filters import validated_filters
from takeback.channel.orders import documents, queries, shapes
from takeback.channel.orders.serializers import ChangeFilters, OrderChange, OrderFilters
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.paging import Page
from takeback.orders.commands.update_items import mark_as_sent


class Orders(ChannelView):
    """The channel's orders, all or some of them."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}

    @extend_schema(
        operation_id="channel_orders",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, OrderFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelOrder")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str = "") -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), validated_filters(call, OrderFilters)
        found = self._found(told, page)
        results = documents.orders(found, secrets=self.caller.sees_secrets)
        return Response(envelope(call.path, query, page, found.total, results))

    def _found(self, told: dict[str, Any], page: Page) -> queries.Found:
        channels = self.caller.channel_ids
        if told.keys() == {"number"} and len(channels) == 1:
            return queries.by_number(channels[0], told["number"], page)
        return queries.of_channels(channels, told, page)


class ChangedOrders(ChannelView):
    """The channel's orders by when they last changed, the longest ago first."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}

    @extend_schema(
        operation_id="channel_orders_updates",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, ChangeFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelOrder")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), validated_filters(call, ChangeFilters)
        found = queries.changed(self.caller.channel_ids, told, page)
        results = documents.orders(found, secrets=self.caller.sees_secrets)
        return Response(envelope(call.path, query, page, found.total, results))


class OrderView(ChannelView):
    """One order."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "PATCH": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_order",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelOrder", "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, pk: str, channel_id: str = "") -> Response:
        return Response(self._order(number_of(pk)))

    @extend_schema(
        operation_id="channel_order_change",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        request=OrderChange,
        responses={200: openapi.document("ChannelOrder", "Changed.")} | openapi.REFUSALS,
    )
    def patch(self, call: Request, pk: str, channel_id: str = "") -> Response:
        told = OrderChange(data=self.document)
        told.is_valid(raise_exception=True)
        order_id, wanted = number_of(pk), told.validated_data.get("is_send")
        if wanted is not None:
            channels = self.caller.channel_ids
            mark_as_sent(channels, order_id, is_send=wanted, now=clock.now())
        return Response(self._order(order_id))

    def _order(self, order_id: int) -> shapes.ChannelOrder:
        found = queries.one(self.caller.channel_ids, order_id)
        if not found.orders:
            raise Refused(errors.NOT_FOUND)
        return documents.orders(found, secrets=self.caller.sees_secrets)[0]


@openapi.everywhere(get="any_channel_orders")
class AllOrders(Orders):
    """The orders of all channels of the key."""


@openapi.everywhere(get="any_channel_order", patch="any_channel_order_change")
class AnyOrder(OrderView):
    """One order of any channel of the key."""
