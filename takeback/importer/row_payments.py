"""Reads the payments of an order from the records of a CSV file."""

from collections.abc import Sequence
from dataclasses import replace

from takeback.core.money import show
from takeback.importer import parsers
from takeback.importer.columns import Columns, Values
from takeback.importer.mapping import PaymentFields
from takeback.importer.report import RowRefused
from takeback.importer.row_values import ValueReader
from takeback.orders.order_input import (
    PAYMENTS_MAX,
    UNKNOWN_KIND,
    OrderIn,
    PaymentIn,
    repeated_payments,
)

_SHARED = frozenset({"account", "kind", "provider_order", "currency"})
"""Fields whose single value holds for all payments of a record."""
_FACTS = frozenset({"reference", "provider_order", "currency", "amount", "captured"})
"""Fields that say something about the payment of this order."""


class PaymentReader:
    """The payment section of a mapping, bound to the header."""

    def __init__(self, section: PaymentFields, columns: Columns, values: ValueReader) -> None:
        self._fields = columns.readers(section)
        self._separator = section.separator
        self._values = values

    def read(self, values: Values, order: OrderIn, due: int) -> list[PaymentIn]:
        """The payments of an order of this amount; none if the record says nothing about them.

        A single payment is the whole amount. Ids of several payments without amounts are left
        out: nobody knows how much each of them may give back.
        """
        cells = {name: self._texts(read(values)) for name, read in self._fields.items()}
        count = max(len(cells[name]) for name in _FACTS)
        if count > PAYMENTS_MAX:
            raise RowRefused("payment", f"an order has at most {PAYMENTS_MAX} payments")
        is_whole = not cells["amount"]
        if count > 1 and is_whole:
            count = 1
            cells = {name: texts if len(texts) == 1 else [] for name, texts in cells.items()}
        payments = [
            self._payment(
                {name: _at(name, texts, n, count) for name, texts in cells.items()}, order
            )
            for n in range(count)
        ]
        if is_whole:
            payments = [replace(payment, amount_minor=due) for payment in payments]
        _check(payments, order.currency)
        return payments

    def _texts(self, cell: str) -> list[str]:
        """The texts of the payments in a cell."""
        texts = cell.split(self._separator) if self._separator else [cell]
        texts = [text.strip() for text in texts]
        return texts if any(texts) else []

    def _payment(self, texts: dict[str, str], order: OrderIn) -> PaymentIn:
        """An account without an id of the payment is left out: it is that of other orders."""
        reference = parsers.provider_id("reference", texts["reference"])
        provider_order = parsers.provider_id("provider_order", texts["provider_order"])
        account = parsers.provider_id("account", texts["account"])
        return PaymentIn(
            kind=parsers.limited_text("kind", texts["kind"]) or order.payment_type or UNKNOWN_KIND,
            amount_minor=self._values.amount("amount", texts["amount"], order.currency) or 0,
            captured_minor=self._values.amount("captured", texts["captured"], order.currency),
            account=account if reference or provider_order else None,
            reference=reference,
            provider_order=provider_order,
            currency=parsers.currency(texts["currency"]) if texts["currency"] else None,
        )


def _at(name: str, texts: Sequence[str], position: int, count: int) -> str:
    """The text of one of the payments."""
    if len(texts) == count:
        return texts[position]
    if len(texts) > 1 or (texts and name not in _SHARED):
        reason = f"{name} has {len(texts)} values, but the order has {count} payments"
        raise RowRefused("payment", reason)
    return texts[0] if texts else ""


def _check(payments: Sequence[PaymentIn], currency: str) -> None:
    for payment in payments:
        captured, amount = payment.captured_minor or 0, payment.amount_minor
        if captured > amount:
            texts = f"{show(captured, currency)}", f"{show(amount, currency)} {currency.upper()}"
            raise RowRefused("payment", f"captured {texts[0]} exceeds the payment of {texts[1]}")
    for position in repeated_payments((payment.account, payment.reference) for payment in payments):
        reference = payments[position].reference
        raise RowRefused("payment", f"two payments have the reference {reference!r}")
