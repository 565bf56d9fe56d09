"""Lines of orders: found, and told how far they are."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.filters import validated_filters
from takeback.channel.orders import documents, queries, shapes
from takeback.channel.orders.serializers import ItemFilters, LineChange, ManyLines, lines_from
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.paging import Page
from takeback.orders.commands.update_items import update_items


class Items(ChannelView):
    """The lines of the channel's orders, the newest first unless sorted otherwise."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}

    @extend_schema(
        operation_id="channel_order_items",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, ItemFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelOrderItem")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), validated_filters(call, ItemFilters)
        found = queries.items(self.caller.channel_ids, told, page)
        results = documents.order_items(found, secrets=self.caller.sees_secrets)
        return Response(envelope(call.path, query, page, found.total, results))


class ItemView(ChannelView):
    """One line."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "PATCH": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_order_item",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelOrderItem", "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, pk: str, channel_id: str = "") -> Response:
        return Response(self._item(number_of(pk)))

    @extend_schema(
        operation_id="channel_order_item_change",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        request=LineChange,
        responses={200: openapi.document("ChannelOrderItem", "Changed.")} | openapi.REFUSALS,
    )
    def patch(self, call: Request, pk: str, channel_id: str = "") -> Response:
        item_id, told = number_of(pk), LineChange(data=self.document)
        told.is_valid(raise_exception=True)
        changes = {item_id: told.validated_data}
        update_items(self.caller.channel_ids, changes, now=clock.now())
        return Response(self._item(item_id))

    def _item(self, item_id: int) -> shapes.ChannelOrderItem:
        found = queries.items_by_id(self.caller.channel_ids, [item_id])
        if not found.items:
            raise Refused(errors.NOT_FOUND)
        return documents.order_items(found, secrets=self.caller.sees_secrets)[0]


class ManyItems(ChannelView):
    """Up to five hundred lines at once, all of them or none."""

    scopes = {"PATCH": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_order_items_bulk_status_update",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID],
        request=ManyLines,
        responses={200: openapi.documents("ChannelOrderItem", "Changed.")} | openapi.REFUSALS,
    )
    def patch(self, call: Request, channel_id: str = "") -> Response:
        channels, told = self.caller.channel_ids, lines_from(self.document)
        try:
            update_items(channels, told, now=clock.now())
        except Refused as refused:
            _name_the_line(refused, list(told))
            raise
        found = queries.items_by_id(channels, list(told))
        return Response(documents.order_items(found, secrets=self.caller.sees_secrets))


def _name_the_line(refused: Refused, item_ids: list[int]) -> None:
    """Among many lines, which one it is must be said."""
    item_id = refused.context.get("order_item")
    if isinstance(item_id, int):
        field = f"orderitem_set.{item_ids.index(item_id)}.status"
        raise ValidationError({field: [str(refused.problem.message)]}) from refused


@openapi.everywhere(get="any_channel_order_item", patch="any_channel_order_item_change")
class AnyItem(ItemView):
    """One line of an order of any channel of the key."""


@openapi.everywhere(patch="any_channel_order_items_bulk_status_update")
class ManyItemsAnywhere(ManyItems):
    """The same for lines of any channels of the key."""
