"""What a mapping file says: which column of somebody's CSV file is what."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from operator import itemgetter
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

Values = Sequence[str]
Value = Callable[[Values], str]
"""Gives the text of one field of a record."""

_COLUMN = re.compile(r"\{([^{}]+)\}")


class WrongMapping(ValueError):
    """The mapping file contradicts itself or the file's header; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFields:
    """Templates of what an order has once; `{Column}` stands for that column's value."""

    number: str
    placed_at: str
    currency: str
    status: str = "delivered"
    amount: str = ""
    discount: str = ""
    shipping: str = ""
    fee: str = ""
    payment_type: str = ""
    notes: str = ""
    language_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFields:
    """Templates of a customer; `attributes` are taken as they stand."""

    email: str
    code: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFields:
    """Templates of the address; `extra_field` is taken as it stands."""

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
    """Templates of a line: the price of one unit, or the amount of the line, or both."""

    sku: str
    quantity: str
    name: str = ""
    unit_price: str = ""
    amount: str = ""
    discount: str = ""
    tax_rate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKinds:
    """Beginnings of numbers whose rows are no orders."""

    cancellation: str = ""
    adjustment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A whole mapping file."""

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


def layout_of(document: Mapping[str, Any]) -> Layout:
    """The mapping file's content, checked; `WrongMapping` names the first thing that is off."""
    unknown = set(document) - set(_SECTIONS) - _PLAIN - _TABLES - {"timezone"}
    if unknown:
        raise WrongMapping(f"unknown key: {min(unknown)}")
    found: dict[str, Any] = {name: _text(document, name) for name in _PLAIN & set(document)}
    for name in _TABLES & set(document):
        table = _table(document, name)
        found[name] = {key: _text(table, key) for key in table}
    for name, kind in _SECTIONS.items():
        if name in document:
            found[name] = _section(_table(document, name), name, kind)
    missing = {"order", "address", "item"} - set(found)
    if missing:
        raise WrongMapping(f"section [{min(missing)}] is missing")
    if "timezone" in document:
        found["zone"] = _zone(_text(document, "timezone"))
    layout = Layout(**found)
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


class Columns:
    """A header, and what of it is used."""

    def __init__(self, header: Sequence[str], remove_suffix: Mapping[str, str]) -> None:
        self._places = {name: place for place, name in enumerate(header)}
        self._remove_suffix = remove_suffix

    def place(self, name: str) -> int:
        """Where the column stands."""
        if name not in self._places:
            raise WrongMapping(f"the file has no column {name}")
        return self._places[name]

    def used_by(self, *templates: str) -> list[int]:
        """The places of all columns that these templates name."""
        names = {name for template in templates for name in _COLUMN.findall(template)}
        return sorted(self.place(name) for name in names)

    def value(self, template: str) -> Value:
        """A function that fills the template in; empty if one of its columns is empty."""
        names = _COLUMN.findall(template)
        if not names:
            return lambda _: template
        if template == f"{{{names[0]}}}":
            return self._column(names[0])
        pieces = _COLUMN.split(template)[::2]
        columns = [self._column(name) for name in names]

        def filled(values: Values) -> str:
            texts = [column(values) for column in columns]
            if not all(texts):
                return ""
            return pieces[0] + "".join(map("".join, zip(texts, pieces[1:], strict=True)))

        return filled

    def _column(self, name: str) -> Value:
        place = self.place(name)
        suffix = self._remove_suffix.get(name, "")
        if not suffix:
            return itemgetter(place)
        return lambda values: values[place].strip().removesuffix(suffix)
