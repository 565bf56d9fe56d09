"""Orders and their lines as storefronts read them, key by key in the contract's order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Raw

from takeback.cancellations import policy
from takeback.cancellations.queries import Case, facts_of
from takeback.cancellations.states import Kind
from takeback.core.money import show, units_worth
from takeback.orders.queries import DISCOUNT, LOYALTY, ExtraRow, ItemRow, OrderRow
from takeback.orders.states import Status
from takeback.storefront import labels, shapes
from takeback.storefront.address_documents import address
from takeback.storefront.request_documents import nested_request
from takeback.storefront.snapshot_documents import Snapshots
from takeback.storefront.values import (
    carrier,
    closed,
    currency,
    decode,
    loads,
    order_type,
    rate,
    status,
    text_choice,
    web,
)
from takeback.storefront.view import View


def order(
    row: OrderRow,
    items: Sequence[ItemRow],
    cases: dict[int, list[Case]],
    extras: Sequence[ExtraRow],
    snapshots: Snapshots,
    view: View,
) -> shapes.Order:
    """An order with everything in it."""
    lines = [order_item(item, cases.get(item.id, ()), row, snapshots, view) for item in items]
    return {**_summary(row, lines, extras, snapshots, view), **_amounts(row), **_details(row, view)}


def _summary(
    row: OrderRow,
    lines: list[shapes.OrderItem],
    extras: Sequence[ExtraRow],
    snapshots: Snapshots,
    view: View,
) -> shapes.OrderSummary:
    return {
        "id": row.id,
        "pk": row.id,
        "status": status(row.status, view.language),
        "currency": currency(row.currency),
        "orderitem_set": lines,
        "discountitem_set": [discount(extra, row) for extra in extras if extra.kind == DISCOUNT],
        "is_cancelled": all(line["is_cancelled"] for line in lines),
        "is_cancellable": any(line["is_cancellable"] for line in lines),
        "is_refundable": any(line["is_refundable"] for line in lines),
        "shipping_address": address(row.shipping_address, view),
        "billing_address": address(row.billing_address, view),
        "shipping_company": carrier(row.shipping_company),
        "client_type": text_choice(labels.CLIENTS, row.client_type, view),
        "payment_option": payment_option(snapshots[row.payment_option_id], row.payment_type),
        "amount_without_discount": show(row.amount_minor + row.discount_minor, row.currency),
        "is_payable": row.status == Status.PAYMENT_WAITING and bool(row.unpaid_minor),
        "tracking_url": web(row.tracking_url),
        "bank": snapshots[row.bank_id],
        "loyaltytransaction_set": [points(extra, row) for extra in extras if extra.kind == LOYALTY],
    }


def _amounts(row: OrderRow) -> shapes.OrderAmounts:
    code = row.currency
    return {
        "created_date": row.placed_at,
        "modified_date": row.modified_date,
        "number": row.number,
        "amount": show(row.amount_minor, code),
        "discount_amount": show(row.discount_minor, code),
        "shipping_amount": show(row.shipping_minor, code),
        "shipping_tax_rate": rate(row.shipping_tax_rate),
        "refund_amount": show(row.refund_minor, code),
        "discount_refund_amount": show(row.discount_refund_minor, code),
        "shipping_refund_amount": show(row.shipping_refund_minor, code),
    }


def _details(row: OrderRow, view: View) -> shapes.OrderDetails:
    told: dict[str, Any] = loads(row.details)
    # Two weak facts open a guest's order; where and with which card it was placed stays hidden.
    is_guest = view.account is None
    return {
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": web(row.e_archive_url),
        "tracking_number": row.tracking_number,
        "defined_tracking_url": web(told.get("defined_tracking_url")),
        "remote_addr": None if is_guest else row.remote_addr,
        "has_gift_box": row.has_gift_box,
        "gift_box_note": row.gift_box_note,
        "language_code": row.language_code,
        "notes": row.notes,
        "delivery_range": told.get("delivery_range"),
        "extra_field": loads(row.extra_field),
        "user_email": row.user_email,
        "shipping_option_slug": told.get("shipping_option_slug"),
        "payment_option_slug": told.get("payment_option_slug"),
        "bin_number": row.bin_number,
        "installment_count": row.installment_count,
        "installment_interest_amount": show(row.interest_minor, row.currency),
        "shipping_tracking_url": web(told.get("shipping_tracking_url")),
        "order_type": order_type(row.order_type, view.language),
        "user": row.user_id,
        "basket": told.get("basket"),
        "shipping_option": told.get("shipping_option"),
        "card": None if is_guest else told.get("card"),
        "installment": told.get("installment"),
        "segment": told.get("segment"),
        "checkout_provider": told.get("checkout_provider"),
    }


def order_item(
    row: ItemRow, cases: Sequence[Case], parent: OrderRow, snapshots: Snapshots, view: View
) -> shapes.OrderItem:
    """A line, with what its customer may still do about it."""
    return {
        **_item_summary(row, cases, parent, snapshots, view),
        **_item_details(row, parent.currency),
    }


def _item_summary(
    row: ItemRow, cases: Sequence[Case], parent: OrderRow, snapshots: Snapshots, view: View
) -> shapes.OrderItemSummary:
    facts = facts_of(row, cases, parent.placed_at)
    against_cancel = policy.refusal(Kind.CANCEL, facts, view.limits, view.now)
    against_refund = policy.refusal(Kind.REFUND, facts, view.limits, view.now)
    requests = [nested_request(case) for case in cases]
    live = (request for request, case in zip(requests, cases, strict=True) if case.is_live)
    return {
        "id": row.id,
        "pk": row.id,
        "status": status(row.status, view.language),
        "price_currency": currency(parent.currency),
        "product": snapshots[row.product_id],
        "is_cancelled": row.status == Status.CANCELLED,
        "is_cancellable": against_cancel is None,
        "is_refundable": against_refund is None,
        "closed_because": closed(
            policy.closed_because(against_cancel, against_refund), view.language
        ),
        "cancellationrequest_set": requests,
        "active_cancellation_request": next(live, None),
        "shipping_company": carrier(row.shipping_company),
        "tracking_url": web(row.tracking_url),
        "is_tradable": row.is_tradable,
        "available_easy_return_shipping_companies": view.companies,
        "datasource_detailed": snapshots[row.data_source_id],
        "extra_product_stock_detailed": snapshots[row.stock_list_id],
        "extra_product_price_detailed": snapshots[row.price_list_id],
        "shipping_option_group": snapshots[row.shipping_option_group_id],
    }


def _item_details(row: ItemRow, code: str) -> shapes.OrderItemDetails:
    told: dict[str, Any] = loads(row.details)
    goods = row.goods_minor
    return {
        "created_date": row.created_date,
        "modified_date": row.modified_date,
        "attributes": loads(row.attributes),
        "attributes_kwargs": told.get("attributes_kwargs") or {},
        "localized_attributes": told.get("localized_attributes") or {},
        "localized_attributes_kwargs": told.get("localized_attributes_kwargs") or {},
        "price": show(goods, code),
        "tax_rate": f"{row.tax_rate:.2f}",
        "invoice_number": row.invoice_number,
        "invoice_date": row.invoice_date,
        "e_archive_url": web(row.e_archive_url),
        "tracking_number": row.tracking_number,
        "defined_tracking_url": web(told.get("defined_tracking_url")),
        "retail_price": None if row.retail_minor is None else show(row.retail_minor, code),
        "discount_amount": show(row.discount_minor, code),
        "discounted_price": show(goods - row.discount_minor, code),
        "quantity": row.quantity,
        "unit_price": show(units_worth(goods, row.quantity, 0, 1), code),
        "total_amount": show(goods, code),
        "image": web(row.image),
        "extra_field": loads(row.extra_field) or {"price_extra_field": {}, "stock_extra_field": {}},
        "estimated_delivery_date": row.estimated_delivery_date,
        "shipped_date": row.shipped_date,
        "delivered_date": row.delivered_date,
        "shipping_tracking_url": web(told.get("shipping_tracking_url")),
        "order": row.order_id,
        "parent": told.get("parent"),
        "extra_product_price": told.get("extra_product_price"),
        "extra_product_stock": told.get("extra_product_stock"),
        "datasource": row.data_source_id,
    }


def payment_option(told: Raw | None, payment_type: str) -> shapes.PaymentOption:
    """How the order was paid; an order that came without it still says of which kind."""
    document: shapes.PaymentOption = (
        decode(told) if told else {"pk": 0, "id": 0, "name": "", "payment_type": "", "slug": ""}
    )
    document["payment_type"] = document["payment_type"] or payment_type
    return document


def discount(row: ExtraRow, parent: OrderRow) -> shapes.DiscountItem:
    """A discount of the order."""
    return {
        "pk": row.id,
        "id": row.id,
        "name": row.label or "",
        "amount": show(row.amount_minor, parent.currency),
        "created_date": row.created_date,
        "order_number": parent.number,
        "currency": currency(parent.currency),
    }


def points(row: ExtraRow, parent: OrderRow) -> shapes.LoyaltyTransaction:
    """Points that moved with the order."""
    return {
        "pk": row.id,
        "id": row.id,
        "uuid": UUID(row.token),
        "amount": show(row.amount_minor, parent.currency),
        "order": row.order_id,
        "user": parent.user_id,
        "user_email": row.email,
        "reference": row.label,
    }
