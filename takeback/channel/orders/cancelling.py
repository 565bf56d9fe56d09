"""An order that a system cancels or takes back by itself: opened and confirmed in one step."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ValidationError

from takeback.cancellations.asks import Ask, BankAccount, Scope
from takeback.cancellations.commands import AtOnce, open_many
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.plans.commands import Terms
from takeback.cancellations.states import Kind, PlanStatus
from takeback.cancellations.surroundings import CASH
from takeback.channel import errors
from takeback.channel.orders.cancel_schemas import MOST_ITEMS
from takeback.core.actor import Actor
from takeback.core.problems import Refused
from takeback.orders.models import Order, OrderItem, Tender
from takeback.orders.queries import lock_orders_of
from takeback.orders.states import ENDED, REFUNDABLE, Status

_BOTH = frozenset({Kind.CANCEL, Kind.REFUND})
_ON_DELIVERY = "pay_on_delivery"


@transaction.atomic
def cancel(order: Order, told: Mapping[str, Any], *, actor: Actor, now: datetime) -> list[int]:
    """Open and confirm cases for all lines of an order that still live, or for some; their ids.

    `told` is what `OrderCancel` has read. Whether it is a cancellation or a return is what the
    lines allow; `Refused` when some allow the one and some the other, when an earlier one of this
    order is not decided yet, and when a rule says no (domain D.5).
    """
    lock_orders_of(list(OrderItem.objects.filter(order=order).values_list("pk", flat=True)))
    lines = _lines(order, told)
    _refuse_second(order)
    _refuse_foreign_accounts(order, told)
    kinds = {_kind_of(line) for line in lines}
    if len(kinds) > 1:
        raise Refused(errors.CANCEL_OR_RETURN, order_id=order.pk)
    if order.payment_type == _ON_DELIVERY and len({line.status for line in lines}) > 1:
        raise Refused(errors.MIXED_STATUSES, order_id=order.pk)
    asks = [_ask(line, told, kind) for kind in kinds for line in lines]
    terms = Terms(
        forced_refund_minor=told.get("forced_refund_amount"),
        is_cargo_refund=told["is_cargo_refund"],
        refund_invoice_number=told.get("refund_invoice_number") or None,
    )
    scope = Scope(order.channel_id, order_ids=frozenset({order.pk}))
    return open_many(asks, scope, actor=actor, now=now, at_once=AtOnce(_BOTH, terms))


def _lines(order: Order, told: Mapping[str, Any]) -> Sequence[OrderItem]:
    """The lines that are meant, each with a reason."""
    lines = {line.pk: line for line in OrderItem.objects.filter(order=order).order_by("pk")}
    named = told.get("cancel_items") or [
        pk for pk, line in lines.items() if line.status not in ENDED
    ]
    if not lines.keys() >= set(named):
        raise ValidationError({"cancel_items": [errors.UNKNOWN_LINE]})
    if not named:
        raise Refused(errors.NOTHING_LEFT, order_id=order.pk)
    if len(named) > MOST_ITEMS:
        raise ValidationError({"is_all": [errors.TOO_MANY_LINES]})
    if not told["reasons"].keys() >= set(named):
        raise ValidationError({"reasons": [errors.REASON_MISSING]})
    return [lines[pk] for pk in named]


def _refuse_second(order: Order) -> None:
    plans = CancellationPlan.objects.filter(order=order, status=PlanStatus.WAITING.value)
    if plans.exists():
        raise Refused(errors.CANCEL_IN_PROGRESS, order_id=order.pk)


def _refuse_foreign_accounts(order: Order, told: Mapping[str, Any]) -> None:
    """Money that came by card goes back to that card, whatever account is named."""
    in_cash = Tender.objects.filter(order=order, kind__in=CASH)
    if told["ibans"] and not in_cash.exists():
        raise ValidationError({"ibans": [errors.NO_TRANSFER]})


def _kind_of(line: OrderItem) -> Kind:
    """What has left, or is invoiced and about to, comes back; all else is cancelled."""
    stays = line.status == Status.PREPARING and not line.invoice_number
    return Kind.REFUND if line.status in REFUNDABLE and not stays else Kind.CANCEL


def _ask(line: OrderItem, told: Mapping[str, Any], kind: Kind) -> Ask:
    iban = told["ibans"].get(line.pk)
    holder = told["holder_names"].get(line.pk)
    account = BankAccount(iban, holder) if iban and holder else None
    return Ask(line.pk, kind, told["reasons"][line.pk], bank_account=account)
