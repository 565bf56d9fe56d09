"""Input types of orders from every source; amounts are minor units of the order's currency.

None, an empty text, list or object: the sender did not send the field. A new order then gets the
default (`order_rows`), and an order that is received again keeps its value (`merge`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn
from takeback.orders.statuses import Status

Document = dict[str, Any]

ITEMS_MAX = 10_000
"""The largest number of items of an order."""

ROUNDING_MAX = 10
"""The largest rounding difference of an order, in minor units of its currency."""

PAYMENTS_MAX = 100
"""The largest number of payments of an order."""

UNKNOWN_KIND = "unknown"
"""The kind of a payment whose sender named none."""


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
    """An item. Amounts are for all its units; None leaves the amount to the allocation.

    Without a status a new item gets the order's.
    """

    remote_id: str
    sku: str
    product: Document
    goods_minor: int
    status: int | None = None
    quantity: int = 1
    discount_minor: int | None = None
    tax_minor: int | None = None
    interest_minor: int | None = None
    retail_minor: int | None = None
    tax_rate: Decimal | None = None
    price_list: Document | None = None
    stock_list: Document | None = None
    data_source: Document | None = None
    shipping_option_group: Document | None = None
    estimated_delivery_date: date | None = None
    shipped_date: datetime | None = None
    delivered_date: datetime | None = None
    image: str | None = None
    is_tradable: bool | None = None
    refunded_elsewhere_quantity: int | None = None
    attributes: Document = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class DiscountIn:
    """A discount and the remote ids of the items it applies to; no ids mean all items."""

    name: str
    amount_minor: int
    items: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class PaymentIn:
    """A payment of the order, and how the provider knows it.

    Amounts are those of the order's currency; `currency` is the one that was charged. `account`
    is the code of the channel's payment account, `reference` and `provider_order` are the
    provider's ids of the payment and of its order.

    Without a captured amount, a stored payment keeps its own, and a new one is captured whole
    unless it is made later (`allocation.with_captured`).
    """

    kind: str
    amount_minor: int
    captured_minor: int | None = None
    account: str | None = None
    reference: str | None = None
    provider_order: str | None = None
    currency: str | None = None


@dataclass(slots=True, kw_only=True)
class LoyaltyIn:
    """A movement of loyalty points that belongs to the order."""

    uuid: UUID
    amount_minor: int
    transaction_type: str = "purchase"
    reference: str | None = None


@dataclass(slots=True, kw_only=True)
class OrderIn(OrderOrItemIn):
    """An order. `amount_minor` is optional; when set, the parts must add up to it.

    `initial_status` is that of a new order without any status.
    `may_round`: the parts may differ from the amount by rounding, at most one minor unit per item.
    `refunded_elsewhere_minor` is what other systems paid back. `refunded_total_minor` is the
    shop's total of all refunds, ours included; None: the sender does not know.
    """

    number: str
    currency: str
    placed_at: datetime
    customer: CustomerIn
    shipping_address: AddressIn
    billing_address: AddressIn | None = None
    items: list[ItemIn]
    status: int | None = None
    initial_status: int = Status.APPROVED
    amount_minor: int | None = None
    discount_minor: int | None = None
    shipping_minor: int | None = None
    fee_minor: int | None = None
    interest_minor: int | None = None
    may_round: bool = False
    refunded_elsewhere_minor: int | None = None
    refunded_total_minor: int | None = None
    discounts: list[DiscountIn] = field(default_factory=list)
    payments: list[PaymentIn] = field(default_factory=list)
    payments_path: str = "payments"
    """The name of the field in which the sender sent them."""
    loyalty: list[LoyaltyIn] = field(default_factory=list)
    shipping_tax_rate: Decimal | None = None
    payment_option: Document | None = None
    payment_type: str = ""
    bank: Document | None = None
    bin_number: str | None = None
    installment_count: int | None = None
    has_gift_box: bool | None = None
    gift_box_note: str | None = None
    notes: str | None = None
    language_code: str = ""
    client_type: str | None = None
    order_type: str | None = None
    remote_addr: str | None = None
    is_send: bool | None = None

    def status_of_item(self, item: ItemIn) -> int:
        """The status of a new item of this order."""
        return item.status or self.status or self.initial_status


def repeated_payments(ids: Iterable[tuple[str | None, str | None]]) -> list[int]:
    """The positions of payments that occur before; `ids` are their accounts and references.

    An account that is not known may be any.

    >>> ids = [("a", "1"), ("b", "1"), ("a", "2"), ("a", "1"), (None, "2"), (None, None)]
    >>> repeated_payments(ids)
    [3, 4]
    """
    accounts: dict[str, set[str | None]] = {}
    positions = []
    for position, (account, reference) in enumerate(ids):
        if reference is not None:
            others = accounts.setdefault(reference, set())
            if others and (account is None or others & {account, None}):
                positions.append(position)
            others.add(account)
    return positions
