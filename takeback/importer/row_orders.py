"""Builds an order from the records of a CSV file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.core.money import show
from takeback.importer import parsers
from takeback.importer.columns import Columns, FieldReader, Values
from takeback.importer.mapping import Layout, Template, is_importable, templates_of
from takeback.importer.report import RowRefused
from takeback.importer.row_customers import AddressReader, CustomerReader
from takeback.importer.row_payments import PaymentReader
from takeback.importer.row_values import ValueReader
from takeback.importer.taxes import StatedTaxes, add_taxes, parts_total
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.statuses import Status, status_of

_ORDER_TEXTS = ("payment_type", "notes", "language_code")
_TAXES = ("tax", "shipping_tax")
_PRODUCTS_MAX = 20_000


class ItemRow(NamedTuple):
    """A record whose numbers are valid; `amount_minor` and `quantity` have its sign."""

    line: int
    number: str
    values: Values
    sku: str
    quantity: int
    amount_minor: int
    currency: str
    name: str = ""
    """The name in a packed cell."""


class OrderBuilder:
    """A mapping bound to the header of one file."""

    def __init__(self, layout: Layout, columns: Columns, values: ValueReader) -> None:
        order = columns.readers(layout.order)
        self._values = values
        self._texts = {name: order[name] for name in _ORDER_TEXTS}
        self._name = columns.reader(layout.item.name)
        self._tax_rate = columns.reader(layout.item.tax_rate) if layout.item.tax_rate else None
        self._customers = CustomerReader(layout, columns)
        self._addresses = AddressReader(layout, columns)
        payment = layout.payment
        self._payments = PaymentReader(payment, columns, values) if payment else None
        self._words = layout.statuses
        self._is_stated = bool(layout.order.status or layout.item.status)
        self._order_status = columns.alternatives(layout.order.status)
        self._item_status = columns.alternatives(layout.item.status)
        self._prices = "gross" if layout.packed and layout.packed.share_amount else layout.prices
        self._has_taxes = bool(layout.item.tax) or any(
            getattr(layout.order, name) for name in _TAXES
        )
        item = layout.item
        self._has_units = bool(item.refunded_quantity or item.remaining_quantity)
        self._has_times = any(
            section.shipped_at or section.delivered_at for section in (layout.order, item)
        )
        self._has_refunds = bool(layout.order.refunded or item.refunded)
        self._may_round = bool(layout.order.amount)
        self._shared = columns.used_by(*_shared_templates(layout))
        self.order_positions = columns.used_by(*_order_templates(layout))
        self._fills_down = layout.fill_down
        self._products: dict[tuple[str, str], dict[str, Any]] = {}

    def order(self, rows: Sequence[ItemRow], known: Mapping[int, str]) -> OrderIn:
        """The order; `known` are the values of its columns that are not those of its first row."""
        values = self._order_values(rows, known)
        currency = rows[0].currency
        placed_at = self._values.placed_at(values)
        status = self._status(self._order_status, values)
        items = [
            self._item(row, str(position), status) for position, row in enumerate(rows, start=1)
        ]
        order = self._order(values, rows[0], items, placed_at)
        if self._has_taxes:
            self._add_taxes(order, rows, values)
        if self._has_refunds:
            refunded = self._values.order_amount("refunded", values, currency)
            self._add_refunds(order, refunded, rows)
        if self._payments:
            order.payments = self._payments.read(values, order, _charged(order))
        return order

    def status(self, values: Values) -> int:
        """The status of a record's item; refused if only other records state one."""
        status = self._status(self._item_status, values)
        if status is None:
            status = self._status(self._order_status, values)
        if status is None and self._is_stated:
            raise RowRefused("status", "the record has no status")
        return status or Status.DELIVERED

    def customer(self, values: Values) -> CustomerIn:
        return self._customers.read(values)

    def _order(
        self, values: Values, first: ItemRow, items: list[ItemIn], placed_at: datetime
    ) -> OrderIn:
        amounts = {
            name: self._values.order_amount(name, values, first.currency)
            for name in ("amount", "discount", "shipping", "fee")
        }
        texts: dict[str, Any] = {
            name: parsers.limited_text(name, read(values).strip())
            for name, read in self._texts.items()
        }
        texts["notes"] = texts["notes"] or None
        customer = self._customers.read(values)
        return OrderIn(
            number=first.number,
            currency=first.currency,
            placed_at=placed_at,
            customer=customer,
            shipping_address=self._addresses.read(values, customer),
            items=items,
            amount_minor=amounts["amount"],
            discount_minor=amounts["discount"],
            shipping_minor=amounts["shipping"],
            fee_minor=amounts["fee"],
            initial_status=Status.DELIVERED,
            may_round=self._may_round,
            **texts,
        )

    def _order_values(self, rows: Sequence[ItemRow], known: Mapping[int, str]) -> Values:
        """The values of the first row with those that other rows have for it."""
        first = rows[0].values
        if known:
            first = [known.get(position, value) for position, value in enumerate(first)]
        shared = [first[position] for position in self._shared]
        for row in rows:
            own = [row.values[position] for position in self._shared]
            if own != shared and not (known and _agrees(own, shared)):
                raise RowRefused("rows_disagree", "the order's records contradict each other")
        return first

    def _status(self, readers: Sequence[FieldReader], values: Values) -> int | None:
        """The first status of a list; None if the record states none."""
        for read in readers:
            text = read(values).strip()
            if not text:
                continue
            word = text.lower()
            code = self._words[word] if word in self._words else status_of(text)
            if code is None and word in self._words:
                continue
            if code is None or not is_importable(code):
                raise RowRefused("status", f"unknown status {text[:40]!r}: add it to [statuses]")
            return code
        return None

    def _item(self, row: ItemRow, remote_id: str, order_status: int | None) -> ItemIn:
        values, currency = row.values, row.currency
        status = self._status(self._item_status, values)
        status = order_status if status is None else status
        if status is None and self._is_stated:
            raise RowRefused("status", "the record has no status")
        shipped_at, delivered_at = self._event_times(values, status or Status.DELIVERED)
        return ItemIn(
            remote_id=remote_id,
            sku=row.sku,
            product=self._product(row.sku, row.name or self._name(values).strip()),
            goods_minor=row.amount_minor,
            quantity=row.quantity,
            status=status,
            discount_minor=self._values.item_part("discount", values, currency),
            tax_rate=parsers.tax_rate(self._tax_rate(values)) if self._tax_rate else None,
            shipped_date=shipped_at,
            delivered_date=delivered_at,
            refunded_elsewhere_quantity=self._refunded_units(row) if self._has_units else None,
        )

    def _event_times(self, values: Values, status: int) -> tuple[datetime | None, datetime | None]:
        """When the item was shipped and delivered, as far as its status says that it was."""
        shipped_at = delivered_at = None
        if self._has_times and status >= Status.SHIPPED:
            shipped_at = self._values.event_time("shipped_at", values)
        if self._has_times and status >= Status.DELIVERED:
            delivered_at = self._values.event_time("delivered_at", values)
        return shipped_at, delivered_at

    def _refunded_units(self, row: ItemRow) -> int | None:
        units = self._values.item_count("refunded_quantity", row.values)
        remaining = self._values.item_count("remaining_quantity", row.values)
        if units is None and remaining is not None:
            units = max(0, row.quantity - remaining)
        if units is not None and units > row.quantity:
            reason = f"{units} units are refunded, but the row has {row.quantity}"
            raise RowRefused("refunded", reason)
        return units

    def _add_taxes(self, order: OrderIn, rows: Sequence[ItemRow], values: Values) -> None:
        currency = order.currency
        taxes = [self._values.item_part("tax", row.values, currency) for row in rows]
        total, shipping = (self._values.order_amount(name, values, currency) for name in _TAXES)
        add_taxes(order, StatedTaxes(total, shipping, taxes), self._prices)

    def _add_refunds(self, order: OrderIn, refunded: int | None, rows: Sequence[ItemRow]) -> None:
        """Set what was paid back; the units, too, if everything was paid back."""
        currency = order.currency
        parts = [self._values.item_part("refunded", row.values, currency) for row in rows]
        if refunded is None and any(part is not None for part in parts):
            refunded = sum(part or 0 for part in parts)
        if refunded is None:
            return
        amount = _charged(order)
        if refunded > amount:
            raise RowRefused(
                "refunded",
                f"the refund of {show(refunded, currency)} {currency.upper()} exceeds the order's "
                f"amount of {show(amount, currency)} {currency.upper()}",
            )
        order.refunded_elsewhere_minor = refunded
        is_known = any(item.refunded_elsewhere_quantity is not None for item in order.items)
        if refunded and refunded == amount and not is_known:
            for item in order.items:
                item.refunded_elsewhere_quantity = item.quantity

    def _product(self, sku: str, name: str) -> dict[str, Any]:
        """One document per product: items that share it share one snapshot."""
        key = (sku, name)
        product = self._products.get(key)
        if product is None:
            if len(self._products) >= _PRODUCTS_MAX:
                self._products.clear()
            name = parsers.limited_text("name", name) or sku
            product = self._products[key] = {"sku": sku, "base_code": sku, "name": name}
        return product


def _charged(order: OrderIn) -> int:
    """The amount that the file states, else the sum of the parts."""
    return parts_total(order) if order.amount_minor is None else order.amount_minor


def _agrees(own: Sequence[str], shared: Sequence[str]) -> bool:
    """Whether the values are equal where the row has one."""
    return all(not value or value == other for value, other in zip(own, shared, strict=True))


def _order_templates(layout: Layout) -> list[Template]:
    """Templates of an order, its customer, its address and its payment."""
    sections = (layout.order, layout.address, layout.customer, layout.guest, layout.payment)
    return [text for section in sections if section for text in templates_of(section).values()]


def _shared_templates(layout: Layout) -> list[Template]:
    """Templates whose values are equal in all records of an order. Its times may vary."""
    order = templates_of(layout.order)
    varying = {"number", "placed_at", "shipped_at", "delivered_at"}
    shared = [order[name] for name in order.keys() - varying]
    for section in (layout.address, layout.payment):
        shared += templates_of(section).values() if section else []
    for customer in (layout.customer, layout.guest):
        if customer:
            shared += (customer.email, customer.code, customer.password_hash)
    return shared
