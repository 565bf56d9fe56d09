"""Orders and their lines as storefronts read them, key by key in the contract's order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Raw

from takeback.cancellations import policy
from takeback.cancellations.queries import CaseWithImages, item_context
from takeback.cancellations.statuses import Kind
from takeback.core.links import safe_http_url
from takeback.core.money import show, unit_worth
from takeback.orders.queries import DISCOUNT, LOYALTY, ExtraRow, ItemRow, OrderRow
from takeback.orders.statuses import Status
from takeback.storefront import labels, shapes
from takeback.storefront.addresses_documents import address
from takeback.storefront.cases_documents import nested_request
from takeback.storefront.document_context import DocumentContext
from takeback.storefront.snapshot_cache import Snapshots
from takeback.storefront.values import (
    carrier,
    closed,
    currency,
    decode,
    embedded,
    loads,
    order_type,
    rate,
    status,
    text_choice,
)

_EMPTY = (None, "{}", "null")
_NO_EXTRAS: dict[str, Any] = {"price_extra_field": {}, "stock_extra_field": {}}


def order(
    row: OrderRow,
    items: Sequence[ItemRow],
    cases: dict[int, list[CaseWithImages]],
    extras: Sequence[ExtraRow],
    snapshots: Snapshots,
    view: DocumentContext,
) -> shapes.Order:
    """An order with everything in it."""
    lines = [order_item(item, cases.get(item.id, ()), row, snapshots, view) for item in items]
    return shapes.Order(
        *_summary(row, lines, extras, snapshots, view), *_amounts(row), *_details(row, view)
    )


def _summary(
    row: OrderRow,
    lines: list[shapes.OrderItem],
    extras: Sequence[ExtraRow],
    snapshots: Snapshots,
    view: DocumentContext,
) -> tuple[Any, ...]:
    return (
        row.id,
        row.id,  # pk
        status(row.status, view.language),
        currency(row.currency),
        lines,  # orderitem_set
        [discount(extra, row) for extra in extras if extra.kind == DISCOUNT],  # discountitem_set
        all(line.is_cancelled for line in lines),
        any(line.is_cancellable for line in lines),
        any(line.is_refundable for line in lines),
        address(row.shipping_address, view),
        address(row.billing_address, view),
        carrier(row.shipping_company),
        text_choice(labels.CLIENTS, row.client_type, view),
        payment_option(snapshots[row.payment_option_id], row.payment_type),
        show(row.amount_minor + row.discount_minor, row.currency),  # amount_without_discount
        row.status == Status.PAYMENT_WAITING and bool(row.unpaid_minor),  # is_payable
        safe_http_url(row.tracking_url),
        snapshots[row.bank_id],  # bank
        [points(extra, row) for extra in extras if extra.kind == LOYALTY],  # loyaltytransaction_set
    )


def _amounts(row: OrderRow) -> tuple[Any, ...]:
    code = row.currency
    return (
        row.placed_at,  # created_date
        row.modified_date,
        row.number,
        show(row.amount_minor, code),  # amount
        show(row.discount_minor, code),  # discount_amount
        show(row.shipping_minor, code),  # shipping_amount
        rate(row.shipping_tax_rate),
        show(row.refund_minor, code),  # refund_amount
        show(row.discount_refund_minor, code),  # discount_refund_amount
        show(row.shipping_refund_minor, code),  # shipping_refund_amount
    )


def _details(row: OrderRow, view: DocumentContext) -> tuple[Any, ...]:
    told: dict[str, Any] = loads(row.details)
    # Two weak facts open a guest's order; where and with which card it was placed stays hidden.
    is_guest = view.account is None
    return (
        row.invoice_number,
        row.invoice_date,
        safe_http_url(row.e_archive_url),
        row.tracking_number,
        safe_http_url(told.get("defined_tracking_url")),
        None if is_guest else row.remote_addr,
        row.has_gift_box,
        row.gift_box_note,
        row.language_code,
        row.notes,
        told.get("delivery_range"),
        embedded(row.extra_field),
        row.user_email,
        told.get("shipping_option_slug"),
        told.get("payment_option_slug"),
        row.bin_number,
        row.installment_count,
        show(row.interest_minor, row.currency),  # installment_interest_amount
        safe_http_url(told.get("shipping_tracking_url")),
        order_type(row.order_type, view.language),
        row.user_id,  # user
        told.get("basket"),
        told.get("shipping_option"),
        None if is_guest else told.get("card"),
        told.get("installment"),
        told.get("segment"),
        told.get("checkout_provider"),
    )


def order_item(
    row: ItemRow,
    cases: Sequence[CaseWithImages],
    parent: OrderRow,
    snapshots: Snapshots,
    view: DocumentContext,
) -> shapes.OrderItem:
    """A line, with what its customer may still do about it."""
    return shapes.OrderItem(
        *_item_summary(row, cases, parent, snapshots, view),
        *_item_details(row, parent.currency),
    )


def _item_summary(
    row: ItemRow,
    cases: Sequence[CaseWithImages],
    parent: OrderRow,
    snapshots: Snapshots,
    view: DocumentContext,
) -> tuple[Any, ...]:
    context = item_context(row, cases, parent.placed_at, view.shop, view.now)
    against_cancel = policy.item_refusal(Kind.CANCEL, context)
    against_refund = policy.item_refusal(Kind.RETURN, context)
    requests, live = _requests(cases, view)
    return (
        row.id,
        row.id,  # pk
        status(row.status, view.language),
        currency(parent.currency),  # price_currency
        snapshots[row.product_id],  # product
        row.status == Status.CANCELLED,  # is_cancelled
        against_cancel is None,  # is_cancellable
        against_refund is None,  # is_refundable
        closed(policy.first_blocking_reason(against_cancel, against_refund), view.language),
        requests,  # cancellationrequest_set
        live,  # active_cancellation_request
        carrier(row.shipping_company),
        safe_http_url(row.tracking_url),
        row.is_tradable,
        view.companies,  # available_easy_return_shipping_companies
        snapshots[row.data_source_id],  # datasource_detailed
        snapshots[row.stock_list_id],  # extra_product_stock_detailed
        snapshots[row.price_list_id],  # extra_product_price_detailed
        snapshots[row.shipping_option_group_id],  # shipping_option_group
    )


def _requests(
    cases: Sequence[CaseWithImages], view: DocumentContext
) -> tuple[list[shapes.CancellationRequest], shapes.CancellationRequest | None]:
    """A line's cases, and the one of them that is open; most lines have none."""
    if not cases:
        return [], None
    requests = [nested_request(case, view) for case in cases]
    live = (request for request, case in zip(requests, cases, strict=True) if case.is_live)
    return requests, next(live, None)


def _item_details(row: ItemRow, code: str) -> tuple[Any, ...]:
    told: dict[str, Any] = loads(row.details)
    goods = row.goods_minor
    return (
        row.created_date,
        row.modified_date,
        embedded(row.attributes),
        told.get("attributes_kwargs") or {},
        told.get("localized_attributes") or {},
        told.get("localized_attributes_kwargs") or {},
        show(goods, code),  # price
        f"{row.tax_rate:.2f}",
        row.invoice_number,
        row.invoice_date,
        safe_http_url(row.e_archive_url),
        row.tracking_number,
        safe_http_url(told.get("defined_tracking_url")),
        None if row.retail_minor is None else show(row.retail_minor, code),  # retail_price
        show(row.discount_minor, code),  # discount_amount
        show(goods - row.discount_minor, code),  # discounted_price
        row.quantity,
        show(unit_worth(goods, row.quantity), code),  # unit_price
        show(goods, code),  # total_amount
        safe_http_url(row.image),
        embedded(row.extra_field) if row.extra_field not in _EMPTY else _NO_EXTRAS,
        row.estimated_delivery_date,
        row.shipped_date,
        row.delivered_date,
        safe_http_url(told.get("shipping_tracking_url")),
        row.order_id,  # order
        told.get("parent"),
        told.get("extra_product_price"),
        told.get("extra_product_stock"),
        row.data_source_id,  # datasource
    )


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
