"""The money of an order: its payments, its refunds and its ledger, by three queries."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from takeback.accounts.models import User
from takeback.orders.models import Payment
from takeback.refunds.models import LedgerEntry, Refund, RefundPart
from takeback.refunds.statuses import Status


class PaymentRow(NamedTuple):
    """A payment and what became of its money, in minor units of its currency."""

    id: int
    kind: str
    account: str | None
    reference: str | None
    provider_order: str | None
    currency: str | None
    captured_minor: int
    reserved_minor: int
    refunded_minor: int
    found_minor: int
    charged_back_minor: int
    has_open_dispute: bool
    observed_at: datetime | None

    @property
    def left_minor(self) -> int:
        """What can still be refunded; facts of the provider can make it negative."""
        spent = self.refunded_minor + self.reserved_minor + self.found_minor
        return self.captured_minor - spent - self.charged_back_minor


class RefundRow(NamedTuple):
    """A refund with its account, and the names of the staff who requested and approved it."""

    id: int
    uuid: UUID
    plan_id: int
    payment_id: int
    means: str
    amount_minor: int
    currency: str
    status: str
    attention: str
    provider_refund: str | None
    failure_code: str
    replaces_id: int | None
    replacement__id: int | None
    needs_second_person: bool
    requested_by_kind: str
    requested_by_number: int | None
    approved_by_number: int | None
    evidence: str
    consent: str
    sends: int
    first_sent_at: datetime | None
    due_by: date | None
    confirmed_at: datetime | None
    returned_at: datetime | None
    created_date: datetime
    modified_date: datetime
    account__code: str | None
    account__paused_because: str | None
    account__is_test: bool | None
    account__limit_each_minor: int | None
    requester: str | None
    approver: str | None

    @property
    def waits_for_second_person(self) -> bool:
        return (
            self.needs_second_person
            and self.approved_by_number is None
            and self.status != Status.CANCELLED
        )


class EntryRow(NamedTuple):
    """One side of a booking in the ledger."""

    seq: int
    cause: str
    account_code: str
    amount_minor: int
    currency: str
    tax_rate: Decimal | None
    refund_id: int | None
    at: datetime


class PartRow(NamedTuple):
    """What a refund gives back of one item, or of the order as a whole."""

    order_item_id: int | None
    order_item__sku: str | None
    units: int
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    fee_minor: int
    interest_minor: int
    adjustment_minor: int
    tax_minor: int


class Money(NamedTuple):
    """The rows of an order, each kind in the order of its creation."""

    payments: list[PaymentRow]
    refunds: list[RefundRow]
    entries: list[EntryRow]

    def of_plan(self, plan_id: int | None) -> "Money":
        """All payments, and the refunds of a plan with their ledger entries."""
        refunds = [row for row in self.refunds if row.plan_id == plan_id]
        ids = {row.id for row in refunds}
        return Money(self.payments, refunds, [row for row in self.entries if row.refund_id in ids])


def money_of_order(order_id: int) -> Money:
    """All payments, refunds and ledger entries of an order."""
    payments = Payment.objects.filter(order_id=order_id).order_by("pk")
    entries = LedgerEntry.objects.filter(order_id=order_id).order_by("seq", "side")
    return Money(
        [PaymentRow(*row) for row in payments.values_list(*PaymentRow._fields)],
        _refund_rows(Refund.objects.filter(order_id=order_id)),
        [EntryRow(*row) for row in entries.values_list(*EntryRow._fields)],
    )


def _refund_rows(refunds: "QuerySet[Refund]") -> list[RefundRow]:
    requester = User.objects.filter(pk=OuterRef("requested_by_number"), is_staff=True)
    approver = User.objects.filter(pk=OuterRef("approved_by_number"), is_staff=True)
    named = refunds.annotate(
        requester=Subquery(requester.values("username")),
        approver=Subquery(approver.values("username")),
    )
    return [RefundRow(*row) for row in named.order_by("pk").values_list(*RefundRow._fields)]


def parts_of_refund(refund_id: int) -> list[PartRow]:
    """What a refund gives back, by item; the part of the order as a whole is the last one."""
    parts = RefundPart.objects.filter(refund_id=refund_id)
    rows = [PartRow(*row) for row in parts.order_by("pk").values_list(*PartRow._fields)]
    return sorted(rows, key=lambda row: row.order_item_id is None)


def refunds_total(refunds: Iterable[RefundRow], statuses: Collection[Status]) -> int:
    """The sum of the refunds with one of these statuses that no other refund replaces."""
    return sum(
        refund.amount_minor
        for refund in refunds
        if refund.status in statuses and refund.replacement__id is None
    )


def left_of_order(payments: Collection[PaymentRow], refunded_elsewhere_minor: int) -> int:
    """What an order has left to refund.

    Refunds that other systems reported count as far as they exceed those that were made in the
    provider's pages: the same money may be reported by both.
    """
    reported_by_providers = sum(payment.found_minor for payment in payments)
    excess = max(0, refunded_elsewhere_minor - reported_by_providers)
    return sum(payment.left_minor for payment in payments) - excess
