"""Mapping files: which columns of a CSV file fill which fields of an order."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, tzinfo
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

from takeback.orders.statuses import Status, status_of

Template = str | tuple[str, ...]
"""A text in which `{Column}` is replaced by the value of that column, or several such texts."""


class WrongMapping(ValueError):
    """The mapping file is invalid, or names a missing column; the text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFields:
    """Templates of the order's own fields."""

    number: Template
    placed_at: Template
    currency: Template
    status: Template = ""
    amount: Template = ""
    discount: Template = ""
    shipping: Template = ""
    fee: Template = ""
    tax: Template = ""
    shipping_tax: Template = ""
    refunded: Template = ""
    shipped_at: Template = ""
    delivered_at: Template = ""
    payment_type: Template = ""
    notes: Template = ""
    language_code: Template = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFields:
    """Templates of a customer; `attributes` are used unchanged."""

    email: Template = ""
    code: Template = ""
    first_name: Template = ""
    last_name: Template = ""
    phone: Template = ""
    password_hash: Template = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFields:
    """Templates of the address; `extra_field` is used unchanged."""

    line: Template
    city: Template
    country: Template
    township: Template = ""
    district: Template = ""
    postcode: Template = ""
    first_name: Template = ""
    last_name: Template = ""
    phone_number: Template = ""
    extra_field: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFields:
    """Templates of an item: the price of one unit, or the amount of the item, or both."""

    sku: Template = ""
    quantity: Template = ""
    remaining_quantity: Template = ""
    refunded_quantity: Template = ""
    refunded: Template = ""
    name: Template = ""
    unit_price: Template = ""
    amount: Template = ""
    discount: Template = ""
    tax: Template = ""
    tax_rate: Template = ""
    status: Template = ""
    shipped_at: Template = ""
    delivered_at: Template = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFields:
    """Templates of the order's payment, as its provider knows it.

    With a `separator`, a cell may hold the values of several payments.
    """

    reference: Template = ""
    provider_order: Template = ""
    account: Template = ""
    kind: Template = ""
    currency: Template = ""
    amount: Template = ""
    captured: Template = ""
    separator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedItems:
    """A cell with all items of an order, and the pattern that each of them matches.

    The named groups of the pattern are keys of an item. With `share_amount` its items have no
    prices of their own: the order's amount is shared among their units.
    """

    items: str
    pattern: str
    separator: str = "|"
    share_amount: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowKinds:
    """Number prefixes of rows that are not orders, and the rows that are skipped."""

    cancellation: str = ""
    adjustment: str = ""
    skip: Template = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    order: OrderFields
    item: ItemFields
    address: AddressFields | None = None
    customer: CustomerFields | None = None
    guest: CustomerFields | None = None
    payment: PaymentFields | None = None
    packed: PackedItems | None = None
    rows: RowKinds = RowKinds()
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = ""
    time_format: str = ""
    zone: tzinfo = UTC
    prices: str = "gross"
    fill_down: bool = False
    final_line_break: bool = True
    optional: frozenset[str] = frozenset()
    countries: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int | None] = field(default_factory=dict)
    """Status codes by word, in lower case; None: the next text of the list counts."""
    remove_prefix: dict[str, str] = field(default_factory=dict)
    remove_suffix: dict[str, str] = field(default_factory=dict)


Section = OrderFields | CustomerFields | AddressFields | ItemFields | PaymentFields
_SECTIONS = {
    "order": OrderFields,
    "customer": CustomerFields,
    "guest": CustomerFields,
    "address": AddressFields,
    "item": ItemFields,
    "payment": PaymentFields,
    "packed": PackedItems,
    "rows": RowKinds,
}
_PLAIN = {"encoding", "delimiter", "decimal", "time_format", "prices"}
_SWITCHES = {"fill_down", "final_line_break"}
_TABLES = {"countries", "remove_prefix", "remove_suffix"}
_OTHERS = {"timezone", "optional", "statuses"}
_OPTIONAL = frozenset({"address", "email"})
PRICES = ("gross", "net", "detect")


def parse_layout(document: Mapping[str, Any]) -> Layout:
    """The validated content of a mapping file; `WrongMapping` names the first error."""
    unknown = set(document) - set(_SECTIONS) - _PLAIN - _SWITCHES - _TABLES - _OTHERS
    if unknown:
        raise WrongMapping(f"unknown key: {min(unknown)}")
    values: dict[str, Any] = {name: _text(document, name) for name in _PLAIN & set(document)}
    for name in _TABLES & set(document):
        table = _table(document, name)
        values[name] = {key: _text(table, key) for key in table}
    for name, kind in _SECTIONS.items():
        if name in document:
            values[name] = _section(_table(document, name), name, kind)
    for name in _SWITCHES & set(document):
        values[name] = _boolean(document, name)
    values["zone"] = _zone(_text({"timezone": "UTC", **document}, "timezone"))
    values["statuses"] = _statuses(_table({"statuses": {}, **document}, "statuses"))
    values["optional"] = optional = _optional(document.get("optional", []))
    missing = {"order", "address", "item"} - set(values) - optional
    if missing:
        raise WrongMapping(f"section [{min(missing)}] is missing")
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


def _template(document: Mapping[str, Any], name: str) -> Template:
    value = document[name]
    if not isinstance(value, list):
        return _text(document, name)
    if not value or not all(isinstance(text, str) for text in value):
        raise WrongMapping(f"{name} must be text or a list of texts")
    return tuple(value)


def _boolean(document: Mapping[str, Any], name: str) -> bool:
    if not isinstance(document[name], bool):
        raise WrongMapping(f"{name} must be true or false")
    return bool(document[name])


def _optional(names: object) -> frozenset[str]:
    if not isinstance(names, list) or not all(name in _OPTIONAL for name in names):
        raise WrongMapping('optional must be a list of "address" and "email"')
    return frozenset(names)


def _statuses(table: Mapping[str, Any]) -> dict[str, int | None]:
    """The codes by word; an empty text stands for a word that says nothing about the status."""
    codes: dict[str, int | None] = {}
    for word in table:
        text = _text(table, word)
        code = status_of(text)
        if text and not is_importable(code):
            raise WrongMapping(f"unknown status in [statuses]: {word} = {text!r}")
        codes[word.strip().lower()] = code if text else None
    return codes


def is_importable(code: int | None) -> bool:
    """Whether an order of a file may have this status: 50 exists only with a case."""
    return code in _IMPORTABLE


_IMPORTABLE = frozenset(Status) - {Status.CANCELLATION_WAITING}


def _section(table: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    types = get_type_hints(kind)
    unknown = set(table) - set(types)
    if unknown:
        raise WrongMapping(f"unknown key in [{name}]: {min(unknown)}")
    values = {key: _VALUES.get(types[key], _object)(table, key) for key in table}
    try:
        return kind(**values)
    except TypeError as error:
        missing = re.findall(r"'(\w+)'", str(error))
        raise WrongMapping(f"missing in [{name}]: {', '.join(missing)}") from error


def _object(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(_table(table, name))


_VALUES: dict[Any, Callable[[Mapping[str, Any], str], object]] = {
    Template: _template,
    str: _text,
    bool: _boolean,
}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise WrongMapping(f"unknown timezone: {name}") from error


def _check(layout: Layout) -> None:
    _check_customers(layout)
    _check_prices(layout)
    _check_packed(layout)
    if layout.decimal not in {"", ".", ","}:
        raise WrongMapping('decimal must be "." or ","')
    if len(layout.delimiter) != 1:
        raise WrongMapping("delimiter must be one character")
    try:
        line_break = "\n".encode(layout.encoding)
    except LookupError as error:
        raise WrongMapping(f"unknown encoding: {layout.encoding}") from error
    if line_break != b"\n":
        raise WrongMapping(f"encoding {layout.encoding} is not supported; save the file as utf-8")


def _check_customers(layout: Layout) -> None:
    sections = {"customer": layout.customer, "guest": layout.guest}
    if not any(sections.values()):
        raise WrongMapping("section [customer] or [guest] is needed")
    if layout.guest and layout.guest.password_hash:
        raise WrongMapping("password_hash belongs into [customer]: guests do not sign in")
    for name, section in sections.items():
        is_optional = name == "guest" and "email" in layout.optional
        if section and not section.email and not is_optional:
            raise WrongMapping(f"missing in [{name}]: email")


def _check_prices(layout: Layout) -> None:
    item, packed = layout.item, layout.packed
    if layout.prices not in PRICES:
        raise WrongMapping(f"prices must be one of {', '.join(PRICES)}")
    if layout.prices == "detect" and not layout.order.amount:
        raise WrongMapping('prices = "detect" needs amount in [order]')
    if packed is None:
        missing = [name for name in ("sku", "quantity") if not getattr(item, name)]
        if missing:
            raise WrongMapping(f"missing in [item]: {', '.join(missing)}")
    if not (item.unit_price or item.amount or packed):
        raise WrongMapping("[item] needs unit_price or amount")


def _check_packed(layout: Layout) -> None:
    packed = layout.packed
    if packed is None:
        return
    try:
        groups = set(re.compile(packed.pattern).groupindex)
    except re.error as error:
        raise WrongMapping(f"pattern in [packed] is no regular expression: {error}") from error
    unknown = groups - PACKED_FIELDS
    if unknown:
        raise WrongMapping(f"unknown group in the pattern of [packed]: {min(unknown)}")
    if "sku" not in groups and not layout.item.sku:
        raise WrongMapping("the pattern of [packed] needs a group sku")
    _check_share(layout, packed, groups)


def _check_share(layout: Layout, packed: PackedItems, groups: set[str]) -> None:
    if layout.rows.cancellation:
        raise WrongMapping("[packed] and cancellation in [rows] exclude each other")
    if not packed.separator:
        raise WrongMapping("separator in [packed] must not be empty")
    if packed.share_amount and not layout.order.amount:
        raise WrongMapping("share_amount in [packed] needs amount in [order]")
    if not packed.share_amount and not groups & {"unit_price", "amount"}:
        raise WrongMapping("the pattern of [packed] needs a group unit_price or amount")


PACKED_FIELDS = frozenset({"sku", "name", "quantity", "unit_price", "amount"})
"""The keys of an item that a packed cell may hold."""


def templates_of(section: Section) -> dict[str, Template]:
    types = get_type_hints(type(section))
    names = [item.name for item in fields(section) if types[item.name] == Template]
    return {name: getattr(section, name) for name in names}
