"""Mapping files: which columns of a CSV file fill which fields of an order."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, tzinfo
from operator import itemgetter
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

Values = Sequence[str]
FieldReader = Callable[[Values], str]
"""Returns the text of one field of a record."""

_COLUMN = re.compile(r"\{([^{}]+)\}")


class WrongMapping(ValueError):
    """The mapping file is invalid, or names a missing column; the text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFields:
    """Templates of the order's own fields; `{Column}` is replaced by the value of that column."""

    number: str
    placed_at: str
    currency: str
    status: str = ""
    amount: str = ""
    discount: str = ""
    shipping: str = ""
    fee: str = ""
    payment_type: str = ""
    notes: str = ""
    language_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFields:
    """Templates of a customer; `attributes` are used unchanged."""

    email: str
    code: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    password_hash: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFields:
    """Templates of the address; `extra_field` is used unchanged."""

    line: str
    city: str
    country: str
    township: str = ""
    district: str = ""
    postcode: str = ""
    first_name: str = ""
    last_name: str = ""
    phone_number: str = ""
    extra_field: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFields:
    """Templates of an item: the price of one unit, or the amount of the item, or both."""

    sku: str
    quantity: str
    name: str = ""
    unit_price: str = ""
    amount: str = ""
    discount: str = ""
    tax_rate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKinds:
    """Number prefixes of rows that are not orders."""

    cancellation: str = ""
    adjustment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    order: OrderFields
    address: AddressFields
    item: ItemFields
    customer: CustomerFields | None = None
    guest: CustomerFields | None = None
    rows: RowKinds = RowKinds()
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    time_format: str = ""
    zone: tzinfo = UTC
    countries: dict[str, str] = field(default_factory=dict)
    remove_suffix: dict[str, str] = field(default_factory=dict)


Section = OrderFields | CustomerFields | AddressFields | ItemFields
_SECTIONS = {
    "order": OrderFields,
    "customer": CustomerFields,
    "guest": CustomerFields,
    "address": AddressFields,
    "item": ItemFields,
    "rows": RowKinds,
}
_PLAIN = {"encoding", "delimiter", "decimal", "time_format"}
_TABLES = {"countries", "remove_suffix"}


def parse_layout(document: Mapping[str, Any]) -> Layout:
    """The validated content of a mapping file; `WrongMapping` names the first error."""
    unknown = set(document) - set(_SECTIONS) - _PLAIN - _TABLES - {"timezone"}
    if unknown:
        raise WrongMapping(f"unknown key: {min(unknown)}")
    values: dict[str, Any] = {name: _text(document, name) for name in _PLAIN & set(document)}
    for name in _TABLES & set(document):
        table = _table(document, name)
        values[name] = {key: _text(table, key) for key in table}
    for name, kind in _SECTIONS.items():
        if name in document:
            values[name] = _section(_table(document, name), name, kind)
    missing = {"order", "address", "item"} - set(values)
    if missing:
        raise WrongMapping(f"section [{min(missing)}] is missing")
    if "timezone" in document:
        values["zone"] = _zone(_text(document, "timezone"))
    layout = Layout(**values)
    _check(layout)
    return layout


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not isinstance(document[name], Mapping):
        raise WrongMapping(f"{name} must be a section")
    table: Mapping[str, Any] = document[name]
    return table


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongMapping(f"{name} must be text")
    return str(value)


def _section(table: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    types = get_type_hints(kind)
    unknown = set(table) - set(types)
    if unknown:
        raise WrongMapping(f"unknown key in [{name}]: {min(unknown)}")
    values = {
        key: _text(table, key) if types[key] is str else dict(_table(table, key)) for key in table
    }
    try:
        return kind(**values)
    except TypeError as error:
        missing = re.findall(r"'(\w+)'", str(error))
        raise WrongMapping(f"missing in [{name}]: {', '.join(missing)}") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise WrongMapping(f"unknown timezone: {name}") from error


def _check(layout: Layout) -> None:
    if not (layout.customer or layout.guest):
        raise WrongMapping("section [customer] or [guest] is needed")
    if layout.guest and layout.guest.password_hash:
        raise WrongMapping("password_hash belongs into [customer]: guests do not sign in")
    if not (layout.item.unit_price or layout.item.amount):
        raise WrongMapping("[item] needs unit_price or amount")
    if len(layout.delimiter) != 1:
        raise WrongMapping("delimiter must be one character")
    try:
        line_break = "\n".encode(layout.encoding)
    except LookupError as error:
        raise WrongMapping(f"unknown encoding: {layout.encoding}") from error
    if line_break != b"\n":
        raise WrongMapping(f"encoding {layout.encoding} is not supported; save the file as utf-8")


def templates_of(section: Section) -> dict[str, str]:
    values = {item.name: getattr(section, item.name) for item in fields(section)}
    return {name: value for name, value in values.items() if isinstance(value, str)}


class Columns:
    def __init__(self, header: Sequence[str], remove_suffix: Mapping[str, str]) -> None:
        self._positions = {name: position for position, name in enumerate(header)}
        self._remove_suffix = remove_suffix

    def _position(self, name: str) -> int:
        if name not in self._positions:
            raise WrongMapping(f"the file has no column {name}")
        return self._positions[name]

    def used_by(self, *templates: str) -> list[int]:
        """The positions of all columns that these templates name."""
        names = {name for template in templates for name in _COLUMN.findall(template)}
        return sorted(self._position(name) for name in names)

    def reader(self, template: str) -> FieldReader:
        """A function that fills in the template; its result is empty if one of the columns is."""
        names = _COLUMN.findall(template)
        if not names:
            return lambda _: template
        if template == f"{{{names[0]}}}":
            return self._column(names[0])
        pieces = _COLUMN.split(template)[::2]
        columns = [self._column(name) for name in names]

        def fill(values: Values) -> str:
            texts = [column(values) for column in columns]
            if not all(texts):
                return ""
            return pieces[0] + "".join(map("".join, zip(texts, pieces[1:], strict=True)))

        return fill

    def readers(self, section: Section) -> dict[str, FieldReader]:
        return {name: self.reader(text) for name, text in templates_of(section).items()}

    def _column(self, name: str) -> FieldReader:
        position = self._position(name)
        suffix = self._remove_suffix.get(name, "")
        if not suffix:
            return itemgetter(position)
        return lambda values: values[position].strip().removesuffix(suffix)
