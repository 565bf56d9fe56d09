"""Encoded documents that many responses repeat: snapshots of orders, and carriers on offer."""

from collections.abc import Callable, Collection, Iterable, Mapping
from threading import Lock
from time import monotonic
from typing import Any, TypedDict

from msgspec import Raw

from takeback.addresses.queries import country_code
from takeback.api.renderer import decode, encode
from takeback.core.links import safe_http_url, safe_url_or_path
from takeback.logistics.queries import CompanyRow, companies_on_offer
from takeback.orders.product_categories import product_categories
from takeback.orders.queries import SnapshotRow
from takeback.storefront.dialect import Dialect
from takeback.storefront.document_context import Object
from takeback.storefront.labels import Choice

Snapshots = Mapping[int | None, Any]
"""Encoded documents by the id of their snapshot; None has no document."""

MAX_SNAPSHOTS = 8192
CARRIERS_TTL_SECONDS = 10.0

# Without expiry: a trigger keeps snapshots from changing.
_snapshots: dict[Dialect, dict[int, Raw]] = {dialect: {} for dialect in Dialect}
_snapshots_lock = Lock()
_carriers: "dict[int, tuple[float, CarriersOnOffer]]" = {}


def clear() -> None:
    """For tests, which reuse ids."""
    _carriers.clear()
    for documents in _snapshots.values():
        documents.clear()


def cached_snapshots(ids: Iterable[int], dialect: Dialect) -> dict[int, Raw]:
    """The cached documents of these snapshots."""
    documents = _snapshots[dialect]
    return {pk: document for pk in ids if (document := documents.get(pk))}


def cache_snapshots(rows: Collection[tuple[str, SnapshotRow]], dialect: Dialect) -> dict[int, Raw]:
    """The documents of these snapshots (kind and row); they replace the oldest of the cache."""
    new = {row.id: Raw(encode(_BUILDERS[kind](row, dialect))) for kind, row in rows}
    if new:
        with _snapshots_lock:
            documents = _snapshots[dialect]
            documents |= new
            for oldest in [*documents][: max(0, len(documents) - MAX_SNAPSHOTS)]:
                del documents[oldest]
    return new


class Product(TypedDict):
    """The product at the time of the order, with defaults for missing keys."""

    pk: int
    id: int
    sku: str
    base_code: str
    name: str
    image: str | None
    absolute_url: str
    attributes: Object
    attributes_kwargs: Object
    form_schema: Any  # a list or null; generated clients cast a nullable list of anything twice
    data_source: Object | None
    extra_attributes: Object
    category: Object | None
    attribute_set: list[Any]


def product(row: SnapshotRow, dialect: Dialect) -> Product:
    payload: Object = decode(row.document)
    number = payload.get("pk") or payload.get("id") or row.id
    sku = str(payload.get("sku") or "")
    form_schema = payload.get("form_schema")
    return {
        "pk": number,
        "id": number,
        "sku": sku,
        "base_code": payload.get("base_code") or sku,
        "name": payload.get("name") or sku,
        "image": safe_http_url(payload.get("image")),
        "absolute_url": safe_url_or_path(payload.get("absolute_url")) or "",
        "attributes": payload.get("attributes") or {},
        "attributes_kwargs": payload.get("attributes_kwargs") or {},
        "form_schema": form_schema if dialect is Dialect.CLASSIC else (form_schema or []),
        "data_source": payload.get("data_source_detailed"),
        "extra_attributes": payload.get("extra_attributes") or {},
        "category": payload.get("category"),
        "attribute_set": _as_list(payload.get("attribute_set")),
    }


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def snapshot_object(row: SnapshotRow, dialect: Dialect) -> Object:
    """A price list, stock list or data source, without its token."""
    payload: Object = decode(row.document)
    if "token" in payload:
        payload["token"] = None
    return {"pk": row.id} | payload


def shipping_option_group(row: SnapshotRow, dialect: Dialect) -> Object:
    """The shipping option of a group of items."""
    payload: Object = decode(row.document)
    return payload | {
        "pk": payload.get("pk") or row.id,
        "amount": str(payload.get("amount") or "0.00"),
        "shipping_option_name": payload.get("shipping_option_name") or "",
        "shipping_option_logo": safe_http_url(payload.get("shipping_option_logo")),
    }


class PaymentOption(TypedDict):
    """The payment method of the order."""

    pk: int
    id: int
    name: str
    payment_type: str
    slug: str


def payment_option(row: SnapshotRow, dialect: Dialect) -> PaymentOption:
    payload: Object = decode(row.document)
    number = payload.get("pk") or payload.get("id") or row.id
    return {
        "pk": number,
        "id": number,
        "name": payload.get("name") or "",
        "payment_type": payload.get("payment_type") or "",
        "slug": payload.get("slug") or "",
    }


class Bank(TypedDict):
    """The bank of the card."""

    pk: int
    id: int
    name: str
    slug: str
    logo: str | None
    logo_path: str | None


def bank(row: SnapshotRow, dialect: Dialect) -> Bank:
    payload: Object = decode(row.document)
    number = payload.get("pk") or payload.get("id") or row.id
    return {
        "pk": number,
        "id": number,
        "name": payload.get("name") or "",
        "slug": payload.get("slug") or "",
        "logo": safe_http_url(payload.get("logo")),
        "logo_path": safe_url_or_path(payload.get("logo_path")),
    }


_BUILDERS: dict[str, Callable[[SnapshotRow, Dialect], Any]] = {
    "product": product,
    "price_list": snapshot_object,
    "stock_list": snapshot_object,
    "data_source": snapshot_object,
    "shipping_option_group": shipping_option_group,
    "payment_option": payment_option,
    "bank": bank,
}


class ReturnCarrier(TypedDict):
    """A carrier that shoppers can choose for a return."""

    pk: int
    id: int
    shipping_company: Choice
    name: str


def shipping_company(row: CompanyRow) -> ReturnCarrier:
    return {
        "pk": row.id,
        "id": row.id,
        "shipping_company": {"value": row.carrier, "label": row.carrier_label},
        "name": row.name,
    }


class CarriersOnOffer:
    """The encoded carriers that a channel offers for the return of an item.

    Items whose countries and categories have the same carriers share a document. Most shops have
    no rules for carriers: then all items share one.
    """

    def __init__(self, rows: list[CompanyRow]) -> None:
        self._rows = rows
        self._has_countries = any(row.rules.countries for row in rows)
        self._has_categories = any(row.rules.categories for row in rows)
        self._everywhere = (
            None if self._has_countries or self._has_categories else _encoded_carriers(rows)
        )
        self._categories: dict[int, frozenset[str]] = {}
        self._documents: dict[tuple[str, frozenset[str]], Raw] = {}

    def for_item(self, place: str, product_id: int, product: Raw) -> Raw:
        """The carriers for an item by the `place` of its shipping address, and its product."""
        if self._everywhere is not None:
            return self._everywhere
        country = country_code(place) if self._has_countries else ""
        categories: frozenset[str] = frozenset()
        if self._has_categories:
            cached = self._categories.get(product_id)
            categories = product_categories(bytes(product)) if cached is None else cached
            self._categories[product_id] = categories
        document = self._documents.get((country, categories))
        if document is None:
            rows = [row for row in self._rows if row.rules.serves(country, categories)]
            document = self._documents[country, categories] = _encoded_carriers(rows)
        return document


def _encoded_carriers(rows: Iterable[CompanyRow]) -> Raw:
    return Raw(encode([shipping_company(row) for row in rows]))


NO_CARRIERS = CarriersOnOffer([])


def shipping_companies(channel_id: int) -> CarriersOnOffer:
    """The carriers that a channel offers; a change is visible after ten seconds.

    The rules read carriers without this cache and refuse one that was removed since.
    """
    now = monotonic()
    expires, carriers = _carriers.get(channel_id, (now, NO_CARRIERS))
    if expires <= now:
        carriers = CarriersOnOffer(companies_on_offer(channel_id=channel_id))
        _carriers[channel_id] = now + CARRIERS_TTL_SECONDS, carriers
    return carriers
