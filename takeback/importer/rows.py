"""From the records of an order to the order, or why not, decided from values alone."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn
from takeback.core import money
from takeback.importer import parsers
from takeback.importer.mapping import Columns, CustomerFields, Layout, Value, Values
from takeback.importer.report import RowRefused
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.statuses import status_of

REGISTERED, GUEST = "registered", "guest"
ORDER, CANCELLATION, ADJUSTMENT = "order", "cancellation", "adjustment"

WORTH_MAX = 10**15
"""Minor units of one line; more is a mistake in the file."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_COUNTRY = re.compile(r"[a-z]{2}")
_PRODUCTS_MOST = 20_000


class Line(NamedTuple):
    """A record whose figures could be read; `worth` in minor units, with its sign."""

    line: int
    number: str
    values: Values
    sku: str
    quantity: int
    worth: int
    currency: str


class Reversal(NamedTuple):
    """A record that undoes earlier lines of the same customer."""

    line: int
    number: str
    customer: CustomerIn
    sku: str
    units: int
    worth: int
    currency: str
    at: datetime


class _Person:
    """One of the mapping's customers, bound to the header."""

    def __init__(self, fields: CustomerFields, columns: Columns, user_type: str) -> None:
        self._code = columns.value(fields.code)
        self._email = columns.value(fields.email)
        self._names = {
            name: columns.value(getattr(fields, name))
            for name in ("first_name", "last_name", "phone")
        }
        self._needs_code = bool(fields.code)
        self._user_type = user_type
        self._attributes = fields.attributes

    def of(self, values: Values) -> CustomerIn | None:
        """The customer, or None if the record names none of this kind."""
        code, email = self._code(values).strip(), self._email(values).strip()
        if not email or (self._needs_code and not code):
            return None
        if not _EMAIL.fullmatch(parsers.fitting("email", email)):
            raise RowRefused("email", "not an e-mail address")
        return CustomerIn(
            email=email,
            user_type=self._user_type,
            channel_code=parsers.fitting("code", code) or None,
            attributes=self._attributes,
            **{name: parsers.fitting(name, value(values)) for name, value in self._names.items()},
        )


class Table:
    """A mapping bound to the header of one file."""

    def __init__(self, layout: Layout, header: Sequence[str]) -> None:
        columns = Columns(header, layout.remove_suffix)
        self._layout = layout
        self._number = columns.value(layout.order.number)
        self._currency = columns.value(layout.order.currency)
        self._placed_at = columns.value(layout.order.placed_at)
        self._status = columns.value(layout.order.status)
        self._order = _values(columns, layout.order, _ORDER_TEXTS)
        self._amounts = _values(columns, layout.order, _ORDER_AMOUNTS)
        self._address = _values(columns, layout.address, _ADDRESS_TEXTS)
        self._people = [
            _Person(fields, columns, user_type)
            for fields, user_type in ((layout.customer, REGISTERED), (layout.guest, GUEST))
            if fields
        ]
        self._sku = columns.value(layout.item.sku)
        self._name = columns.value(layout.item.name)
        self._quantity = columns.value(layout.item.quantity)
        self._unit_price = columns.value(layout.item.unit_price)
        self._line_amount = columns.value(layout.item.amount)
        self._line_discount = columns.value(layout.item.discount)
        self._tax_rate = columns.value(layout.item.tax_rate)
        self._once = columns.used_by(*_said_once(layout))
        self._products: dict[tuple[str, str], dict[str, Any]] = {}

    def number(self, values: Values) -> str:
        """The order's number; empty if the record has none."""
        try:
            return self._number(values).strip()
        except IndexError:
            return ""

    def kind(self, number: str) -> str:
        """What a record with this number is about."""
        kinds = self._layout.rows
        if kinds.cancellation and number.startswith(kinds.cancellation):
            return CANCELLATION
        if kinds.adjustment and number.startswith(kinds.adjustment):
            return ADJUSTMENT
        return ORDER

    def line(self, line: int, number: str, values: Values) -> Line:
        """The record with its figures read, or `RowRefused`."""
        currency = parsers.currency(self._currency(values))
        quantity = parsers.whole(self._quantity(values))
        worth = self._worth(values, quantity, currency)
        sku = parsers.fitting("sku", self._sku(values).strip())
        if not number or not sku:
            raise RowRefused("missing", "the record has no " + ("sku" if number else "number"))
        return Line(line, parsers.fitting("number", number), values, sku, quantity, worth, currency)

    def order(self, lines: Sequence[Line]) -> OrderIn:
        """All records of one order as an order; its own fields are those of the first record."""
        first = lines[0].values
        said = [[line.values[place] for place in self._once] for line in lines]
        if any(values != said[0] for values in said):
            raise RowRefused("rows_disagree", "the order's records contradict each other")
        currency = lines[0].currency
        status = status_of(self._status(first))
        if status is None:
            raise RowRefused("status", "unknown status")
        amounts = {
            name: self._minor(value(first), currency) for name, value in self._amounts.items()
        }
        texts: dict[str, Any] = {
            name: parsers.fitting(name, value(first).strip()) for name, value in self._order.items()
        }
        texts["notes"] = texts["notes"] or None
        return OrderIn(
            number=lines[0].number,
            currency=currency,
            placed_at=self.moment(first),
            customer=self.customer(first),
            shipping_address=self._address_of(first),
            items=[
                self._item(line, str(place), status, currency)
                for place, line in enumerate(lines, start=1)
            ],
            amount_minor=amounts["amount"],
            discount_minor=amounts["discount"],
            shipping_minor=amounts["shipping"] or 0,
            fee_minor=amounts["fee"] or 0,
            **texts,
        )

    def reversal(self, line: Line) -> Reversal:
        """A record of a cancellation."""
        if line.quantity >= 0:
            raise RowRefused("quantity", "a cancellation needs a negative quantity")
        return Reversal(
            line.line,
            line.number,
            self.customer(line.values),
            line.sku,
            -line.quantity,
            -line.worth,
            line.currency,
            self.moment(line.values),
        )

    def customer(self, values: Values) -> CustomerIn:
        """Registered if the record names one, else the guest that the mapping describes."""
        for person in self._people:
            found = person.of(values)
            if found:
                return found
        raise RowRefused("missing", "the record has no customer")

    def moment(self, values: Values) -> datetime:
        """When the order was placed, in UTC; a time without a zone is in the mapping's."""
        text = self._placed_at(values).strip()
        layout = self._layout
        try:
            if layout.time_format:
                found = datetime.strptime(text, layout.time_format)  # noqa: DTZ007 - zone below
            else:
                found = datetime.fromisoformat(text)
            aware = found if found.tzinfo else found.replace(tzinfo=layout.zone)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RowRefused("date", f"not a date: {text[:40]!r}") from error

    def _item(self, line: Line, remote_id: str, status: int, currency: str) -> ItemIn:
        values = line.values
        return ItemIn(
            remote_id=remote_id,
            sku=line.sku,
            product=self._product(line.sku, self._name(values).strip()),
            goods_minor=line.worth,
            quantity=line.quantity,
            status=status,
            discount_minor=self._minor(self._line_discount(values), currency),
            tax_rate=parsers.rate(self._tax_rate(values)),
        )

    def _product(self, sku: str, name: str) -> dict[str, Any]:
        """One document per product: lines that share it are stored by it."""
        key = (sku, name)
        found = self._products.get(key)
        if found is None:
            if len(self._products) >= _PRODUCTS_MOST:
                self._products.clear()
            found = {"sku": sku, "base_code": sku, "name": parsers.fitting("name", name) or sku}
            self._products[key] = found
        return found

    def _address_of(self, values: Values) -> AddressIn:
        texts: dict[str, Any] = {
            name: parsers.fitting(name, value(values).strip())
            for name, value in self._address.items()
        }
        told = texts.pop("country")
        code = self._layout.countries.get(told, told).lower()
        if not _COUNTRY.fullmatch(code):
            raise RowRefused("country", f"unknown country: {told[:40]!r}")
        if not texts["line"] or not texts["city"]:
            raise RowRefused("missing", "the record has no address")
        texts |= {name: texts[name] or None for name in _ADDRESS_OPTIONAL}
        return AddressIn(
            country=code,
            country_name=told if told in self._layout.countries else None,
            extra_field=self._layout.address.extra_field or None,
            **texts,
        )

    def _worth(self, values: Values, quantity: int, currency: str) -> int:
        """The line's amount, half up; told twice, both must say the same."""
        price = self._plain(self._unit_price(values))
        told = self._minor(self._line_amount(values), currency)
        worth = told
        if price:
            worth = parsers.half_up(parsers.decimal(price) * quantity, money.decimals(currency))
        if worth is None:
            raise RowRefused("missing", "the record has no price")
        if told is not None and told != worth:
            raise RowRefused("amount", "quantity and price do not make the line's amount")
        if abs(worth) > WORTH_MAX:
            raise RowRefused("amount", "the line's amount is out of range")
        return worth

    def _minor(self, text: str, currency: str) -> int | None:
        plain = self._plain(text) if text else ""
        if not plain:
            return None
        try:
            return money.parse(plain, currency)
        except money.NotAnAmount as error:
            raise RowRefused("amount", f"not an amount in {currency}: {plain[:40]!r}") from error

    def _plain(self, text: str) -> str:
        """The number with a point, however the file writes it."""
        text = text.strip()
        return text if self._layout.decimal == "." else text.replace(self._layout.decimal, ".")


_ORDER_TEXTS = ("payment_type", "notes", "language_code")
_ORDER_AMOUNTS = ("amount", "discount", "shipping", "fee")
_ADDRESS_OPTIONAL = ("township", "district", "postcode")
_ADDRESS_TEXTS = (
    "line",
    "city",
    "country",
    "first_name",
    "last_name",
    "phone_number",
    *_ADDRESS_OPTIONAL,
)


def _values(columns: Columns, fields: Any, names: Sequence[str]) -> dict[str, Value]:
    return {name: columns.value(getattr(fields, name)) for name in names}


def _said_once(layout: Layout) -> list[str]:
    """Templates that every record of an order must fill alike; only its time may vary."""
    order, address = layout.order, layout.address
    once = ("currency", "status", *_ORDER_TEXTS, *_ORDER_AMOUNTS)
    templates = [getattr(order, name) for name in once]
    templates += [getattr(address, name) for name in _ADDRESS_TEXTS]
    for person in (layout.customer, layout.guest):
        if person:
            templates += [person.email, person.code]
    return templates
