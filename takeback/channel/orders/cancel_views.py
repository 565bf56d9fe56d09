"""Cancelling or taking back an order, or some of its lines, in one call."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.cancellations.commands.cancel_order import cancel_order
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.orders import documents, queries
from takeback.channel.orders.cancel_serializers import OrderCancel, cancel_in
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.types import OrderId
from takeback.orders.scope import OrderScope


class CancelOrder(ChannelView):
    """Opens a case for each line and confirms it at once; a plan then waits to be approved."""

    scopes = {"POST": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_order_cancel",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        request=OrderCancel,
        responses={201: openapi.document("ChannelOrder", "Its lines wait for their end.")}
        | openapi.REFUSALS,
    )
    def post(self, call: Request, pk: str, channel_id: str = "") -> HttpResponse:
        order_id = number_of(pk)
        own = queries.channel_and_currency(self.caller.channel_ids, order_id)
        if own is None:
            raise Refused(errors.NOT_FOUND)
        return self.answer_once(lambda: self._cancelled(order_id, *own), body=self.document)

    def _cancelled(self, order_id: int, channel_id: int, currency: str) -> Response:
        told = cancel_in(
            self.document,
            order_id=order_id,
            currency=currency,
            are_accounts_trusted=self.caller.sees_accounts,
        )
        cancel_order(
            OrderId(order_id), OrderScope(channel_id), told, actor=self.actor, now=clock.now()
        )
        found = queries.one([channel_id], order_id)
        document = documents.orders(found, secrets=self.caller.sees_secrets)[0]
        return Response(document, status=201)


@openapi.everywhere(post="any_channel_order_cancel")
class CancelAnyOrder(CancelOrder):
    """The same for an order of any channel of the key."""
