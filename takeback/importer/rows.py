"""Reads the records of a CSV file: items with their numbers, of an order or of a cancellation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.core import money
from takeback.importer import parsers
from takeback.importer.columns import Columns, Values
from takeback.importer.mapping import Layout, PackedItems
from takeback.importer.report import RowRefused
from takeback.importer.row_orders import ItemRow, OrderBuilder
from takeback.importer.row_values import ValueReader
from takeback.orders.order_input import OrderIn
from takeback.orders.statuses import ENDED

ORDER, CANCELLATION, ADJUSTMENT = "order", "cancellation", "adjustment"

AMOUNT_MAX = 10**15
"""Minor units of one item; more is a mistake in the file."""


class Reversal(NamedTuple):
    """A record that cancels units of earlier items of the same customer."""

    line: int
    number: str
    customer: CustomerIn
    sku: str
    units: int
    amount_minor: int
    currency: str
    at: datetime


class RowParser:
    """A mapping bound to the header of one file."""

    def __init__(self, layout: Layout, header: Sequence[str]) -> None:
        columns = Columns(header, layout.remove_suffix, layout.remove_prefix)
        self._layout = layout
        self._values = values = ValueReader(layout, columns)
        self._number = columns.reader(layout.order.number)
        self._currency = columns.reader(layout.order.currency)
        self._sku = columns.reader(layout.item.sku)
        self._quantity = columns.reader(layout.item.quantity)
        self._packed = _PackedCell(layout.packed, columns, values) if layout.packed else None
        self._skip = columns.reader(layout.rows.skip) if layout.rows.skip else None
        self._orders = OrderBuilder(layout, columns, values)
        self.fills_down = layout.fill_down

    def number(self, values: Values) -> str:
        """The order number; empty if the record has none."""
        try:
            return self._number(values).strip()
        except IndexError:
            return ""

    def kind(self, number: str) -> str:
        """Whether a record with this number is an order, a cancellation or an adjustment."""
        kinds = self._layout.rows
        if kinds.cancellation and number.startswith(kinds.cancellation):
            return CANCELLATION
        if kinds.adjustment and number.startswith(kinds.adjustment):
            return ADJUSTMENT
        return ORDER

    def is_skipped(self, values: Values) -> bool:
        """Whether the mapping skips this record."""
        return self._skip is not None and bool(self._skip(values).strip())

    def fill(self, values: list[str], known: dict[int, str]) -> None:
        """Fill the order's empty columns with `known` values, and add its other values to them."""
        for position in self._orders.order_positions:
            if values[position]:
                known.setdefault(position, values[position])
            elif position in known:
                values[position] = known[position]

    def item_rows(self, line: int, number: str, values: Values) -> list[ItemRow]:
        """The items of a record, or `RowRefused`. Only a packed cell holds more than one."""
        if self._packed is None:
            return [self.item_row(line, number, values)]
        currency = parsers.currency(self._currency(values))
        number = self._limited_number(number)
        return [
            ItemRow(
                line, number, values, self._limited_sku(item.sku, values), *item[1:3], currency
            )._replace(name=item.name)
            for item in self._packed.items(values, currency)
        ]

    def item_row(self, line: int, number: str, values: Values) -> ItemRow:
        """The record with its numbers parsed, or `RowRefused`."""
        currency = parsers.currency(self._currency(values))
        quantity = parsers.quantity(self._values.plain(self._quantity(values), "quantity"))
        amount = self._values.item_amount(values, quantity, currency)
        if abs(amount) > AMOUNT_MAX:
            raise RowRefused("amount", "the line's amount is out of range")
        if not quantity:
            quantity = self._ended_quantity(values)
        sku = self._limited_sku("", values)
        return ItemRow(line, self._limited_number(number), values, sku, quantity, amount, currency)

    def order(self, rows: Sequence[ItemRow], known: Mapping[int, str] | None = None) -> OrderIn:
        """The order of these records; its own fields are those of the first record."""
        return self._orders.order(rows, known or {})

    def reversal(self, row: ItemRow) -> Reversal:
        if row.quantity >= 0:
            raise RowRefused("quantity", "a cancellation needs a negative quantity")
        return Reversal(
            row.line,
            row.number,
            self._orders.customer(row.values),
            row.sku,
            -row.quantity,
            -row.amount_minor,
            row.currency,
            self._values.placed_at(row.values),
        )

    def _limited_number(self, number: str) -> str:
        if not number:
            raise RowRefused("missing", "the record has no number")
        return parsers.order_number(number)

    def _limited_sku(self, sku: str, values: Values) -> str:
        sku = parsers.limited_text("sku", sku or self._sku(values).strip())
        if not sku:
            raise RowRefused("missing", "the record has no sku")
        return sku

    def _ended_quantity(self, values: Values) -> int:
        """Files write 0 units of a cancelled item: it is one unit."""
        if self._orders.status(values) not in ENDED:
            raise RowRefused("quantity", "not a quantity: '0'")
        return 1


class _PackedItem(NamedTuple):
    sku: str
    quantity: int
    amount_minor: int
    name: str


class _PackedCell:
    """A cell that holds all items of an order, such as `A x 2 | B x 1`."""

    def __init__(self, packed: PackedItems, columns: Columns, values: ValueReader) -> None:
        self._cell = columns.reader(packed.items)
        self._pattern = re.compile(packed.pattern)
        self._separator = packed.separator
        self._is_shared = packed.share_amount
        self._values = values

    def items(self, values: Values, currency: str) -> Iterator[_PackedItem]:
        texts = [text.strip() for text in self._cell(values).split(self._separator)]
        matches = [self._match(text) for text in texts if text]
        if not matches:
            raise RowRefused("missing", "the record has no items")
        quantities = [self._quantity(match) for match in matches]
        if self._is_shared:
            amounts = money.split(self._values.goods_total(values, currency), quantities)
        else:
            amounts = [
                self._values.amount_of(
                    match.get("unit_price", ""), match.get("amount", ""), quantity, currency
                )
                for match, quantity in zip(matches, quantities, strict=True)
            ]
        for match, quantity, amount in zip(matches, quantities, amounts, strict=True):
            yield _PackedItem(
                match.get("sku", "").strip(), quantity, amount, match.get("name", "").strip()
            )

    def _match(self, text: str) -> dict[str, str]:
        match = self._pattern.fullmatch(text)
        if match is None:
            raise RowRefused("items", f"not an item of the pattern: {text[:60]!r}")
        return {name: value or "" for name, value in match.groupdict().items()}

    def _quantity(self, match: Mapping[str, str]) -> int:
        text = match.get("quantity") or "1"
        quantity = parsers.quantity(self._values.plain(text, "quantity"))
        if quantity < 1:
            raise RowRefused("quantity", f"not a quantity: {text[:40]!r}")
        return quantity
