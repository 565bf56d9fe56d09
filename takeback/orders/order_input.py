"""Input types of orders from every source; amounts are minor units of the order's currency."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn

Document = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class OrderOrItemIn:
    """Fields that orders and their items share."""

    cancel_status: str | None = None
    shipping_company: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    invoice_number: str | None = None
    invoice_date: datetime | None = None
    e_archive_url: str | None = None
    extra_field: Document | None = None
    details: Document = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ItemIn(OrderOrItemIn):
    """An item. Amounts are for all its units; None leaves the amount to the allocation."""

    remote_id: str
    sku: str
    product: Document
    goods_minor: int
    status: int
    quantity: int = 1
    discount_minor: int | None = None
    tax_minor: int | None = None
    interest_minor: int | None = None
    retail_minor: int | None = None
    tax_rate: Decimal = Decimal(0)
    price_list: Document | None = None
    stock_list: Document | None = None
    data_source: Document | None = None
    shipping_option_group: Document | None = None
    estimated_delivery_date: date | None = None
    shipped_date: datetime | None = None
    delivered_date: datetime | None = None
    image: str | None = None
    is_tradable: bool = False
    attributes: Document = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class DiscountIn:
    """A discount and the remote ids of the items it applies to; no ids mean all items."""

    name: str
    amount_minor: int
    items: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class TenderIn:
    """A payment of the order and its captured amount."""

    kind: str
    amount_minor: int
    captured_minor: int
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class LoyaltyIn:
    """A movement of loyalty points that belongs to the order."""

    uuid: UUID
    amount_minor: int
    transaction_type: str = "purchase"
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class OrderIn(OrderOrItemIn):
    """An order. `amount_minor` is optional; when set, the parts must add up to it."""

    number: str
    currency: str
    placed_at: datetime
    customer: CustomerIn
    shipping_address: AddressIn
    billing_address: AddressIn | None = None
    items: list[ItemIn]
    status: int | None = None
    amount_minor: int | None = None
    discount_minor: int | None = None
    shipping_minor: int = 0
    fee_minor: int = 0
    interest_minor: int = 0
    discounts: list[DiscountIn] = field(default_factory=list)
    tenders: list[TenderIn] = field(default_factory=list)
    loyalty: list[LoyaltyIn] = field(default_factory=list)
    shipping_tax_rate: Decimal | None = None
    payment_option: Document | None = None
    payment_type: str = ""
    bank: Document | None = None
    bin_number: str | None = None
    installment_count: int = 1
    has_gift_box: bool = False
    gift_box_note: str | None = None
    notes: str | None = None
    language_code: str = ""
    client_type: str = "default"
    order_type: str | None = None
    remote_addr: str | None = None
    is_send: bool = False
