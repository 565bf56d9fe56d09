"""Cancels or returns items of an order directly: their cases are opened and confirmed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations import errors
from takeback.cancellations.commands.open import AutoConfirm, open_cases
from takeback.cancellations.eligibility import CASH
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationPlan
from takeback.cancellations.plans import DEFAULT_TERMS, RefundTerms
from takeback.cancellations.policy import kind_of
from takeback.cancellations.statuses import Kind, PlanStatus
from takeback.core.actor import Actor
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.ids import CaseId, ItemId, OrderId
from takeback.orders.allocation import CARDS, PAID_LATER
from takeback.orders.locks import lock_orders_of
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.queries import captured_amount
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import ENDED

MAX_ITEMS = 500


@dataclass(frozen=True, slots=True)
class DirectCancel:
    """Items of an order, with reasons and bank accounts by item. No items: all that are live.

    An account that is not trusted must be confirmed by its owner.
    """

    items: frozenset[int]
    reasons: Mapping[int, int]
    accounts: Mapping[int, BankAccount]
    terms: RefundTerms = DEFAULT_TERMS
    are_accounts_trusted: bool = False
    # The reason of items whose reason the shop does not offer.
    fallback_reason: int | None = None


@transaction.atomic
def cancel_order(
    order_id: OrderId, scope: OrderScope, cancel: DirectCancel, *, actor: Actor, now: datetime
) -> list[CaseId]:
    """Open and confirm a case for each item, and return their ids.

    The status of the items decides between cancellation and return; all items must agree.
    `Refused` if a previous plan of the order is undecided, the payment does not allow it, a rule
    refuses an item, or the refund exceeds the paid amount.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None or not scope.covers(order):
        raise Refused(NOT_FOUND)
    lock_orders_of(list(OrderItem.objects.filter(order=order).values_list("pk", flat=True)))
    items = _items(order, cancel)
    _ensure_decided(order)
    _ensure_payment_allows(order, cancel)
    kind = _common_kind(order, items)
    return open_cases(
        [
            NewCase(
                order_item=ItemId(item.pk),
                kind=kind,
                reason=cancel.reasons[item.pk],
                bank_account=cancel.accounts.get(item.pk),
                is_account_trusted=cancel.are_accounts_trusted,
                pickup_at_shipping_address=True,
                fallback_reason=cancel.fallback_reason,
            )
            for item in items
        ],
        scope,
        actor=actor,
        now=now,
        auto_confirm=AutoConfirm(frozenset(Kind), cancel.terms, required=True),
    )


def _items(order: Order, cancel: DirectCancel) -> list[OrderItem]:
    """The items to cancel; `Refused` if one does not exist or has no reason."""
    items = {item.pk: item for item in OrderItem.objects.filter(order=order).order_by("pk")}
    item_ids = cancel.items or {pk for pk, item in items.items() if item.status not in ENDED}
    if not items.keys() >= item_ids:
        raise Refused(errors.NO_SUCH_ITEM, order_id=order.pk)
    if not item_ids:
        raise Refused(errors.NOTHING_LEFT, order_id=order.pk)
    if len(item_ids) > MAX_ITEMS:
        raise Refused(errors.TOO_MANY_ITEMS.with_values(max=MAX_ITEMS), order_id=order.pk)
    if not cancel.reasons.keys() >= item_ids:
        raise Refused(errors.REASON_MISSING, order_id=order.pk)
    return [items[pk] for pk in sorted(item_ids)]


def _ensure_decided(order: Order) -> None:
    plans = CancellationPlan.objects.filter(order=order, status=PlanStatus.WAITING.value)
    if plans.exists():
        raise Refused(errors.CANCEL_IN_PROGRESS, order_id=order.pk)


def _ensure_payment_allows(order: Order, cancel: DirectCancel) -> None:
    payments = Payment.objects.filter(order=order)
    if cancel.accounts and not payments.filter(kind__in=CASH).exists():
        # A card payment is refunded to the card.
        raise Refused(errors.NO_REFUND_TO_BANK_ACCOUNT, order_id=order.pk)
    if order.payment_type in CARDS and not captured_amount(order.pk):
        raise Refused(errors.ORDER_NOT_CHARGED, order_id=order.pk)


def _common_kind(order: Order, items: Collection[OrderItem]) -> Kind:
    kinds = {kind_of(item.status, is_invoiced=bool(item.invoice_number)) for item in items}
    if len(kinds) > 1:
        raise Refused(errors.CANCEL_OR_RETURN, order_id=order.pk)
    if order.payment_type in PAID_LATER and len({item.status for item in items}) > 1:
        raise Refused(errors.MIXED_STATUSES, order_id=order.pk)
    return kinds.pop()
