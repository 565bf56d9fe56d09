"""A payment as the merge rule compares it: stored, updated, and while it changes (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from takeback.orders.order_input import UNKNOWN_KIND, PaymentIn

IDS: Final = ("account", "reference", "provider_order")
"""The columns by which a provider knows a payment."""

_COLUMNS: Final = {"amount": "amount_minor", "captured": "captured_minor"}
_COMPARED: Final = ("kind", "amount", "captured", *IDS, "currency")


class StoredPayment(NamedTuple):
    """A payment of the stored order."""

    id: int
    kind: str
    amount: int
    captured: int
    account: str | None = None
    reference: str | None = None
    provider_order: str | None = None
    currency: str | None = None
    own_refunds: int = 0
    """What our refunds have taken or reserved of it."""
    is_untouched: bool = True
    """Whether it has no refund, reservation, chargeback or dispute."""


class PaymentUpdate(NamedTuple):
    """What a sender says of one payment of the order; None: it does not say it."""

    kind: str | None = None
    amount: int | None = None
    captured: int | None = None
    account: str | None = None
    reference: str | None = None
    provider_order: str | None = None
    currency: str | None = None

    @classmethod
    def of(cls, payment: PaymentIn) -> "PaymentUpdate":
        """The update that a received order contains."""
        return cls(
            payment.kind,
            payment.amount_minor,
            payment.captured_minor,
            payment.account,
            payment.reference,
            payment.provider_order,
            payment.currency,
        )


@dataclass(slots=True)
class PaymentRow:
    """A payment during the merge; a new one has no id."""

    id: int | None
    kind: str
    amount: int
    captured: int
    account: str | None = None
    reference: str | None = None
    provider_order: str | None = None
    currency: str | None = None
    own_refunds: int = 0
    """What our refunds have taken or reserved of it."""
    is_untouched: bool = True
    is_matched: bool = False

    @property
    def can_be_divided(self) -> bool:
        """Whether it may turn out to be several: nothing is bound to it yet."""
        return self.reference is None and self.is_untouched

    def can_be(self, update: PaymentUpdate) -> bool:
        """Whether an update may concern this payment."""
        is_same_amount = update.amount in (None, self.amount)
        return is_same_amount and self.has_kind(update) and not self.differing_ids(update)

    def can_contain(self, update: PaymentUpdate) -> bool:
        """Whether the payment of an update may be one capture of this payment."""
        return (
            self.can_be_divided
            and update.reference is not None
            and 0 < (update.amount or 0) < self.amount
            and self.has_kind(update)
            and not self.differing_ids(update)
        )

    def has_kind(self, update: PaymentUpdate) -> bool:
        """Whether both may be of one kind; an unknown kind may be any."""
        return update.kind in (None, self.kind) or UNKNOWN_KIND in (self.kind, update.kind)

    def has_reference(self, update: PaymentUpdate) -> bool:
        return update.reference is not None and self.reference == update.reference

    def differing_ids(self, update: PaymentUpdate) -> list[str]:
        """The names of ids that are known on both sides, and differ."""
        known = {name: (getattr(self, name), getattr(update, name)) for name in IDS}
        return [name for name, ids in known.items() if None not in ids and ids[0] != ids[1]]

    def as_input(self) -> PaymentIn:
        """The row of a new payment."""
        return PaymentIn(
            kind=self.kind,
            amount_minor=self.amount,
            captured_minor=self.captured,
            account=self.account,
            reference=self.reference,
            provider_order=self.provider_order,
            currency=self.currency,
        )


@dataclass(slots=True)
class PaymentChanges:
    """The new values of stored payments by id and column, and new payments."""

    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    added: list[PaymentIn] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.values or self.added)

    @property
    def amounts_change(self) -> bool:
        """Whether the database must add up the order again."""
        return bool(self.added) or any("amount_minor" in row for row in self.values.values())


def difference(stored: Sequence[StoredPayment], rows: Iterable[PaymentRow]) -> PaymentChanges:
    """What a merge has changed; the rows of new payments have no id."""
    before = {payment.id: payment for payment in stored}
    changes = PaymentChanges()
    for row in rows:
        if row.id is None:
            changes.added.append(row.as_input())
            continue
        values = {
            _COLUMNS.get(name, name): getattr(row, name)
            for name in _COMPARED
            if getattr(row, name) != getattr(before[row.id], name)
        }
        if values:
            changes.values[row.id] = values
    return changes
