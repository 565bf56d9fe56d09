"""Orders of a channel: telling us one, asking for them."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.channel import errors, openapi
from takeback.channel.handling import ChannelView
from takeback.channel.orders import documents, queries
from takeback.core import clock
from takeback.core.fields import INVISIBLE
from takeback.core.paging import Page, envelope
from takeback.core.problems import Refused
from takeback.core.strict_json import StrictJSONParser
from takeback.idempotency.http import answer_once
from takeback.orders.commands import CREATED, REFUSED, Outcome, place
from takeback.orders.schemas import OrderDocument, order_from

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
        principal = f"key:{self.caller.key_id}"
        return answer_once(self.plain, self._taken_in, principal=principal, body=self.document)

    def _taken_in(self) -> Response:
        caller = self.caller
        told = order_from(self.document, channel_id=caller.channel_id)
        outcome = place(caller.channel_id, told, source=SOURCE, now=clock.now())
        _refuse_contradictions(outcome)
        found = queries.by_number(caller.channel_id, told.number)
        status = 201 if outcome.result == CREATED else 200
        return Response(documents.orders(found, secrets=caller.sees_secrets)[0], status=status)


class Orders(ChannelView):
    """The channel's orders, all or by number."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}

    @extend_schema(
        operation_id="channel_orders",
        tags=[openapi.TAG],
        parameters=[
            openapi.CHANNEL_ID,
            OpenApiParameter("number", str, description="Exactly this order number."),
            *openapi.page_parameters(),
        ],
        responses={200: openapi.page_of("ChannelOrder")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, number = Page.of(query), _number(call)
        if number is None:
            found = queries.of_channel(self.caller.channel_id, page)
        else:
            found = queries.by_number(self.caller.channel_id, number, page)
        results = documents.orders(found, secrets=self.caller.sees_secrets)
        return Response(envelope(call.path, query, page, found.total, results))


def _number(call: Request) -> str | None:
    """The number asked for, if any; two different ones are no question."""
    told = {text.strip(" ") for text in call.query_params.getlist("number")} - {""}
    if len(told) > 1:
        raise ValidationError({"number": [errors.AMBIGUOUS]})
    number = next(iter(told), None)
    if number is not None and INVISIBLE.search(number):
        raise ValidationError({"number": [errors.NOT_TEXT]})
    return number


def _refuse_contradictions(outcome: Outcome) -> None:
    """An order that does not add up, or that says something else than when it arrived."""
    if outcome.result != REFUSED:
        return
    if outcome.order_id is not None:
        raise Refused(errors.ORDER_IS_FIXED, order_id=outcome.order_id)
    raise Refused(errors.ORDER_CONTRADICTS_ITSELF, reason=outcome.reason)
