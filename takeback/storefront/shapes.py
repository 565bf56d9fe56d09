"""The documents that storefronts read, key by key; both dialects' keys together.

The API page is made from these, and tests decode real answers against them. The two long ones
that lists repeat are structs: a dict of fifty keys costs four times as much to make.
"""

from datetime import date, datetime
from typing import Any, TypedDict
from uuid import UUID

from msgspec import Struct

from takeback.storefront.addresses_shapes import Address, Choice, Object


class PickupHours(TypedDict):
    """From and to, HH:MM."""

    start: str
    end: str


class PickupDate(TypedDict):
    """When the carrier comes."""

    date: str
    hour_range: PickupHours


class EasyReturn(TypedDict):
    """A booked way back."""

    id: int
    pk: int
    status: Choice
    code: str
    start_date: datetime | None
    end_date: datetime | None
    tracking_url: str | None
    tracking_number: str | None
    shipping_company: Choice
    pickup_date: PickupDate | None


class RequestImage(TypedDict):
    """A picture of a case."""

    pk: int
    id: int
    cancellation_request: int
    image: str
    description: str | None
    is_uploaded_by_user: bool
    created_date: datetime
    modified_date: datetime


class CancellationRequest(TypedDict):
    """A case; `cancellation_type` is plain in classic answers to a request, else a choice."""

    id: int
    pk: int
    cancellation_type: str | Choice
    status: Choice
    easy_return: EasyReturn | None
    created_date: datetime
    modified_date: datetime
    uuid: UUID
    description: str | None
    iban: str | None
    holder_name: str | None
    quantity: int
    fully_refund_as_loyalty_money: bool
    cancellation_request_image_set: list[RequestImage]
    reason: int
    order_item: int


class ShippingCompany(TypedDict):
    """A carrier that may be chosen for a return."""

    pk: int
    id: int
    shipping_company: Choice
    name: str


class Product(TypedDict):
    """The product as it was when the order came in."""

    pk: int
    id: int
    sku: str
    base_code: str
    name: str
    image: str | None
    absolute_url: str
    attributes: Object
    attributes_kwargs: Object
    form_schema: list[Any] | None
    data_source: Object | None
    extra_attributes: Object
    category: Object | None
    attribute_set: list[Any]


class Closed(TypedDict):
    """Why an item can neither be cancelled nor returned: our own addition to the contract."""

    code: str
    message: str


class OrderItem(Struct, gc=False):
    """A line: what it is and what may still be done about it, what it cost and what else is known;
    `price` is for all its units together."""

    id: int
    pk: int
    status: Choice
    price_currency: Choice
    product: Product
    is_cancelled: bool
    is_cancellable: bool
    is_refundable: bool
    closed_because: Closed | None
    cancellationrequest_set: list[CancellationRequest]
    active_cancellation_request: CancellationRequest | None
    shipping_company: Choice | None
    tracking_url: str | None
    is_tradable: bool
    available_easy_return_shipping_companies: list[ShippingCompany]
    datasource_detailed: Object | None
    extra_product_stock_detailed: Object | None
    extra_product_price_detailed: Object | None
    shipping_option_group: Object | None
    created_date: datetime
    modified_date: datetime
    attributes: Object
    attributes_kwargs: Object
    localized_attributes: Object
    localized_attributes_kwargs: Object
    price: str
    tax_rate: str
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    tracking_number: str | None
    defined_tracking_url: str | None
    retail_price: str | None
    discount_amount: str
    discounted_price: str
    quantity: int
    unit_price: str
    total_amount: str
    image: str | None
    extra_field: Object
    estimated_delivery_date: date | None
    shipped_date: datetime | None
    delivered_date: datetime | None
    shipping_tracking_url: str | None
    order: int
    parent: int | None
    extra_product_price: int | None
    extra_product_stock: int | None
    datasource: int | None


class DiscountItem(TypedDict):
    """A discount of the order."""

    pk: int
    id: int
    name: str
    amount: str
    created_date: datetime
    order_number: str
    currency: Choice


class LoyaltyTransaction(TypedDict):
    """Points that moved with the order."""

    pk: int
    id: int
    uuid: UUID
    amount: str
    order: int
    user: int | None
    user_email: str | None
    reference: str | None


class PaymentOption(TypedDict):
    """How the order was paid."""

    pk: int
    id: int
    name: str
    payment_type: str
    slug: str


class Bank(TypedDict):
    """The bank of the card."""

    pk: int
    id: int
    name: str
    slug: str
    logo: str | None
    logo_path: str | None


class Order(Struct, gc=False):
    """An order as its customer sees it: what may still be done about it, when it was placed and
    what it cost (amounts have the currency's own decimals), what else is known."""

    id: int
    pk: int
    status: Choice
    currency: Choice
    orderitem_set: list[OrderItem]
    discountitem_set: list[DiscountItem]
    is_cancelled: bool
    is_cancellable: bool
    is_refundable: bool
    shipping_address: Address
    billing_address: Address
    shipping_company: Choice | None
    client_type: str | Choice
    payment_option: PaymentOption
    amount_without_discount: str
    is_payable: bool
    tracking_url: str | None
    bank: Bank | None
    loyaltytransaction_set: list[LoyaltyTransaction]
    created_date: datetime
    modified_date: datetime
    number: str
    amount: str
    discount_amount: str
    shipping_amount: str
    shipping_tax_rate: str | None
    refund_amount: str
    discount_refund_amount: str
    shipping_refund_amount: str
    invoice_number: str | None
    invoice_date: datetime | None
    e_archive_url: str | None
    tracking_number: str | None
    defined_tracking_url: str | None
    remote_addr: str | None
    has_gift_box: bool
    gift_box_note: str | None
    language_code: str
    notes: str | None
    delivery_range: Any
    extra_field: Object | None
    user_email: str
    shipping_option_slug: str | None
    payment_option_slug: str | None
    bin_number: str | None
    installment_count: int
    installment_interest_amount: str
    shipping_tracking_url: str | None
    order_type: Choice | None
    user: int
    basket: int | None
    shipping_option: int | None
    card: int | None
    installment: int | None
    segment: Any
    checkout_provider: Any


class CancellationReason(TypedDict):
    """A reason; `subject` is in the caller's language."""

    id: int
    pk: int
    cancellation_type: str
    translations: Object
    created_date: datetime
    modified_date: datetime
    uuid: UUID
    subject: str
    extra_information_needed: bool
    order: int
    is_active: bool


class OldOrderItem(TypedDict):
    """A line of an old order."""

    id: int
    pk: int
    product: str
    sku: str
    quantity: int
    price: str
    image_url: str | None
    extra_field: Object


class OldOrder(TypedDict):
    """An order of a system that is gone."""

    id: int
    pk: int
    currency: Choice
    shipping_company: Choice | None
    oldorderitem_set: list[OldOrderItem]
    number: str
    user_email: str
    status: str
    created_date: datetime
    amount: str
    discount_amount: str
    payment_type: str
    bank: str
    installment_count: int
    tracking_number: str
    shipping_address: str
    billing_address: str
    extra_field: Object
    user: int
