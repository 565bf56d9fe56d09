"""Writing direct cancels: the order is locked, its lines are looked at, opened and confirmed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations import errors
from takeback.cancellations.commands.open import AutoConfirm, open_cases
from takeback.cancellations.eligibility import CASH
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.plans import AS_BOUGHT, RefundTerms, refuse_more_than
from takeback.cancellations.policy import kind_of
from takeback.cancellations.statuses import Kind, PlanStatus
from takeback.core import errors as core_errors
from takeback.core.actor import Actor
from takeback.core.errors import Refused
from takeback.orders.allocation import PAID_LATER
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import Order, OrderItem, Tender
from takeback.orders.queries import captured_amount
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import ENDED

MOST_LINES = 500
CARDS = frozenset({"credit_card", "saved_card", "masterpass"})
"""Payment types that charge a card (domain C.9)."""
_BOTH = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class DirectCancel:
    """Lines of an order, none for all that live; reasons and accounts by line.

    Bank accounts wait for their owner's word unless `are_accounts_trusted`.
    """

    lines: frozenset[int]
    reasons: Mapping[int, int]
    accounts: Mapping[int, BankAccount]
    terms: RefundTerms = AS_BOUGHT
    are_accounts_trusted: bool = False


@transaction.atomic
def cancel_order(
    order_id: int, scope: OrderScope, told: DirectCancel, *, actor: Actor, now: datetime
) -> list[int]:
    """Open and confirm cases for lines of an order; their ids.

    Whether it is a cancellation or a return is what the lines allow. `Refused` when some allow
    the one and some the other, when an earlier one of this order is not decided yet, and when
    another guard of domain D.5, or a rule, says no.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None or not scope.covers(order):
        raise Refused(core_errors.NOT_FOUND)
    lock_orders_of(list(OrderItem.objects.filter(order=order).values_list("pk", flat=True)))
    lines = _lines(order, told)
    _refuse_second(order)
    _refuse_by_payment(order, told)
    kinds = {kind_of(line.status, is_invoiced=bool(line.invoice_number)) for line in lines}
    if len(kinds) > 1:
        raise Refused(errors.CANCEL_OR_RETURN, order_id=order.pk)
    if order.payment_type in PAID_LATER and len({line.status for line in lines}) > 1:
        raise Refused(errors.MIXED_STATUSES, order_id=order.pk)
    asks = [_ask(line, told, kind) for kind in kinds for line in lines]
    cases = open_cases(
        asks,
        scope,
        actor=actor,
        now=now,
        auto_confirm=AutoConfirm(_BOTH, told.terms, required=True),
    )
    if order.payment_type in CARDS:
        refuse_more_than(captured_amount(order.pk), order)
    return cases


def _lines(order: Order, told: DirectCancel) -> Sequence[OrderItem]:
    """The lines that are meant, each with a reason."""
    lines = {line.pk: line for line in OrderItem.objects.filter(order=order).order_by("pk")}
    named = told.lines or {pk for pk, line in lines.items() if line.status not in ENDED}
    if not lines.keys() >= named:
        raise Refused(errors.NO_SUCH_ITEM, order_id=order.pk)
    if not named:
        raise Refused(errors.NOTHING_LEFT, order_id=order.pk)
    if len(named) > MOST_LINES:
        raise Refused(errors.TOO_MANY_ITEMS, order_id=order.pk)
    if not told.reasons.keys() >= named:
        raise Refused(errors.REASON_MISSING, order_id=order.pk)
    return [lines[pk] for pk in sorted(named)]


def _refuse_second(order: Order) -> None:
    plans = CancellationPlan.objects.filter(order=order, status=PlanStatus.WAITING.value)
    if plans.exists():
        raise Refused(errors.CANCEL_IN_PROGRESS, order_id=order.pk)


def _refuse_by_payment(order: Order, told: DirectCancel) -> None:
    tenders = Tender.objects.filter(order=order)
    if told.accounts and not tenders.filter(kind__in=CASH).exists():
        # Money that came by card goes back to that card, whatever account is named.
        raise Refused(errors.NO_TRANSFER, order_id=order.pk)
    if order.payment_type in CARDS and not captured_amount(order.pk):
        raise Refused(errors.NO_PURCHASE, order_id=order.pk)


def _ask(line: OrderItem, told: DirectCancel, kind: Kind) -> NewCase:
    return NewCase(
        order_item=line.pk,
        kind=kind,
        reason=told.reasons[line.pk],
        bank_account=told.accounts.get(line.pk),
        is_account_trusted=told.are_accounts_trusted,
        pickup_at_shipping_address=True,
    )
