"""Reads the amounts and times of a record as its mapping describes them."""

from datetime import UTC, datetime

from takeback.core import clock, dates, money
from takeback.importer import parsers
from takeback.importer.columns import Columns, FieldReader, Values, nothing
from takeback.importer.mapping import Layout
from takeback.importer.report import RowRefused

_ABSOLUTE = frozenset({"discount", "refunded"})
"""Some systems write what they deduct with a minus."""


class ValueReader:
    """The amounts and times of a mapping, bound to the header; it reads only what is mapped."""

    def __init__(self, layout: Layout, columns: Columns) -> None:
        self._numbers = parsers.Numbers(layout.decimal)
        self.plain = self._numbers.plain
        self._format, self._zone = layout.time_format, layout.zone
        self._order = _mapped(columns.readers(layout.order))
        self._item = _mapped(columns.readers(layout.item))
        self._unit_price = self._item.get("unit_price", nothing)
        self._item_amount = self._item.get("amount", nothing)
        self._placed_at = self._order["placed_at"]
        self._now = clock.now()

    def order_amount(self, name: str, values: Values, currency: str) -> int | None:
        """An amount of the order in minor units; None if the record states none."""
        read = self._order.get(name)
        return self._minor(name, read(values), currency) if read else None

    def amount(self, name: str, text: str, currency: str) -> int | None:
        """An amount in this text; None if there is none."""
        return self._minor(name, text, currency)

    def item_part(self, name: str, values: Values, currency: str) -> int | None:
        """An amount of the item other than its price; None if the record states none."""
        read = self._item.get(name)
        return self._minor(name, read(values), currency) if read else None

    def item_count(self, name: str, values: Values) -> int | None:
        """A number of units without its sign; None if the record states none."""
        read = self._item.get(name)
        text = read(values).strip() if read else ""
        return abs(parsers.quantity(self.plain(text, "quantity"))) if text else None

    def item_amount(self, values: Values, quantity: int, currency: str) -> int:
        """The item's amount, rounded half up; if price and amount are set, they must agree."""
        return self.amount_of(
            self._unit_price(values), self._item_amount(values), quantity, currency
        )

    def amount_of(self, unit_price: str, amount: str, quantity: int, currency: str) -> int:
        """The amount of an item from these texts, as `item_amount`."""
        price = self.plain(unit_price) if unit_price else ""
        stated = result = self._minor("amount", amount, currency, is_item=True) if amount else None
        if price:
            result = parsers.round_half_up(
                parsers.decimal(price) * quantity, money.decimals(currency)
            )
        if result is None:
            raise RowRefused("missing", "the record has no price")
        if stated is not None and stated != result:
            raise RowRefused("amount", "quantity and price do not make the line's amount")
        return result

    def goods_total(self, values: Values, currency: str) -> int:
        """What the goods of an order cost, when only the order's amount is known."""
        amounts = {
            name: self.order_amount(name, values, currency) or 0
            for name in ("discount", "shipping", "fee")
        }
        total = self.order_amount("amount", values, currency)
        if total is None:
            raise RowRefused("missing", "the record has no amount")
        goods = total + amounts.pop("discount") - sum(amounts.values())
        if goods < 0:
            raise RowRefused("amount", "shipping and fees exceed the order's amount")
        return goods

    def placed_at(self, values: Values) -> datetime:
        """The order's time in UTC; a time without a zone is in that of the mapping."""
        return self._time(self._placed_at(values).strip())

    def event_time(self, name: str, values: Values) -> datetime | None:
        """When the item was shipped or delivered; by default when the order was."""
        for fields in (self._item, self._order):
            text = fields[name](values).strip() if name in fields else ""
            if text:
                return self._time(text)
        return None

    def _time(self, text: str) -> datetime:
        try:
            if self._format:
                time = datetime.strptime(text, self._format)  # noqa: DTZ007 - zone below
            else:
                time = datetime.fromisoformat(text)
            aware = time if time.tzinfo else time.replace(tzinfo=self._zone)
            utc = aware.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RowRefused("date", f"not a date: {text[:40]!r}") from error
        if not dates.has_happened(utc, self._now):
            raise RowRefused("date", f"not a date from 1970 until now: {text[:40]!r}")
        return utc

    def _minor(self, name: str, text: str, currency: str, *, is_item: bool = False) -> int | None:
        plain = self.plain(text) if text else ""
        if not plain:
            return None
        try:
            minor = money.parse(plain, currency)
        except money.NotAnAmount as error:
            raise RowRefused("amount", f"not an amount in {currency}: {plain[:40]!r}") from error
        if minor < 0 and name in _ABSOLUTE:
            return -minor
        if minor < 0 and not is_item:
            raise RowRefused("amount", f"{name} must not be negative: {plain[:40]}")
        return minor


def _mapped(readers: dict[str, FieldReader]) -> dict[str, FieldReader]:
    return {name: read for name, read in readers.items() if read is not nothing}
