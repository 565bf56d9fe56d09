"""An order as it is told to us, whoever tells it; amounts are minor units of its currency."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn

Document = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class ItemIn:
    """One line. Amounts are for the whole line; None leaves the share to the allocation."""

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
    cancel_status: str | None = None
    shipping_company: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    invoice_number: str | None = None
    invoice_date: datetime | None = None
    e_archive_url: str | None = None
    estimated_delivery_date: date | None = None
    shipped_date: datetime | None = None
    delivered_date: datetime | None = None
    image: str | None = None
    is_tradable: bool = False
    attributes: Document = field(default_factory=dict)
    extra_field: Document | None = None
    details: Document = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class DiscountIn:
    """A discount and the lines that it touched, by remote id; none named means all."""

    name: str
    amount_minor: int
    items: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class TenderIn:
    """One way of paying and how much of it has been captured."""

    kind: str
    amount_minor: int
    captured_minor: int
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class LoyaltyIn:
    """Points that moved with the order."""

    uuid: UUID
    amount_minor: int
    transaction_type: str = "purchase"
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class OrderIn:
    """A whole order. `amount_minor`, when told, must be what the parts add up to."""

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
    cancel_status: str | None = None
    payment_option: Document | None = None
    payment_type: str = ""
    bank: Document | None = None
    bin_number: str | None = None
    installment_count: int = 1
    shipping_company: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    invoice_number: str | None = None
    invoice_date: datetime | None = None
    e_archive_url: str | None = None
    has_gift_box: bool = False
    gift_box_note: str | None = None
    notes: str | None = None
    language_code: str = ""
    client_type: str = "default"
    order_type: str | None = None
    remote_addr: str | None = None
    is_send: bool = False
    extra_field: Document | None = None
    details: Document = field(default_factory=dict)
