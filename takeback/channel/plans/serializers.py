"""What other systems send about plans, and what they filter by."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.api.fields import StrictInteger
from takeback.api.order_payload.fields import Amount
from takeback.cancellations.commands.plan_payments import Payment
from takeback.cancellations.statuses import Kind, TransactionType
from takeback.channel import filters
from takeback.channel.cases.filters import PLAN_STATUSES
from takeback.channel.filters import Condition, Filter, IdList, equal, filters_serializer, text
from takeback.core.actor import ActorKind
from takeback.core.normalize import folded

MOST_PAYMENTS = 50
MOST_ITEMS = 1_000
_UNKNOWN: dict[str, Any] = {"invalid_choice": _("Unknown value.")}


class PaymentEntry(serializers.Serializer[Any]):
    """One payment; no amount means what its lines are worth."""

    transaction_type = serializers.ChoiceField(list(TransactionType), error_messages=_UNKNOWN)
    order_items = serializers.ListField(
        child=StrictInteger(), allow_empty=False, max_length=MOST_ITEMS
    )
    refund_amount = Amount(required=False, allow_null=True)


class PaymentPlan(serializers.Serializer[Any]):
    """All payments of a plan, in place of those told before."""

    payment_plan: Any = serializers.ListSerializer(
        child=PaymentEntry(), allow_empty=False, max_length=MOST_PAYMENTS
    )


def payments_in(body: Mapping[str, Any], currency: str) -> list[Payment]:
    """The payments of a body, or DRF's `ValidationError` with all its faults."""
    told = PaymentPlan(data=body, context={"currency": currency})
    told.is_valid(raise_exception=True)
    return [
        Payment(
            transaction_type=TransactionType(entry["transaction_type"]),
            order_items=frozenset(entry["order_items"]),
            refund_minor=entry.get("refund_amount"),
        )
        for entry in told.validated_data["payment_plan"]
    ]


def _staff(who: str) -> Filter:
    """A member of staff by number."""
    kind = ActorKind.STAFF.value
    by = {f"{who}_kind": kind}
    return Filter(StrictInteger(required=False), lambda value: Q((f"{who}_number", value), **by))


def _kept_nowhere(value: object) -> Q:
    """We do not know it of any plan, so no plan is like this."""
    return Q(pk__in=[])


def _word(words: Iterable[str], condition: Condition) -> Filter:
    return filters.word(words, condition, error_messages=_UNKNOWN)


FILTERS: dict[str, Filter] = {
    "plan_type": _word(Kind, equal("plan_type")),
    "cancellation_plan_status": _word(
        PLAN_STATUSES, equal("status__in", PLAN_STATUSES.__getitem__)
    ),
    "order_id": Filter(StrictInteger(required=False), equal("order")),
    "order_number": Filter(text(), equal("order__number__folded", folded)),
    "channel_type": Filter(text(), equal("order__channel__channel_type")),
    "channel_id__in": Filter(IdList(required=False), equal("order__channel_id__in")),
    "invoice_number": Filter(text(), equal("refund_invoice_number")),
    "created_by": _staff("created_by"),
    "modified_by": _staff("modified_by"),
    "staff_remote_id": Filter(text(), _kept_nowhere),
    "retail_store_remote_id": Filter(text(), _kept_nowhere),
}

PlanFilters = filters_serializer("PlanFilters", FILTERS)
"""Parameters of a list."""


def wanted(told: Mapping[str, Any]) -> Q:
    """Plans to which all of this applies."""
    return filters.build_filter(FILTERS, told)
