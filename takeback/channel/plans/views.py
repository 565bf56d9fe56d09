"""A channel's plans and their payments, with the bodies and filters that clients send."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.fields import StrictInteger
from takeback.api.openapi import Operation, PageOf
from takeback.api.order_payload.fields import Amount
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.statuses import Kind, PlanStatus, TransactionType
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404, validated
from takeback.channel.cases.serializers import PLAN_STATUSES
from takeback.channel.filters import (
    LAST_CHANGED,
    Condition,
    Filter,
    Filters,
    by_choice,
    by_id,
    by_ids,
    by_text,
    equal,
    no_rows,
    text,
)
from takeback.channel.openapi import CASES
from takeback.channel.plans import documents, queries
from takeback.channel.plans.documents import ChannelCancellationPlan
from takeback.core import clock
from takeback.core.actor import ActorKind
from takeback.core.ids import PlanId
from takeback.core.normalize import number_key

_UNKNOWN: Any = {"invalid_choice": _("Unknown value.")}


def _by_choice(choices: Iterable[str], condition: Condition) -> Filter:
    return by_choice(choices, condition, error_messages=_UNKNOWN)


def _by_staff(column: str) -> Filter:
    """The id of a staff member."""
    is_staff = Q((f"{column}_kind", ActorKind.STAFF.value))
    return Filter(
        StrictInteger(required=False), lambda value: is_staff & Q((f"{column}_number", value))
    )


FILTERS: Filters = {
    "plan_type": _by_choice(Kind, equal("plan_type")),
    "cancellation_plan_status": _by_choice(
        PLAN_STATUSES, equal("status__in", PLAN_STATUSES.__getitem__)
    ),
    "order_id": by_id("order"),
    "order_number": by_text("order__number_key", number_key),
    "channel_type": by_text("order__channel__channel_type"),
    "channel_id__in": by_ids("order__channel_id__in"),
    "invoice_number": by_text("refund_invoice_number"),
    "created_by": _by_staff("created_by"),
    "modified_by": _by_staff("modified_by"),
    "staff_remote_id": Filter(text(), no_rows),
    "retail_store_remote_id": Filter(text(), no_rows),
}


class PaymentEntry(serializers.Serializer[Any]):
    """A payment; without an amount it is the value of its items."""

    transaction_type = serializers.ChoiceField(list(TransactionType), error_messages=_UNKNOWN)
    order_items = serializers.ListField(child=StrictInteger(), allow_empty=False, max_length=1_000)
    refund_amount = Amount(required=False, allow_null=True)


class PlannedPayments(serializers.Serializer[Any]):
    """All payments of a plan; they replace earlier ones."""

    example = {"payment_plan": [{"transaction_type": "refund", "order_items": [41]}]}

    payment_plan: Any = serializers.ListSerializer(
        child=PaymentEntry(), allow_empty=False, max_length=50
    )


class PlanList(ChannelListView):
    """The channel's plans, newest first."""

    filters = FILTERS
    rows = queries.plan_rows
    operations = {
        "get": Operation(
            "channel_cancellation_plans",
            CASES,
            PageOf(ChannelCancellationPlan),
            summary="List plans.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.plans_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return documents.plans(queries.complete(rows))


class PlanUpdates(PlanList):
    """The channel's plans as a bare list, the latest change first."""

    has_envelope = False
    ordering = LAST_CHANGED
    operations = {
        "get": Operation(
            "channel_cancellation_plan_updates",
            CASES,
            list[ChannelCancellationPlan],
            summary="List plans by their latest change.",
        )
    }


class PlanStatuses(ChannelView):
    """The statuses that a plan can have."""

    operations = {
        "get": Operation(
            "channel_cancellation_plan_statuses",
            CASES,
            {"type": "array", "items": {"type": "string", "enum": list(PlanStatus)}},
            summary="List the statuses of plans.",
        )
    }

    def get(self, request: Request, channel_id: str) -> Response:
        return Response([status.value for status in PlanStatus])


class BasePlanView(ChannelView):
    """Finds the plan of a route."""

    def row(self, pk: str) -> queries.PlanRow:
        return row_or_404(queries.plan_by_id(self.client.channel_id, PlanId(path_id(pk))))


class PlanView(BasePlanView):
    """One plan."""

    operations = {
        "get": Operation(
            "channel_cancellation_plan",
            CASES,
            ChannelCancellationPlan,
            summary="Read a plan.",
        )
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return Response(documents.plans(queries.complete([self.row(pk)]))[0])


class CreatePaymentPlan(BasePlanView):
    """Sets the payments by which a plan is refunded."""

    scopes = {"POST": ApiKey.MONEY}
    operations = {
        "post": Operation(
            "channel_cancellation_plan_create_payment_plan",
            CASES,
            {"type": "object"},
            request=PlannedPayments,
            is_idempotent=True,
            summary="Set the payments by which a plan is refunded.",
        )
    }

    def post(self, request: Request, channel_id: str, pk: str) -> HttpResponse:
        body, plan = self.body, self.row(pk)
        return self.idempotent(lambda: self._plan_payments(body, plan), body=body)

    def _plan_payments(self, body: dict[str, Any], plan: queries.PlanRow) -> Response:
        context = {"currency": plan.order.currency}
        payments = [
            PlannedPayment(
                transaction_type=TransactionType(entry["transaction_type"]),
                order_items=frozenset(entry["order_items"]),
                refund_minor=entry.get("refund_amount"),
            )
            for entry in validated(PlannedPayments, body, context=context)["payment_plan"]
        ]
        channel_id = self.client.channel_id
        plan_payments(plan.id, channel_id, payments, actor=self.actor, now=clock.now())
        return Response({})
