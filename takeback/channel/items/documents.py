"""Documents of order items, key by key in the contract's order.

Amounts are numbers in the currency's own decimals. Snapshots (product, lists, data source) show
the object as the channel sent it with the order.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict

from takeback.channel.documents import Object, amount, json_object, optional_amount, rate
from takeback.channel.items.queries import ItemRow, ItemsWithShares, ShareRow
from takeback.core.ids import id_of
from takeback.core.links import safe_http_url
from takeback.core.money import show, unit_value
from takeback.orders.queries import SnapshotRow
from takeback.orders.statuses import Status

_CODES = frozenset(Status)


class ChannelProduct(TypedDict):
    """A product as it was when the order was received."""

    id: int
    pk: int
    name: str
    base_code: str
    sku: str
    uuid: str | None
    description: str | None
    brand: int | None
    erp_categories: list[Any]
    tax_rate: Decimal | int | None
    weight: Decimal | None
    product_type: str | None
    productization_date: str | None
    data_source: int | None
    created_date: str | None
    modified_date: str | None
    is_active: bool
    attribute_set: int | None
    parent: int | None
    group_products: list[Any]
    attributes: Object
    listing_code: str | None
    is_seller_product: bool
    custom_attribute_set: int | None


def _reference(value: Any) -> int | None:
    """The id in a stored reference: imported products may hold a list of objects."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("pk", value.get("id"))
    return id_of(str(value)) if type(value) in (int, str) else None


def _number(value: Any) -> Decimal | int | None:
    """A stored number; imported documents may hold its text."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def product(row: SnapshotRow) -> ChannelProduct:
    snapshot = json_object(row.document)
    number = snapshot.get("pk", row.id)
    sku: str = snapshot.get("sku", "")
    return {
        "id": number,
        "pk": number,
        "name": snapshot.get("name", sku),
        "base_code": snapshot.get("base_code", sku),
        "sku": sku,
        "uuid": snapshot.get("uuid"),
        "description": snapshot.get("description"),
        "brand": snapshot.get("brand"),
        "erp_categories": snapshot.get("erp_categories", []),
        "tax_rate": _number(snapshot.get("tax_rate")),
        "weight": snapshot.get("weight"),
        "product_type": snapshot.get("product_type"),
        "productization_date": snapshot.get("productization_date"),
        "data_source": snapshot.get("data_source"),
        "created_date": snapshot.get("created_date"),
        "modified_date": snapshot.get("modified_date"),
        "is_active": snapshot.get("is_active", True),
        "attribute_set": _reference(snapshot.get("attribute_set")),
        "parent": snapshot.get("parent"),
        "group_products": snapshot.get("group_products", []),
        "attributes": snapshot.get("attributes", {}),
        "listing_code": snapshot.get("listing_code"),
        "is_seller_product": snapshot.get("is_seller_product", False),
        "custom_attribute_set": _reference(snapshot.get("custom_attribute_set")),
    }


class ChannelPriceList(TypedDict):
    """The price list of an item."""

    pk: int
    id: int
    name: str | None
    code: str | None
    currency: str | None
    is_auto_sync: bool
    created_date: str | None
    modified_date: str | None


def price_list(row: SnapshotRow | None) -> ChannelPriceList | None:
    if row is None:
        return None
    snapshot = json_object(row.document)
    number = snapshot.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "name": snapshot.get("name"),
        "code": snapshot.get("code"),
        "currency": snapshot.get("currency"),
        "is_auto_sync": snapshot.get("is_auto_sync", False),
        "created_date": snapshot.get("created_date"),
        "modified_date": snapshot.get("modified_date"),
    }


class ChannelStockList(TypedDict):
    """The stock list of an item."""

    pk: int
    id: int
    name: str | None
    code: str | None
    is_auto_sync: bool
    created_date: str | None
    modified_date: str | None


def stock_list(row: SnapshotRow | None) -> ChannelStockList | None:
    if row is None:
        return None
    snapshot = json_object(row.document)
    number = snapshot.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "name": snapshot.get("name"),
        "code": snapshot.get("code"),
        "is_auto_sync": snapshot.get("is_auto_sync", False),
        "created_date": snapshot.get("created_date"),
        "modified_date": snapshot.get("modified_date"),
    }


class ChannelDataSource(TypedDict):
    """The seller, supplier or warehouse of an item; `token` needs the scope `pii`."""

    pk: int
    id: int
    name: str | None
    slug: str | None
    stock_list: int | None
    price_list: int | None
    is_active: bool
    token: str | None
    conf: Object
    commission: Decimal | None
    maturity: Decimal | None
    supplier_code: str | None
    supplier_detail: Object
    easy_return_detail: Object
    extras: Object
    data_source_type: str | None
    created_date: str | None
    modified_date: str | None


def data_source(row: SnapshotRow | None, *, show_secrets: bool) -> ChannelDataSource | None:
    if row is None:
        return None
    snapshot = json_object(row.document)
    number = snapshot.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "name": snapshot.get("name"),
        "slug": snapshot.get("slug"),
        "stock_list": snapshot.get("stock_list"),
        "price_list": snapshot.get("price_list"),
        "is_active": snapshot.get("is_active", True),
        "token": snapshot.get("token") if show_secrets else None,
        "conf": snapshot.get("conf", {}),
        "commission": snapshot.get("commission"),
        "maturity": snapshot.get("maturity"),
        "supplier_code": snapshot.get("supplier_code"),
        "supplier_detail": snapshot.get("supplier_detail", {}),
        "easy_return_detail": snapshot.get("easy_return_detail", {}),
        "extras": snapshot.get("extras", {}),
        "data_source_type": snapshot.get("data_source_type"),
        "created_date": snapshot.get("created_date"),
        "modified_date": snapshot.get("modified_date"),
    }


class ChannelShippingOptionGroup(TypedDict):
    """The shipping option of a group of items; its amount is stored as text."""

    pk: int
    id: int
    amount: Decimal
    tax_rate: Decimal | int | None
    shipping_option_slug: str | None
    created_date: str | None
    modified_date: str | None


def shipping_option_group(
    row: SnapshotRow | None, currency: str
) -> ChannelShippingOptionGroup | None:
    if row is None:
        return None
    snapshot = json_object(row.document)
    number = snapshot.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "amount": Decimal(snapshot.get("amount", show(0, currency))),
        "tax_rate": _number(snapshot.get("tax_rate")),
        "shipping_option_slug": snapshot.get("shipping_option_slug"),
        "created_date": snapshot.get("created_date"),
        "modified_date": snapshot.get("modified_date"),
    }


class ChannelBenefitApplicant(TypedDict):
    """The share of a discount that an item carries."""

    id: int
    pk: int
    order_item: int
    discount_item: int
    amount: Decimal
    created_date: datetime
    modified_date: datetime


def benefit_applicant(row: ShareRow, currency: str) -> ChannelBenefitApplicant:
    return {
        "id": row.id,
        "pk": row.id,
        "order_item": row.order_item_id,
        "discount_item": row.discount_item_id,
        "amount": amount(row.amount_minor, currency),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class ItemFields(TypedDict):
    """The keys that documents of an item have besides `order`; amounts are for all its units."""

    pk: int
    id: int
    product: ChannelProduct
    price_list: ChannelPriceList | None
    stock_list: ChannelStockList | None
    status: str
    quantity: int
    units_left: int
    refunded_elsewhere_quantity: int
    unit_price: Decimal
    total_price: Decimal
    price_currency: str
    price: Decimal
    retail_price: Decimal | None
    discount_amount: Decimal
    tax_rate: Decimal
    tax_amount: Decimal
    installment_interest_amount: Decimal
    benefitapplicant_set: list[ChannelBenefitApplicant]
    shipping_company: str | None
    shipment_code: str | None
    cancel_status: str | None
    is_tradable: bool
    external_status: Object | None
    datasource: ChannelDataSource | None
    tracking_number: str | None
    tracking_url: str | None
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    delivered_date: datetime | None
    shipping_option_group: ChannelShippingOptionGroup | None
    forced_refund: bool
    parent: int | None
    extra_field: Object
    created_date: datetime
    modified_date: datetime
    attributes: Object
    attributes_kwargs: Object
    localized_attributes: Object
    localized_attributes_kwargs: Object


class ChannelOrderItem(ItemFields):
    """An item of an order; `status` is the name of the status."""

    order: int


def order_item(
    row: ItemRow,
    shares: Sequence[ShareRow],
    units_left: int,
    currency: str,
    *,
    show_secrets: bool,
) -> ChannelOrderItem:
    """The document of an item; `show_secrets` needs the scope `pii`."""
    details = json_object(row.details)
    return {
        "pk": row.id,
        "id": row.id,
        "order": row.order_id,
        "product": product(row.product),
        "price_list": price_list(row.price_list),
        "stock_list": stock_list(row.stock_list),
        "status": status_name(row.status),
        "quantity": row.quantity,
        "units_left": units_left,
        "refunded_elsewhere_quantity": row.refunded_elsewhere_quantity,
        "unit_price": amount(unit_value(row.goods_minor, row.quantity), currency),
        "total_price": amount(row.goods_minor, currency),
        "price_currency": currency,
        "price": amount(row.goods_minor, currency),
        "retail_price": optional_amount(row.retail_minor, currency),
        "discount_amount": amount(row.discount_minor, currency),
        "tax_rate": rate(row.tax_rate),
        "tax_amount": amount(row.tax_minor, currency),
        "installment_interest_amount": amount(row.interest_minor, currency),
        "benefitapplicant_set": [benefit_applicant(share, currency) for share in shares],
        "shipping_company": row.shipping_company,
        "shipment_code": details.get("shipment_code"),
        "cancel_status": row.cancel_status,
        "is_tradable": row.is_tradable,
        "external_status": details.get("external_status"),
        "datasource": data_source(row.data_source, show_secrets=show_secrets),
        "tracking_number": row.tracking_number,
        "tracking_url": safe_http_url(row.tracking_url),
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": safe_http_url(row.e_archive_url),
        "delivered_date": row.delivered_date,
        "shipping_option_group": shipping_option_group(row.shipping_option_group, currency),
        "forced_refund": details.get("forced_refund", False),
        "parent": details.get("parent"),
        "extra_field": json_object(row.extra_field),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "attributes": json_object(row.attributes),
        "attributes_kwargs": details.get("attributes_kwargs", {}),
        "localized_attributes": details.get("localized_attributes", {}),
        "localized_attributes_kwargs": details.get("localized_attributes_kwargs", {}),
    }


def order_items(data: ItemsWithShares, *, show_secrets: bool) -> list[ChannelOrderItem]:
    return [
        order_item(
            row,
            data.shares[row.id],
            data.units_left[row.id],
            data.currencies[row.order_id],
            show_secrets=show_secrets,
        )
        for row in data.items
    ]


def status_name(code: int) -> str:
    """The name of an item's status; an unknown code stays its digits."""
    return Status(code).name.lower() if code in _CODES else str(code)
