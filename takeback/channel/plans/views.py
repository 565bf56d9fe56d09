"""A channel's plans, and how they are paid."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.paginator import envelope
from takeback.cancellations.commands.plan_payments import plan_payments
from takeback.cancellations.statuses import PlanStatus
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.filters import LAST_CHANGED, validated_filters
from takeback.channel.plans import documents, queries
from takeback.channel.plans.serializers import PaymentPlan, PlanFilters, payments_in, wanted
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.paging import Page
from takeback.core.types import PlanId

SHAPE = "ChannelCancellationPlan"
LISTED: list[Any] = [openapi.CHANNEL_ID, PlanFilters, *openapi.page_parameters()]
_WORDS = {"type": "array", "items": {"type": "string", "enum": list(PlanStatus)}}


class _Plans(ChannelView):
    """Who reads may see the plans; how they are paid is for keys that money is trusted to."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.MONEY}

    def found(self, pk: str) -> queries.Found:
        """One plan; another channel's is as absent as none."""
        found = queries.plan(self.caller.channel_id, number_of(pk))
        if not found.plans:
            raise Refused(errors.NOT_FOUND)
        return found


class Plans(_Plans):
    """A channel's plans, newest first."""

    @extend_schema(
        operation_id="channel_cancellation_plans",
        tags=[openapi.CASES],
        parameters=LISTED,
        responses={200: openapi.page_of(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query, condition = call.query_params.dict(), wanted(validated_filters(call, PlanFilters))
        page = Page.of(query)
        total = queries.count(self.caller.channel_id, condition)
        found = queries.plans(self.caller.channel_id, condition, page)
        return Response(envelope(call.path, query, page, total, documents.plans(found)))


class PlanUpdates(_Plans):
    """The same as a bare list, the last changed first."""

    @extend_schema(
        operation_id="channel_cancellation_plan_updates",
        tags=[openapi.CASES],
        parameters=LISTED,
        responses={200: openapi.documents(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        condition, page = (
            wanted(validated_filters(call, PlanFilters)),
            Page.of(call.query_params.dict()),
        )
        found = queries.plans(self.caller.channel_id, condition, page, LAST_CHANGED)
        return Response(documents.plans(found))


class PlanInsertsOrUpdates(PlanUpdates):
    """Another name of the same list."""

    @extend_schema(
        operation_id="channel_cancellation_plan_inserts_or_updates",
        tags=[openapi.CASES],
        parameters=LISTED,
        responses={200: openapi.documents(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        return super().get(call, channel_id)


class PlanStatuses(_Plans):
    """The states that a plan can have."""

    @extend_schema(
        operation_id="channel_cancellation_plan_statuses",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID],
        responses={200: OpenApiResponse(response=_WORDS, description="All of them.")}
        | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        return Response([status.value for status in PlanStatus])


class Plan(_Plans):
    """One plan."""

    @extend_schema(
        operation_id="channel_cancellation_plan",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document(SHAPE, "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return Response(documents.plans(self.found(pk))[0])


class CreatePaymentPlan(_Plans):
    """Says how a plan's money goes back."""

    @extend_schema(
        operation_id="channel_cancellation_plan_create_payment_plan",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        request=PaymentPlan,
        responses={200: OpenApiResponse(response={"type": "object"}, description="Kept.")}
        | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str, pk: str) -> HttpResponse:
        body, (plan,) = self.document, self.found(pk).plans

        def act() -> Response:
            payments = payments_in(body, plan.order.currency)
            channel = self.caller.channel_id
            plan_payments(PlanId(plan.id), channel, payments, actor=self.actor, now=clock.now())
            return Response({})

        return self.answer_once(act, body=body)
