"""Orders and their lines as other systems read them, key by key in the contract's order."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from takeback.channel.orders import shapes
from takeback.channel.orders.queries import Found, FoundItems, ItemRow, OrderRow, ShareRow
from takeback.core.links import safe_http_url
from takeback.core.money import show, unit_worth
from takeback.orders.queries import SnapshotRow
from takeback.orders.statuses import Status

_CODES = frozenset(Status)
# Numbers inside free-form objects are repeated digit by digit.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def orders(found: Found, *, secrets: bool) -> list[shapes.ChannelOrder]:
    """Every order that was found, whole; `secrets` for keys that may see tokens."""
    return [order(row, found, secrets=secrets) for row in found.orders]


def order(row: OrderRow, found: Found, *, secrets: bool) -> shapes.ChannelOrder:
    """An order with its lines."""
    lines = [
        order_item(item, found.shares[item.id], row.currency, secrets=secrets)
        for item in found.items[row.id]
    ]
    return {**bare_order(row), "orderitem_set": lines}


def bare_order(row: OrderRow) -> shapes.ChannelBareOrder:
    """An order without its lines."""
    told = loads(row.details)
    return {**_summary(row, told), **_details(row, told)}


def order_items(found: FoundItems, *, secrets: bool) -> list[shapes.ChannelOrderItem]:
    """Lines by themselves."""
    return [
        order_item(row, found.shares[row.id], found.currencies[row.order_id], secrets=secrets)
        for row in found.items
    ]


def _summary(row: OrderRow, told: dict[str, Any]) -> shapes.ChannelOrderSummary:
    code = row.currency
    return {
        "pk": row.id,
        "id": row.id,
        "number": row.number,
        "channel": row.channel_id,
        "customer": row.user_id,
        "date_placed": row.placed_at,
        "extra_field": loads(row.extra_field),
        "payment_option": _number(row.payment_option),
        "payment_option_slug": told.get("payment_option_slug"),
        "bin_number": row.bin_number,
        "installment": told.get("installment"),
        "installment_count": row.installment_count,
        "installment_interest_amount": amount(row.interest_minor, code),
        "cargo_company": told.get("cargo_company"),
        "is_send": row.is_send,
        "delivery_type": told.get("delivery_type"),
        "cancellation_info": told.get("cancellation_info"),
        "cancel_status": row.cancel_status,
        "shipping_interest_amount": Decimal(told.get("shipping_interest_amount") or show(0, code)),
        "external_status": told.get("external_status"),
        "client_type": row.client_type,
        "carrier_shipping_code": told.get("carrier_shipping_code"),
        "segment": told.get("segment"),
        "checkout_provider_id": told.get("checkout_provider_id"),
    }


def _details(row: OrderRow, told: dict[str, Any]) -> shapes.ChannelOrderDetails:
    code = row.currency
    return {
        "status": row.status,
        "currency": code,
        "amount": amount(row.amount_minor, code),
        "discount_amount": amount(row.discount_minor, code),
        "shipping_amount": amount(row.shipping_minor, code),
        "shipping_tax_rate": row.shipping_tax_rate,
        "refund_amount": amount(row.refund_minor, code),
        "discount_refund_amount": amount(row.discount_refund_minor, code),
        "shipping_refund_amount": amount(row.shipping_refund_minor, code),
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": safe_http_url(row.e_archive_url),
        "tracking_number": row.tracking_number,
        "defined_tracking_url": safe_http_url(told.get("defined_tracking_url")),
        "shipping_company": row.shipping_company,
        "remote_addr": row.remote_addr,
        "has_gift_box": row.has_gift_box,
        "gift_box_note": row.gift_box_note,
        "language_code": row.language_code,
        "notes": row.notes,
        "delivery_range": told.get("delivery_range"),
        "shipping_option_slug": told.get("shipping_option_slug"),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def order_item(
    row: ItemRow, shares: Sequence[ShareRow], currency: str, *, secrets: bool
) -> shapes.ChannelOrderItem:
    """A line; what its units are worth was shared out when the order arrived."""
    return {
        "pk": row.id,
        "id": row.id,
        "order": row.order_id,
        **item_summary(row, shares, currency),
        **item_details(row, currency, secrets=secrets),
    }


def item_summary(
    row: ItemRow, shares: Sequence[ShareRow], code: str
) -> shapes.ChannelOrderItemSummary:
    """What was bought, and what it is worth in this currency."""
    return {
        "product": product(row.product),
        "price_list": price_list(row.price_list),
        "stock_list": stock_list(row.stock_list),
        "status": status_name(row.status),
        "quantity": row.quantity,
        "unit_price": amount(unit_worth(row.goods_minor, row.quantity), code),
        "total_price": amount(row.goods_minor, code),
        "price_currency": code,
        "price": amount(row.goods_minor, code),
        "retail_price": None if row.retail_minor is None else amount(row.retail_minor, code),
        "discount_amount": amount(row.discount_minor, code),
        "tax_rate": row.tax_rate,
        "tax_amount": amount(row.tax_minor, code),
        "installment_interest_amount": amount(row.interest_minor, code),
        "benefitapplicant_set": [benefit_applicant(share, code) for share in shares],
    }


def item_details(row: ItemRow, code: str, *, secrets: bool) -> shapes.ChannelOrderItemDetails:
    """Where a line is, and what else was told about it."""
    told = loads(row.details)
    return {
        "shipping_company": row.shipping_company,
        "shipment_code": told.get("shipment_code"),
        "cancel_status": row.cancel_status,
        "is_tradable": row.is_tradable,
        "external_status": told.get("external_status"),
        "datasource": data_source(row.data_source, secrets=secrets),
        "tracking_number": row.tracking_number,
        "tracking_url": safe_http_url(row.tracking_url),
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": safe_http_url(row.e_archive_url),
        "delivered_date": row.delivered_date,
        "shipping_option_group": shipping_option_group(row.shipping_option_group, code),
        "forced_refund": told.get("forced_refund", False),
        "parent": told.get("parent"),
        "extra_field": loads(row.extra_field),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "attributes": loads(row.attributes),
        "attributes_kwargs": told.get("attributes_kwargs", {}),
        "localized_attributes": told.get("localized_attributes", {}),
        "localized_attributes_kwargs": told.get("localized_attributes_kwargs", {}),
    }


def product(row: SnapshotRow) -> shapes.ChannelProduct:
    """The product as it was told."""
    told = loads(row.document)
    number = told.get("pk", row.id)
    sku = told.get("sku", "")
    return {
        "id": number,
        "pk": number,
        "name": told.get("name", sku),
        "base_code": told.get("base_code", sku),
        "sku": sku,
        "uuid": told.get("uuid"),
        "description": told.get("description"),
        "brand": told.get("brand"),
        "erp_categories": told.get("erp_categories", []),
        "tax_rate": told.get("tax_rate"),
        "weight": told.get("weight"),
        "product_type": told.get("product_type"),
        "productization_date": told.get("productization_date"),
        "data_source": told.get("data_source"),
        "created_date": told.get("created_date"),
        "modified_date": told.get("modified_date"),
        "is_active": told.get("is_active", True),
        "attribute_set": told.get("attribute_set"),
        "parent": told.get("parent"),
        "group_products": told.get("group_products", []),
        "attributes": told.get("attributes", {}),
        "listing_code": told.get("listing_code"),
        "is_seller_product": told.get("is_seller_product", False),
        "custom_attribute_set": told.get("custom_attribute_set"),
    }


def price_list(row: SnapshotRow | None) -> shapes.ChannelPriceList | None:
    """The list that the price came from."""
    if row is None:
        return None
    told = loads(row.document)
    number = told.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "name": told.get("name"),
        "code": told.get("code"),
        "currency": told.get("currency"),
        "is_auto_sync": told.get("is_auto_sync", False),
        "created_date": told.get("created_date"),
        "modified_date": told.get("modified_date"),
    }


def stock_list(row: SnapshotRow | None) -> shapes.ChannelStockList | None:
    """The list that the stock came from."""
    if row is None:
        return None
    told = loads(row.document)
    number = told.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "name": told.get("name"),
        "code": told.get("code"),
        "is_auto_sync": told.get("is_auto_sync", False),
        "created_date": told.get("created_date"),
        "modified_date": told.get("modified_date"),
    }


def data_source(row: SnapshotRow | None, *, secrets: bool) -> shapes.ChannelDataSource | None:
    """Where the product came from."""
    if row is None:
        return None
    told = loads(row.document)
    number = told.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "name": told.get("name"),
        "slug": told.get("slug"),
        "stock_list": told.get("stock_list"),
        "price_list": told.get("price_list"),
        "is_active": told.get("is_active", True),
        "token": told.get("token") if secrets else None,
        "conf": told.get("conf", {}),
        "commission": told.get("commission"),
        "maturity": told.get("maturity"),
        "supplier_code": told.get("supplier_code"),
        "supplier_detail": told.get("supplier_detail", {}),
        "easy_return_detail": told.get("easy_return_detail", {}),
        "extras": told.get("extras", {}),
        "data_source_type": told.get("data_source_type"),
        "created_date": told.get("created_date"),
        "modified_date": told.get("modified_date"),
    }


def shipping_option_group(
    row: SnapshotRow | None, currency: str
) -> shapes.ChannelShippingOptionGroup | None:
    """How a group of lines is sent; its amount is kept as text, in the currency's decimals."""
    if row is None:
        return None
    told = loads(row.document)
    number = told.get("pk", row.id)
    return {
        "pk": number,
        "id": number,
        "amount": Decimal(told.get("amount", show(0, currency))),
        "tax_rate": told.get("tax_rate"),
        "shipping_option_slug": told.get("shipping_option_slug"),
        "created_date": told.get("created_date"),
        "modified_date": told.get("modified_date"),
    }


def benefit_applicant(row: ShareRow, currency: str) -> shapes.ChannelBenefitApplicant:
    """What a discount took off a line."""
    return {
        "id": row.id,
        "pk": row.id,
        "order_item": row.order_item_id,
        "discount_item": row.discount_item_id,
        "amount": amount(row.amount_minor, currency),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def status_name(code: int) -> str:
    """The name of a line's status; one that we do not know stays its digits."""
    return Status(code).name.lower() if code in _CODES else str(code)


def amount(minor: int, currency: str) -> Decimal:
    """A number that is written with exactly the currency's decimals."""
    return Decimal(show(minor, currency))


def loads(text: str | None) -> dict[str, Any]:
    """A JSON column's object; nothing told is an empty one."""
    return _decode(text) if text is not None else {}


def _number(row: SnapshotRow | None) -> int | None:
    """Others' number for something, else ours."""
    return None if row is None else int(loads(row.document).get("pk", row.id))
