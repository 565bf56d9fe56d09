"""Orders of a channel: telling us one."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.json_parser import StrictJSONParser
from takeback.api.order_payload.serializers import OrderDocument, order_from
from takeback.channel import errors, openapi
from takeback.channel.base import ChannelView
from takeback.channel.orders import documents, queries
from takeback.core import clock
from takeback.core.errors import Refused
from takeback.orders.commands.ingest import CREATED, REFUSED, Outcome, ingest_order

SOURCE = "channel"


class OrderParser(StrictJSONParser):
    """An order may have thousands of lines, so its body may be larger than others."""

    max_values = 200_000

    def limit(self) -> int:
        return int(settings.MAX_ORDER_BODY_BYTES)


class CreateOrders(ChannelView):
    """Takes in an order; told again, it may move on, but its lines and amounts stay."""

    parser_classes = [OrderParser]
    scopes = {"POST": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_create_orders",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID],
        request=OrderDocument,
        responses={
            201: openapi.document("ChannelOrder", "Taken in."),
            200: openapi.document("ChannelOrder", "We have it; what may change was taken over."),
        }
        | openapi.REFUSALS
        | openapi.CONFLICT,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._taken_in, body=self.document)

    def _taken_in(self) -> Response:
        caller = self.caller
        told = order_from(self.document, channel_id=caller.channel_id)
        outcome = ingest_order(caller.channel_id, told, source=SOURCE, now=clock.now())
        _refuse_contradictions(outcome)
        found = queries.by_number(caller.channel_id, told.number)
        status = 201 if outcome.result == CREATED else 200
        return Response(documents.orders(found, secrets=caller.sees_secrets)[0], status=status)


def _refuse_contradictions(outcome: Outcome) -> None:
    """An order that does not add up, or that says something else than when it arrived."""
    if outcome.result != REFUSED:
        return
    if outcome.order_id is not None:
        raise Refused(errors.ORDER_IS_FIXED, order_id=outcome.order_id)
    raise Refused(errors.ORDER_CONTRADICTS_ITSELF, reason=outcome.reason)
