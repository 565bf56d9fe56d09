"""The documents that other systems read; amounts are numbers in the currency's own decimals.

The API page is made from these, and tests decode real answers against them.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

Object = dict[str, Any]


class ChannelProduct(TypedDict):
    """The product as it was when the order came in."""

    id: int
    pk: int
    name: str
    base_code: str
    sku: str
    uuid: str | None
    description: str | None
    brand: int | None
    erp_categories: list[Any]
    tax_rate: Decimal | None
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


class ChannelPriceList(TypedDict):
    """The list that a price came from."""

    pk: int
    id: int
    name: str | None
    code: str | None
    currency: str | None
    is_auto_sync: bool
    created_date: str | None
    modified_date: str | None


class ChannelStockList(TypedDict):
    """The list that a stock came from."""

    pk: int
    id: int
    name: str | None
    code: str | None
    is_auto_sync: bool
    created_date: str | None
    modified_date: str | None


class ChannelDataSource(TypedDict):
    """A seller, a supplier, a warehouse; `token` only for keys that may see it."""

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


class ChannelShippingOptionGroup(TypedDict):
    """How a group of lines is sent."""

    pk: int
    id: int
    amount: Decimal
    tax_rate: Decimal | None
    shipping_option_slug: str | None
    created_date: str | None
    modified_date: str | None


class ChannelBenefitApplicant(TypedDict):
    """A discount took this much off the line."""

    id: int
    pk: int
    order_item: int
    discount_item: int
    amount: Decimal
    created_date: datetime
    modified_date: datetime


class ChannelOrderItemSummary(TypedDict):
    """What was bought, and what it is worth."""

    product: ChannelProduct
    price_list: ChannelPriceList | None
    stock_list: ChannelStockList | None
    status: str
    quantity: int
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


class ChannelOrderItemDetails(TypedDict):
    """Where it is, and what else was told about it."""

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


class ChannelOrderItem(ChannelOrderItemSummary, ChannelOrderItemDetails):
    """One line of an order; `price` is for all its units together, `status` is its name."""

    pk: int
    id: int
    order: int


class ChannelOrderSummary(TypedDict):
    """Who ordered, when, and how it is paid."""

    pk: int
    id: int
    number: str
    channel: int
    customer: int
    date_placed: datetime
    extra_field: Object
    payment_option: int | None
    payment_option_slug: str | None
    bin_number: str | None
    installment: int | None
    installment_count: int
    installment_interest_amount: Decimal
    cargo_company: int | None
    is_send: bool
    delivery_type: str | None
    cancellation_info: Object | None
    cancel_status: str | None
    shipping_interest_amount: Decimal
    external_status: int | None
    client_type: str
    carrier_shipping_code: str | None
    segment: str | None
    checkout_provider_id: int | None


class ChannelOrderDetails(TypedDict):
    """How far it is, what it is worth, how it is sent."""

    status: int
    currency: str
    amount: Decimal
    discount_amount: Decimal
    shipping_amount: Decimal
    shipping_tax_rate: Decimal | None
    refund_amount: Decimal
    discount_refund_amount: Decimal
    shipping_refund_amount: Decimal
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    tracking_number: str | None
    defined_tracking_url: str | None
    shipping_company: str | None
    remote_addr: str | None
    has_gift_box: bool
    gift_box_note: str | None
    language_code: str
    notes: str | None
    delivery_range: Object | None
    shipping_option_slug: str | None
    created_date: datetime
    modified_date: datetime


class ChannelBareOrder(ChannelOrderSummary, ChannelOrderDetails):
    """An order without its lines; `status` is its code."""


class ChannelOrder(ChannelBareOrder):
    """An order as other systems see it."""

    orderitem_set: list[ChannelOrderItem]
