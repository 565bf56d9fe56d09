"""Order items: lists, one item, and updates of their progress."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.openapi import Operation, PageOf
from takeback.channel.auth import path_id
from takeback.channel.base import (
    ChannelListView,
    ChannelView,
    etag,
    expected_version,
    validated,
)
from takeback.channel.cancel_status import items_with
from takeback.channel.items import documents, queries
from takeback.channel.items.documents import ChannelOrderItem
from takeback.channel.items.serializers import (
    FILTERS,
    BulkItemChanges,
    ItemChange,
    bulk_changes,
)
from takeback.channel.openapi import ITEM_CANCELLED, ORDERS
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.orders import errors as order_errors
from takeback.orders.commands.update_items import update_items
from takeback.orders.versions import version_of


class ItemList(ChannelListView):
    """The items of the channel's orders, newest first by default."""

    filters = FILTERS
    rows = queries.item_rows
    operations = {
        "get": Operation(
            "channel_order_items",
            ORDERS,
            PageOf(ChannelOrderItem),
            summary="List order items.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.items_in_channels(self.client.channel_ids)

    def condition(self, values: Mapping[str, Any]) -> Q:
        condition = super().condition(values)
        if value := values.get("cancel_status"):
            condition &= items_with(value, self.client.channel_ids)
        return condition

    def to_documents(self, rows: list[Any]) -> list[Any]:
        items = queries.with_shares(rows)
        return documents.order_items(items, show_secrets=self.client.can_see_secrets)


class ItemView(ChannelView):
    """One item."""

    operations = {
        "get": Operation(
            "channel_order_item",
            ORDERS,
            ChannelOrderItem,
            has_version=True,
            summary="Read an order item.",
        ),
        "patch": Operation(
            "channel_order_item_change",
            ORDERS,
            ChannelOrderItem,
            request=ItemChange,
            has_version=True,
            summary="Change an order item.",
            refusals=ITEM_CANCELLED,
        ),
    }

    def get(self, request: Request, pk: str, channel_id: str = "") -> Response:
        return self._response(ItemId(path_id(pk)))

    def patch(self, request: Request, pk: str, channel_id: str = "") -> Response:
        item_id = ItemId(path_id(pk))
        changes = validated(ItemChange, self.body)
        version = expected_version(self.django_request)
        update_items(self.client.channel_ids, {item_id: changes}, now=clock.now(), version=version)
        return self._response(item_id)

    def _response(self, item_id: ItemId) -> Response:
        items = queries.items_by_id(self.client.channel_ids, [item_id])
        if not items.items:
            raise Refused(errors.NOT_FOUND)
        (document,) = documents.order_items(items, show_secrets=self.client.can_see_secrets)
        return Response(document, headers=etag(version_of(document["modified_date"])))


class BulkItemView(ChannelView):
    """Up to 500 items in one request: all of them change, or none."""

    operations = {
        "patch": Operation(
            "channel_order_items_bulk_status_update",
            ORDERS,
            list[ChannelOrderItem],
            request=BulkItemChanges,
            summary="Change several order items at once.",
            refusals=ITEM_CANCELLED,
        )
    }

    def patch(self, request: Request, channel_id: str = "") -> Response:
        channel_ids, changes = self.client.channel_ids, bulk_changes(self.body)
        try:
            update_items(channel_ids, changes, now=clock.now())
        except Refused as refused:
            _name_item(refused, list(changes))
            raise
        items = queries.items_by_id(channel_ids, list(map(ItemId, changes)))
        return Response(documents.order_items(items, show_secrets=self.client.can_see_secrets))


def _field_of(refused: Refused) -> str:
    return str(refused.context.get("field") or refused.problem.field or "status")


def _name_item(refused: Refused, item_ids: list[int]) -> None:
    """Turns the refusal of an item's field into an error of its path in the body."""
    item_id = refused.context.get("order_item")
    if isinstance(item_id, int):
        field = f"orderitem_set.{item_ids.index(item_id)}.{_field_of(refused)}"
        if refused.problem.code == order_errors.ITEM_CANCELLED.code:
            problem = replace(refused.problem, field=field)
            raise Refused(problem, **refused.context) from refused
        raise ValidationError({field: [str(refused.problem.message)]}) from refused
