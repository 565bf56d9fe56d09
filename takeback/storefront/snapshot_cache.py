"""What others told us, as storefronts read it: made once, kept encoded, repeated by the dozen."""

from collections.abc import Callable, Collection, Iterable, Mapping
from threading import Lock
from typing import Any

from msgspec import Raw

from takeback.api.renderer import encode
from takeback.core.links import safe_http_url, safe_url_or_path
from takeback.orders.queries import SnapshotRow
from takeback.storefront import shapes
from takeback.storefront.addresses_shapes import Object
from takeback.storefront.dialect import Dialect
from takeback.storefront.values import loads

Snapshots = Mapping[int | None, Any]
"""The encoded documents of an answer's snapshots by id; no snapshot, no document."""

_KEPT = 8192
# By id alone, for as long as there is room: a trigger sees to it that a snapshot never changes.
_kept: dict[Dialect, dict[int, Raw]] = {dialect: {} for dialect in Dialect}
_writing = Lock()


def known(ids: Iterable[int], dialect: Dialect) -> dict[int, Raw]:
    """Of these snapshots' documents, those that are at hand."""
    kept = _kept[dialect]
    return {each: found for each in ids if (found := kept.get(each))}


def learn(rows: Collection[tuple[str, SnapshotRow]], dialect: Dialect) -> dict[int, Raw]:
    """The documents of these snapshots (kind and row), kept from now on; the oldest make room."""
    fresh = {row.id: Raw(encode(_MAKERS[kind](row, dialect))) for kind, row in rows}
    if fresh:
        with _writing:
            kept = _kept[dialect]
            kept |= fresh
            for oldest in [*kept][: max(0, len(kept) - _KEPT)]:
                del kept[oldest]
    return fresh


def forget() -> None:
    """For tests, whose databases start over."""
    for kept in _kept.values():
        kept.clear()


def product(row: SnapshotRow, dialect: Dialect) -> shapes.Product:
    """The product as it was told."""
    told: dict[str, Any] = loads(row.document)
    number = told.get("pk") or told.get("id") or row.id
    sku = str(told.get("sku") or "")
    form = told.get("form_schema")
    return {
        "pk": number,
        "id": number,
        "sku": sku,
        "base_code": told.get("base_code") or sku,
        "name": told.get("name") or sku,
        "image": safe_http_url(told.get("image")),
        "absolute_url": safe_url_or_path(told.get("absolute_url")) or "",
        "attributes": told.get("attributes") or {},
        "attributes_kwargs": told.get("attributes_kwargs") or {},
        "form_schema": form if dialect is Dialect.CLASSIC else (form or []),
        "data_source": told.get("data_source_detailed"),
        "extra_attributes": told.get("extra_attributes") or {},
        "category": told.get("category"),
        "attribute_set": _listed(told.get("attribute_set")),
    }


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_told(row: SnapshotRow, dialect: Dialect) -> Object:
    """A price list, stock list or data source: under our number where it had none, no secrets."""
    told: dict[str, Any] = loads(row.document)
    if "token" in told:
        told["token"] = None
    return {"pk": row.id} | told


def shipping_option_group(row: SnapshotRow, dialect: Dialect) -> Object:
    """How a group of lines is sent."""
    told: dict[str, Any] = loads(row.document)
    return told | {
        "pk": told.get("pk") or row.id,
        "amount": str(told.get("amount") or "0.00"),
        "shipping_option_name": told.get("shipping_option_name") or "",
        "shipping_option_logo": safe_http_url(told.get("shipping_option_logo")),
    }


def payment_option(row: SnapshotRow, dialect: Dialect) -> shapes.PaymentOption:
    """A way to pay."""
    told: dict[str, Any] = loads(row.document)
    number = told.get("pk") or told.get("id") or row.id
    return {
        "pk": number,
        "id": number,
        "name": told.get("name") or "",
        "payment_type": told.get("payment_type") or "",
        "slug": told.get("slug") or "",
    }


def bank(row: SnapshotRow, dialect: Dialect) -> shapes.Bank:
    """The bank of a card."""
    told: dict[str, Any] = loads(row.document)
    number = told.get("pk") or told.get("id") or row.id
    return {
        "pk": number,
        "id": number,
        "name": told.get("name") or "",
        "slug": told.get("slug") or "",
        "logo": safe_http_url(told.get("logo")),
        "logo_path": safe_url_or_path(told.get("logo_path")),
    }


_MAKERS: dict[str, Callable[[SnapshotRow, Dialect], Any]] = {
    "product": product,
    "price_list": as_told,
    "stock_list": as_told,
    "data_source": as_told,
    "shipping_option_group": shipping_option_group,
    "payment_option": payment_option,
    "bank": bank,
}
