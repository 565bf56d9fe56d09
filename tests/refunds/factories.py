"""Payment accounts, charged orders and refunds, in the state that the commands leave."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import zeal
from django.db import transaction

from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.core.actor import SYSTEM, Actor, ActorKind
from takeback.core.ids import OrderId
from takeback.orders.locks import lock_orders
from takeback.orders.models import Order, Payment
from takeback.orders.order_input import PaymentIn
from takeback.refunds.allocation import DueItem, RefundLeg
from takeback.refunds.commands.plan import plan_refunds
from takeback.refunds.models import PaymentAccount, Refund
from takeback.refunds.providers import PaymentState, ProviderRefund, RefundStatus
from takeback.refunds.statuses import Means
from tests import factories
from tests.factories import NOW

AGENT, OTHER_AGENT = Actor(ActorKind.STAFF, 1), Actor(ActorKind.STAFF, 2)


def create_account(**fields: Any) -> PaymentAccount:
    """An active account of the fake provider."""
    factories.create_channel()
    code = fields.pop("code", "card")
    defaults: dict[str, Any] = {
        "channel_id": factories.SHOP,
        "provider": "fake",
        "provider_account": f"acct_{code}",
        "currency": "try",
    }
    return PaymentAccount.objects.create(code=code, **defaults | fields)


def create_charged_order(
    *, goods: int = 1000, payments: Sequence[int] = (), **fields: Any
) -> tuple[Order, list[Payment]]:
    """An order whose payments were charged through the account `card`."""
    number = fields.pop("number", uuid4().hex[:12])
    amounts = payments or [goods]
    order = factories.create_order(
        number=number,
        items=[factories.item_input(goods_minor=goods)],
        payments=[
            PaymentIn(kind="credit_card", amount_minor=amount, captured_minor=amount)
            for amount in amounts
        ],
        **fields,
    )
    rows = list(Payment.objects.filter(order=order).order_by("pk"))
    for index, payment in enumerate(rows, 1):
        payment.account, payment.reference = "card", f"pay_{order.number}_{index}"
        payment.save(update_fields=["account", "reference"])
    return order, rows


def create_approved_plan(order: Order) -> CancellationPlan:
    """A plan for the order's first item, whose case is approved."""
    with zeal.zeal_ignore():
        [item, *_] = factories.items_of(order)
        plan = CancellationPlan.objects.create(
            order=order,
            plan_type="cancel",
            status="approved",
            refund_minor=item.goods_minor,
            created_by_kind="system",
            modified_by_kind="system",
            created_date=NOW,
            modified_date=NOW,
        )
        factories.create_case(item=item, status="approved", plan=plan, item_status_before=400)
        return plan


def leg(payment: Payment, amount: int, means: Means = Means.ORIGINAL, **fields: Any) -> RefundLeg:
    """A leg of one part."""
    part: dict[str, Any] = {
        "order_item": None,
        "units": 1,
        "goods": amount,
        "discount": 0,
        "shipping": 0,
        "fee": 0,
        "interest": 0,
        "adjustment": 0,
        "tax": 0,
        "tax_rate": Decimal(0),
    }
    return RefundLeg(payment.pk, means, amount, (DueItem(**part | fields),))


def plan(order: Order, plan_id: int, legs: Sequence[RefundLeg], **fields: Any) -> list[Refund]:
    """Plan refunds as a command does: in its transaction, under the order's lock."""
    defaults: dict[str, Any] = {"actor": SYSTEM, "now": NOW}
    with zeal.zeal_ignore(), transaction.atomic():
        lock_orders([OrderId(order.pk)])
        ids = plan_refunds(OrderId(order.pk), plan_id, legs, **defaults | fields)
        return list(Refund.objects.filter(pk__in=ids).order_by("pk"))


def create_refund(amount: int = 400, *, goods: int = 1000, **fields: Any) -> Refund:
    """A planned refund of an approved plan, through the account `card`."""
    if not PaymentAccount.objects.filter(code="card").exists():
        create_account()
    means = fields.pop("means", Means.ORIGINAL)
    order, [payment] = create_charged_order(goods=goods)
    [refund] = plan(order, create_approved_plan(order).pk, [leg(payment, amount, means)], **fields)
    return refund


def entry_of(
    refund: Refund, status: RefundStatus = RefundStatus.CONFIRMED, **fields: Any
) -> ProviderRefund:
    """How a provider lists a refund."""
    values: dict[str, Any] = {
        "provider_refund": f"re_{refund.uuid.hex[:8]}",
        "reference": refund.uuid.hex,
        "status": status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
    }
    return ProviderRefund(**values | fields)


def stranger(amount: int = 100, **fields: Any) -> ProviderRefund:
    """A refund that somebody made in the provider's pages."""
    values: dict[str, Any] = {
        "provider_refund": "re_stranger",
        "reference": None,
        "status": RefundStatus.CONFIRMED,
        "amount_minor": amount,
        "currency": "try",
    }
    return ProviderRefund(**values | fields)


def state_of(*entries: ProviderRefund, **fields: Any) -> PaymentState:
    """The state of a payment of 10.00 with these refunds."""
    moved = [entry for entry in entries if entry.status is not RefundStatus.FAILED]
    values: dict[str, Any] = {
        "currency": "try",
        "captured_minor": 1000,
        "refunded_minor": sum(entry.amount_minor for entry in moved),
        "charged_back_minor": 0,
        "has_open_dispute": False,
        "refunds": entries,
        "is_test": False,
    }
    return PaymentState(**values | fields)


def balances(payment: Payment | int) -> tuple[int, int, int, int]:
    """Reserved, refunded, found and charged back."""
    pk = payment if isinstance(payment, int) else payment.pk
    with zeal.zeal_ignore():
        row = Payment.objects.get(pk=pk)
    return row.reserved_minor, row.refunded_minor, row.found_minor, row.charged_back_minor


def case_of(refund: Refund) -> CancellationRequest:
    with zeal.zeal_ignore():
        return CancellationRequest.objects.get(plan_id=refund.plan_id)


def reload(refund: Refund) -> Refund:
    with zeal.zeal_ignore():
        return Refund.objects.get(pk=refund.pk)
