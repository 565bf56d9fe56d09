"""Cancelling or taking back an order, or some of its lines, in one call."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.channel import openapi
from takeback.channel.callers import number_of
from takeback.channel.handling import ChannelView
from takeback.channel.orders import documents, queries
from takeback.channel.orders.cancel_schemas import OrderCancel
from takeback.channel.orders.cancelling import cancel
from takeback.core import clock, problems
from takeback.core.actor import Actor, ActorKind
from takeback.core.problems import Refused
from takeback.idempotency.http import answer_once
from takeback.orders.models import Order


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
        order = self._order(number_of(pk))
        principal = f"key:{self.caller.key_id}"
        body = self.document
        return answer_once(
            self.plain, lambda: self._cancelled(order), principal=principal, body=body
        )

    def _order(self, order_id: int) -> Order:
        found = Order.objects.filter(pk=order_id, channel_id__in=self.caller.channel_ids).first()
        if found is None:
            raise Refused(problems.NOT_FOUND)
        return found

    def _cancelled(self, order: Order) -> Response:
        context = {"order_id": order.pk, "currency": order.currency}
        told = OrderCancel(data=self.document, context=context)
        told.is_valid(raise_exception=True)
        actor = Actor(ActorKind.CHANNEL, self.caller.key_id)
        cancel(order, told.validated_data, actor=actor, now=clock.now())
        found = queries.one([order.channel_id], order.pk)
        document = documents.orders(found, secrets=self.caller.sees_secrets)[0]
        return Response(document, status=201)


@openapi.everywhere(post="any_channel_order_cancel")
class CancelAnyOrder(CancelOrder):
    """The same for an order of any channel of the key."""
