"""The preview of an order's refund: the body of its cancellation, and the view."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channel_conf import channel_conf
from takeback.accounts.models import ApiKey
from takeback.accounts.policy import shop_policy
from takeback.api.fields import StrictBoolean, StrictInteger
from takeback.api.openapi import Operation
from takeback.cancellations.refund_preview import items_to_cancel, preview_refunds
from takeback.channel import errors
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelView, row_or_404, validated
from takeback.channel.openapi import ORDERS
from takeback.channel.orders import queries
from takeback.channel.orders.serializers import ByItem, OrderCancel, direct_cancel
from takeback.channel.refunds import ChannelRefundPreview, refund_preview
from takeback.core import clock
from takeback.core.ids import OrderId
from takeback.orders.scope import OrderScope


class OrderRefundPreview(OrderCancel):
    """The body of a cancellation; reasons may be missing, and `quantities` names parts of items."""

    example = {"cancel_items": [41], "quantities": {"41": 1}}

    quantities = ByItem(StrictInteger())
    fully_refund_as_loyalty_money = StrictBoolean(required=False, default=False)

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        has_items = data.get("is_all") or data.get("cancel_items")
        return {} if has_items else {"cancel_items": [errors.NO_ITEMS]}


class OrderRefundPreviewView(ChannelView):
    """Shows what the cancellation or return of items would give back; nothing is stored."""

    scopes = {"POST": ApiKey.READ}
    operations = {
        "post": Operation(
            "channel_order_refund_preview",
            ORDERS,
            list[ChannelRefundPreview],
            request=OrderRefundPreview,
            summary="Preview the refund of items of an order.",
        )
    }

    def post(self, request: Request, pk: str, channel_id: str = "") -> Response:
        order_id = OrderId(path_id(pk))
        order = queries.channel_and_currency(self.client.channel_ids, order_id)
        channel, currency = row_or_404(order)
        conf = channel_conf(channel)
        context = {"order_id": order_id, "currency": currency, "conf": conf}
        data = validated(OrderRefundPreview, self.body, context=context)
        previews = preview_refunds(
            items_to_cancel(
                order_id,
                data.get("cancel_items") or (),
                data.get("quantities") or {},
                accounts={item_id for item_id, iban in data["ibans"].items() if iban},
                as_loyalty=data["fully_refund_as_loyalty_money"],
            ),
            OrderScope(channel),
            today=clock.now().astimezone(shop_policy(channel).time_zone).date(),
            terms=direct_cancel(data, conf, are_accounts_trusted=False).terms,
        )
        return Response([refund_preview(preview) for preview in previews])
