"""Documents of orders, key by key in the contract's order."""

from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from takeback.channel.documents import Object, amount, json_object, optional_rate
from takeback.channel.items.documents import ChannelOrderItem, order_item
from takeback.channel.orders.queries import OrderRow, OrdersWithItems
from takeback.channel.refunds import ChannelRefund, refunds
from takeback.core.links import safe_http_url
from takeback.core.money import show
from takeback.orders.queries import SnapshotRow


class ChannelBareOrder(TypedDict):
    """An order without its items; `status` is the code of the status."""

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
    cancellation_info: Object
    cancel_status: str | None
    shipping_interest_amount: Decimal
    external_status: int | None
    client_type: str
    carrier_shipping_code: str | None
    segment: int | str | None
    checkout_provider_id: int | None
    status: int
    currency: str
    amount: Decimal
    discount_amount: Decimal
    shipping_amount: Decimal
    shipping_tax_rate: Decimal | None
    refund_amount: Decimal
    discount_refund_amount: Decimal
    shipping_refund_amount: Decimal
    refunded_elsewhere_amount: Decimal
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


def bare_order(row: OrderRow) -> ChannelBareOrder:
    details, currency = json_object(row.details), row.currency
    return {
        "pk": row.id,
        "id": row.id,
        "number": row.number,
        "channel": row.channel_id,
        "customer": row.user_id,
        "date_placed": row.placed_at,
        "extra_field": json_object(row.extra_field),
        "payment_option": _payment_option(row.payment_option),
        "payment_option_slug": details.get("payment_option_slug"),
        "bin_number": row.bin_number,
        "installment": details.get("installment"),
        "installment_count": row.installment_count,
        "installment_interest_amount": amount(row.interest_minor, currency),
        "cargo_company": details.get("cargo_company"),
        "is_send": row.is_send,
        "delivery_type": details.get("delivery_type"),
        "cancellation_info": details.get("cancellation_info") or {},
        "cancel_status": row.cancel_status,
        "shipping_interest_amount": Decimal(
            details.get("shipping_interest_amount") or show(0, currency)
        ),
        "external_status": details.get("external_status"),
        "client_type": row.client_type,
        "carrier_shipping_code": details.get("carrier_shipping_code"),
        "segment": details.get("segment"),
        "checkout_provider_id": details.get("checkout_provider_id"),
        "status": row.status,
        "currency": currency,
        "amount": amount(row.amount_minor, currency),
        "discount_amount": amount(row.discount_minor, currency),
        "shipping_amount": amount(row.shipping_minor, currency),
        "shipping_tax_rate": optional_rate(row.shipping_tax_rate),
        "refund_amount": amount(row.refund_minor, currency),
        "discount_refund_amount": amount(row.discount_refund_minor, currency),
        "shipping_refund_amount": amount(row.shipping_refund_minor, currency),
        "refunded_elsewhere_amount": amount(row.refunded_elsewhere_minor, currency),
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": safe_http_url(row.e_archive_url),
        "tracking_number": row.tracking_number,
        "defined_tracking_url": safe_http_url(details.get("defined_tracking_url")),
        "shipping_company": row.shipping_company,
        "remote_addr": row.remote_addr,
        "has_gift_box": row.has_gift_box,
        "gift_box_note": row.gift_box_note,
        "language_code": row.language_code,
        "notes": row.notes,
        "delivery_range": details.get("delivery_range"),
        "shipping_option_slug": details.get("shipping_option_slug"),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class ChannelOrder(ChannelBareOrder):
    """An order with its items and its refunds."""

    orderitem_set: list[ChannelOrderItem]
    refund_set: list[ChannelRefund]


def order(row: OrderRow, items: list[ChannelOrderItem]) -> ChannelOrder:
    details, currency = json_object(row.details), row.currency
    return {
        "pk": row.id,
        "id": row.id,
        "number": row.number,
        "channel": row.channel_id,
        "customer": row.user_id,
        "date_placed": row.placed_at,
        "extra_field": json_object(row.extra_field),
        "payment_option": _payment_option(row.payment_option),
        "payment_option_slug": details.get("payment_option_slug"),
        "bin_number": row.bin_number,
        "installment": details.get("installment"),
        "installment_count": row.installment_count,
        "installment_interest_amount": amount(row.interest_minor, currency),
        "cargo_company": details.get("cargo_company"),
        "is_send": row.is_send,
        "delivery_type": details.get("delivery_type"),
        "cancellation_info": details.get("cancellation_info") or {},
        "cancel_status": row.cancel_status,
        "shipping_interest_amount": Decimal(
            details.get("shipping_interest_amount") or show(0, currency)
        ),
        "external_status": details.get("external_status"),
        "client_type": row.client_type,
        "carrier_shipping_code": details.get("carrier_shipping_code"),
        "segment": details.get("segment"),
        "checkout_provider_id": details.get("checkout_provider_id"),
        "status": row.status,
        "currency": currency,
        "amount": amount(row.amount_minor, currency),
        "discount_amount": amount(row.discount_minor, currency),
        "shipping_amount": amount(row.shipping_minor, currency),
        "shipping_tax_rate": optional_rate(row.shipping_tax_rate),
        "refund_amount": amount(row.refund_minor, currency),
        "discount_refund_amount": amount(row.discount_refund_minor, currency),
        "shipping_refund_amount": amount(row.shipping_refund_minor, currency),
        "refunded_elsewhere_amount": amount(row.refunded_elsewhere_minor, currency),
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": safe_http_url(row.e_archive_url),
        "tracking_number": row.tracking_number,
        "defined_tracking_url": safe_http_url(details.get("defined_tracking_url")),
        "shipping_company": row.shipping_company,
        "remote_addr": row.remote_addr,
        "has_gift_box": row.has_gift_box,
        "gift_box_note": row.gift_box_note,
        "language_code": row.language_code,
        "notes": row.notes,
        "delivery_range": details.get("delivery_range"),
        "shipping_option_slug": details.get("shipping_option_slug"),
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "orderitem_set": items,
        "refund_set": refunds(row.refunds),
    }


def orders(data: OrdersWithItems, *, show_secrets: bool) -> list[ChannelOrder]:
    """The documents of the orders; `show_secrets` needs the scope `pii`."""
    return [
        order(
            row,
            [
                order_item(
                    item,
                    data.shares[item.id],
                    data.units_left[item.id],
                    row.currency,
                    show_secrets=show_secrets,
                )
                for item in data.items[row.id]
            ],
        )
        for row in data.orders
    ]


def _payment_option(row: SnapshotRow | None) -> int | None:
    """The channel's own id of a payment option, or else ours."""
    return None if row is None else int(json_object(row.document).get("pk", row.id))
