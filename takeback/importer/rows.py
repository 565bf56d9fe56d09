"""Builds an order, or the cancellation of items, from the records of a CSV file."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn
from takeback.core import clock, dates, money
from takeback.importer import parsers
from takeback.importer.mapping import (
    Columns,
    CustomerFields,
    Layout,
    Values,
    templates_of,
)
from takeback.importer.report import RowRefused
from takeback.orders.order_input import ItemIn, OrderIn
from takeback.orders.statuses import Status, status_of

REGISTERED, GUEST = "registered", "guest"
ORDER, CANCELLATION, ADJUSTMENT = "order", "cancellation", "adjustment"

AMOUNT_MAX = 10**15
"""Minor units of one item; more is a mistake in the file."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_COUNTRY = re.compile(r"[a-z]{2}")
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


class _CustomerReader:
    """A customer section of the mapping, bound to the header."""

    def __init__(self, section: CustomerFields, columns: Columns, user_type: str) -> None:
        self._names = columns.readers(section)
        self._code, self._email = self._names.pop("code"), self._names.pop("email")
        self._password_hash = self._names.pop("password_hash")
        self._needs_code = bool(section.code)
        self._user_type = user_type
        self._attributes = section.attributes

    def read(self, values: Values) -> CustomerIn | None:
        """The customer; None if the record has none of this type."""
        code, email = self._code(values).strip(), self._email(values).strip()
        if not email or (self._needs_code and not code):
            return None
        if not _EMAIL.fullmatch(parsers.limited_text("email", email)):
            raise RowRefused("email", "not an e-mail address")
        return CustomerIn(
            email=email,
            user_type=self._user_type,
            channel_code=parsers.limited_text("code", code) or None,
            attributes=self._attributes,
            password_hash=parsers.password_hash(self._password_hash(values)),
            **{
                name: parsers.limited_text(name, read(values)) for name, read in self._names.items()
            },
        )


class RowParser:
    """A mapping bound to the header of one file."""

    def __init__(self, layout: Layout, header: Sequence[str]) -> None:
        columns = Columns(header, layout.remove_suffix)
        self._layout = layout
        self._order_fields = columns.readers(layout.order)
        self._address_fields = columns.readers(layout.address)
        self._item_fields = columns.readers(layout.item)
        self._customers = [
            _CustomerReader(section, columns, user_type)
            for section, user_type in ((layout.customer, REGISTERED), (layout.guest, GUEST))
            if section
        ]
        self._shared = columns.used_by(*_shared_templates(layout))
        self._products: dict[tuple[str, str], dict[str, Any]] = {}

    def number(self, values: Values) -> str:
        """The order number; empty if the record has none."""
        try:
            return self._order_fields["number"](values).strip()
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

    def item_row(self, line: int, number: str, values: Values) -> ItemRow:
        """The record with its numbers parsed, or `RowRefused`."""
        currency = parsers.currency(self._order_fields["currency"](values))
        quantity = parsers.quantity(self._item_fields["quantity"](values))
        amount = self._amount(values, quantity, currency)
        sku = parsers.limited_text("sku", self._item_fields["sku"](values).strip())
        if not number or not sku:
            raise RowRefused("missing", "the record has no " + ("sku" if number else "number"))
        number = parsers.order_number(number)
        return ItemRow(line, number, values, sku, quantity, amount, currency)

    def order(self, rows: Sequence[ItemRow]) -> OrderIn:
        """The order of these records; its own fields are those of the first record."""
        first = rows[0].values
        shared = [[row.values[position] for position in self._shared] for row in rows]
        if any(values != shared[0] for values in shared):
            raise RowRefused("rows_disagree", "the order's records contradict each other")
        currency = rows[0].currency
        status = self._status(first)
        amounts = {
            name: self._minor(self._order_fields[name](first), currency) for name in _ORDER_AMOUNTS
        }
        texts: dict[str, Any] = {
            name: parsers.limited_text(name, self._order_fields[name](first).strip())
            for name in _ORDER_TEXTS
        }
        texts["notes"] = texts["notes"] or None
        return OrderIn(
            number=rows[0].number,
            currency=currency,
            placed_at=self._time(first),
            initial_status=Status.DELIVERED,
            customer=self._customer(first),
            shipping_address=self._address_of(first),
            items=[
                self._item(row, str(position), status, currency)
                for position, row in enumerate(rows, start=1)
            ],
            amount_minor=amounts["amount"],
            discount_minor=amounts["discount"],
            shipping_minor=amounts["shipping"],
            fee_minor=amounts["fee"],
            **texts,
        )

    def _status(self, values: Values) -> int | None:
        """The status of the record; None without a column of statuses."""
        if not self._layout.order.status:
            return None
        status = status_of(self._order_fields["status"](values))
        if status is None:
            raise RowRefused("status", "unknown status")
        return status

    def reversal(self, row: ItemRow) -> Reversal:
        if row.quantity >= 0:
            raise RowRefused("quantity", "a cancellation needs a negative quantity")
        return Reversal(
            row.line,
            row.number,
            self._customer(row.values),
            row.sku,
            -row.quantity,
            -row.amount_minor,
            row.currency,
            self._time(row.values),
        )

    def _customer(self, values: Values) -> CustomerIn:
        """The registered customer if the record has one, otherwise the guest of the mapping."""
        for reader in self._customers:
            customer = reader.read(values)
            if customer:
                return customer
        raise RowRefused("missing", "the record has no customer")

    def _time(self, values: Values) -> datetime:
        """The order's time in UTC; a time without a zone is in that of the mapping."""
        text = self._order_fields["placed_at"](values).strip()
        layout = self._layout
        try:
            if layout.time_format:
                time = datetime.strptime(text, layout.time_format)  # noqa: DTZ007 - zone below
            else:
                time = datetime.fromisoformat(text)
            aware = time if time.tzinfo else time.replace(tzinfo=layout.zone)
            moment = aware.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RowRefused("date", f"not a date: {text[:40]!r}") from error
        if not dates.has_happened(moment, clock.now()):
            raise RowRefused("date", f"not a date from 1970 until now: {text[:40]!r}")
        return moment

    def _item(self, row: ItemRow, remote_id: str, status: int | None, currency: str) -> ItemIn:
        values = row.values
        return ItemIn(
            remote_id=remote_id,
            sku=row.sku,
            product=self._product(row.sku, self._item_fields["name"](values).strip()),
            goods_minor=row.amount_minor,
            quantity=row.quantity,
            status=status,
            discount_minor=self._minor(self._item_fields["discount"](values), currency),
            tax_rate=parsers.tax_rate(self._item_fields["tax_rate"](values)),
        )

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

    def _address_of(self, values: Values) -> AddressIn:
        texts: dict[str, Any] = {
            name: parsers.limited_text(name, read(values).strip())
            for name, read in self._address_fields.items()
        }
        country = texts.pop("country")
        code = self._layout.countries.get(country, country).lower()
        if not _COUNTRY.fullmatch(code):
            raise RowRefused("country", f"unknown country: {country[:40]!r}")
        if not texts["line"] or not texts["city"]:
            raise RowRefused("missing", "the record has no address")
        texts |= {name: texts[name] or None for name in _ADDRESS_OPTIONAL}
        return AddressIn(
            country=code,
            country_name=country if country in self._layout.countries else None,
            extra_field=self._layout.address.extra_field or None,
            **texts,
        )

    def _amount(self, values: Values, quantity: int, currency: str) -> int:
        """The item's amount, rounded half up; if price and amount are set, they must agree."""
        price = self._plain(self._item_fields["unit_price"](values))
        named = amount = self._minor(self._item_fields["amount"](values), currency)
        if price:
            amount = parsers.round_half_up(
                parsers.decimal(price) * quantity, money.decimals(currency)
            )
        if amount is None:
            raise RowRefused("missing", "the record has no price")
        if named is not None and named != amount:
            raise RowRefused("amount", "quantity and price do not make the line's amount")
        if abs(amount) > AMOUNT_MAX:
            raise RowRefused("amount", "the line's amount is out of range")
        return amount

    def _minor(self, text: str, currency: str) -> int | None:
        plain = self._plain(text) if text else ""
        if not plain:
            return None
        try:
            return money.parse(plain, currency)
        except money.NotAnAmount as error:
            raise RowRefused("amount", f"not an amount in {currency}: {plain[:40]!r}") from error

    def _plain(self, text: str) -> str:
        """The number with a decimal point."""
        text = text.strip()
        return text if self._layout.decimal == "." else text.replace(self._layout.decimal, ".")


_ORDER_TEXTS = ("payment_type", "notes", "language_code")
_ORDER_AMOUNTS = ("amount", "discount", "shipping", "fee")
_ADDRESS_OPTIONAL = ("township", "district", "postcode")


def _shared_templates(layout: Layout) -> Iterator[str]:
    """Templates whose values are equal in all records of an order. Its time may vary."""
    order = templates_of(layout.order)
    yield from (order[name] for name in order.keys() - {"number", "placed_at"})
    yield from templates_of(layout.address).values()
    for customer in (layout.customer, layout.guest):
        if customer:
            yield from (customer.email, customer.code, customer.password_hash)
