"""Proposes a mapping for a CSV file: a ready one of its shop system, or a guess from the header."""

import csv
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from takeback.importer.columns import alternatives
from takeback.importer.mapping import Template
from takeback.importer.sources import Unreadable, WrongFile, is_csv, lines, refuse_utf16

SHOPS: Mapping[str, frozenset[str]] = {
    "shopify": frozenset({"Name", "Financial Status", "Lineitem quantity", "Lineitem price"}),
    "woocommerce": frozenset({"Order Number", "Order Status", "Order Line Total"}),
    "woocommerce-packed": frozenset({"order_id", "order_total", "order_items"}),
    "magento": frozenset({"increment_id", "qty_ordered", "row_total"}),
    "prestashop": frozenset({"reference", "product_reference", "product_quantity"}),
    "amazon": frozenset({"Order ID", "ASIN", "Courier Status"}),
}
"""The ready mappings, and columns by which a file of each is recognised."""

_GUESSES: Mapping[str, Mapping[str, str]] = {
    "order": {
        "number": "order number|order no|order id|order|number|no|invoice no|invoiceno"
        "|bestellnummer|siparis no",
        "placed_at": "order date|date|created at|created|placed at|invoicedate|bestelldatum|tarih",
        "currency": "currency|currency code|order currency|wahrung|para birimi",
        "status": "order status|status|state",
        "amount": "order total|total|grand total|amount|total paid|gesamtbetrag|toplam",
        "discount": "order discount|discount amount|discount|rabatt|indirim",
        "shipping": "shipping|shipping amount|shipping cost|versandkosten|kargo",
        "refunded": "refunded amount|amount refunded|total refunded|refunded",
        "delivered_at": "delivered at|delivery date",
    },
    "guest": {
        "email": "email|e mail|customer email|billing email|mail|e posta",
        "first_name": "first name|vorname|ad",
        "last_name": "last name|nachname|soyad",
        "phone": "phone|telephone|telefon",
    },
    "address": {
        "line": "shipping address|shipping street|street|address|address 1|adres|strasse",
        "city": "shipping city|city|stadt|ort|sehir",
        "country": "shipping country|country|country code|land|ulke",
        "postcode": "shipping zip|zip|postcode|postal code|plz",
    },
    "item": {
        "sku": "sku|item sku|product sku|article|stockcode|artikelnummer|stok kodu",
        "name": "product name|item name|product|title|description|name|bezeichnung|urun",
        "quantity": "quantity|qty|item quantity|pieces|menge|adet",
        "unit_price": "unit price|unitprice|price|item price|preis|fiyat",
        "refunded_quantity": "refunded quantity|qty refunded",
        "tax_rate": "tax rate|vat rate|mwst|kdv",
    },
}
"""The keys of each section, and names of columns that may fill them."""

_NEEDED = {
    "order": ("number", "placed_at", "currency"),
    "guest": ("email",),
    "address": ("line", "city", "country"),
    "item": ("sku", "quantity", "unit_price"),
}
_TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S %z",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%m-%d-%y",
)
_DELIMITERS = (",", ";", "\t", "|")
_DECIMAL_COMMA = re.compile(r"[0-9.]*,[0-9]{1,2}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class _Start(NamedTuple):
    """The header of a file and its first record."""

    encoding: str
    delimiter: str
    header: list[str]
    values: dict[str, str]


def propose_mapping(path: Path) -> str:
    """The text of a mapping file, in TOML; `WrongFile` if the file has no header."""
    if not is_csv(path):
        raise WrongFile(f"{path.name}: only CSV files need a mapping")
    start = _read_start(path)
    for shop, columns in SHOPS.items():
        if columns <= set(start.header):
            return _ready(shop, start)
    return _guess(path, start)


def ready_mapping(shop: str) -> str:
    """The text of a ready mapping."""
    return (files("takeback.importer") / "mappings" / f"{shop}.toml").read_text(encoding="utf-8")


def _read_start(path: Path) -> _Start:
    refuse_utf16(path)
    try:
        raw = list(islice(lines(path, lambda _: None), 2))
    except Unreadable as error:
        raise WrongFile(f"{path.name}: {error}") from error
    if not raw or not raw[0].strip():
        raise WrongFile(f"{path.name}: the header is missing")
    encoding = _encoding(b"".join(raw))
    texts = [line.decode(encoding, "replace").removeprefix("\ufeff") for line in raw]
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", texts[0]).count)
    rows = list(csv.reader(texts, delimiter=delimiter))
    header = [name.strip() for name in rows[0]]
    values = dict(zip(header, rows[1] if len(rows) > 1 else [], strict=False))
    return _Start(encoding, delimiter, header, values)


def _encoding(start: bytes) -> str:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _ready(shop: str, start: _Start) -> str:
    """The mapping of a shop system; keys of columns that this file has not are commented out."""
    text = ready_mapping(shop)
    document = tomllib.loads(text)
    head = [f"# The ready mapping for {shop}. Try it with --dry-run, and change what differs.\n"]
    for name, value in (("delimiter", start.delimiter), ("encoding", start.encoding)):
        if value != document.get(name, {"delimiter": ",", "encoding": "utf-8"}[name]):
            head.append(f"{name} = {_toml(value)}\n")
            text = re.sub(rf"(?m)^{name} = .*\n", "", text)
    return "".join(head) + "".join(
        _without_missing(line, set(start.header)) for line in text.splitlines(keepends=True)
    )


def _without_missing(line: str, header: set[str]) -> str:
    """A line of a mapping without the texts that name a missing column."""
    key, equals, value = line.partition(" = ")
    texts = _QUOTED.findall(value)
    if not equals or key.startswith("#") or not any("{" in text for text in texts):
        return line
    known = [text for text in texts if _columns(text) <= header]
    if known == texts:
        return line
    if not known:
        return f"# not in this file: {line}"
    return f"{key} = [{', '.join(known)}]\n"


def _columns(template: Template) -> set[str]:
    names = {name for text in alternatives(template) for name in re.findall(r"\{([^{}]+)\}", text)}
    return {name.rpartition("?")[0] or name for name in names}


def _guess(path: Path, start: _Start) -> str:
    """A mapping from the names of the columns."""
    columns = {_plain(name): name for name in reversed(start.header)}
    guesses = {
        section: {
            key: columns[name]
            for key, names in keys.items()
            if (name := next((name for name in names.split("|") if name in columns), None))
        }
        for section, keys in _GUESSES.items()
    }
    parts = [f"# A guess for {path.name}. Check every line, then try it with --dry-run.\n"]
    parts += [f"# Columns: {', '.join(start.header)}\n", *_top(start, guesses)]
    for section, keys in guesses.items():
        parts.append(f"\n[{section}]\n")
        parts += [f"{key} = {_toml('{' + column + '}')}\n" for key, column in keys.items()]
        parts += [
            f'# needed, no column found: {key} = ""\n'
            for key in _NEEDED[section]
            if key not in keys
        ]
    parts.append('\n[statuses]\n# The words of this file: "shipped out" = "shipped"\n')
    return "".join(parts)


def _top(start: _Start, guesses: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The keys before the sections, from the first record."""
    keys = {"encoding": start.encoding} if start.encoding != "utf-8" else {}
    if start.delimiter != ",":
        keys["delimiter"] = start.delimiter
    price = start.values.get(guesses["item"].get("unit_price", ""), "").strip()
    if _DECIMAL_COMMA.fullmatch(price):
        keys["decimal"] = ","
    time = start.values.get(guesses["order"].get("placed_at", ""), "").strip()
    if time and not _is_iso(time) and (pattern := _time_format(time)):
        keys["time_format"] = pattern
    return [f"{key} = {_toml(value)}\n" for key, value in keys.items()]


def _time_format(text: str) -> str | None:
    for pattern in _TIME_FORMATS:
        try:
            datetime.strptime(text, pattern)  # noqa: DTZ007 - only the format is of interest
        except ValueError:
            continue
        return pattern
    return None


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    """The words of a column's name, in lower case: `Order_No.` is `order no`."""
    return " ".join(re.findall(r"[^\W_]+", name.lower().translate(_PLAIN)))


_PLAIN = str.maketrans({**dict(zip("äöüşıçğ", "aousicg", strict=True)), "ß": "ss"})


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
