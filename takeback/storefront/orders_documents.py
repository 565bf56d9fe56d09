"""Documents of orders and their items, key by key in the order of the contract."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypedDict, cast
from uuid import UUID

from msgspec import Raw, Struct

from takeback.accounts.policy import ShopPolicy
from takeback.api.renderer import decode, embed, encode
from takeback.cancellations import policy
from takeback.cancellations.queries import CaseWithImages, by_item, cases_of_orders, item_context
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Problem
from takeback.core.links import safe_http_url
from takeback.core.money import show, show_rate, unit_value
from takeback.orders.order_rows import ITEM_SNAPSHOTS
from takeback.orders.queries import (
    DISCOUNT,
    LOYALTY,
    ExtraRow,
    ItemRow,
    OrderRow,
    items_of,
    order_extras,
)
from takeback.orders.statuses import Status
from takeback.orders.units import units_left
from takeback.storefront.addresses_documents import Address, address
from takeback.storefront.cases_documents import CancellationRequest, case_in_order
from takeback.storefront.document_cache import (
    Bank,
    PaymentOption,
    Product,
    ReturnCarrier,
    Snapshots,
    cache_snapshots,
    cached_snapshots,
)
from takeback.storefront.document_context import DocumentContext, Object
from takeback.storefront.labels import (
    CLIENTS,
    Choice,
    carrier,
    choice_in_v3,
    currency,
    order_type,
    status,
)
from takeback.storefront.refunds_documents import RefundState

_EMPTY_COLUMN = (None, "{}", "null")
_NO_EXTRAS: Object = {"price_extra_field": {}, "stock_extra_field": {}}
_snapshot_ids = attrgetter(*(f"{kind}_id" for kind in ITEM_SNAPSHOTS))


def encoded_orders(rows: Sequence[OrderRow], context: DocumentContext) -> list[Raw]:
    """The encoded documents of these orders: three queries, for any number of orders.

    Each document is encoded before the next is built, so that they reuse the same memory.
    """
    if not rows:
        return []
    ids = [row.id for row in rows]
    items: dict[int, list[ItemRow]] = defaultdict(list)
    named = {pk for row in rows for pk in (row.payment_option_id, row.bank_id)}
    for item in items_of(order_ids=ids):
        items[item.order_id].append(item)
        named.update(_snapshot_ids(item))
    snapshot_ids = {pk for pk in named if pk}
    cached = cached_snapshots(snapshot_ids, context.dialect)
    extra_rows, snapshot_rows = order_extras(
        order_ids=ids, snapshot_ids=[*(snapshot_ids - cached.keys())]
    )
    snapshots = {None: None} | cached | cache_snapshots(snapshot_rows, context.dialect)
    extras: dict[int, list[ExtraRow]] = defaultdict(list)
    for extra in sorted(extra_rows, key=lambda row: row.id):
        extras[extra.order_id].append(extra)
    cases = by_item(cases_of_orders(order_ids=ids))
    return [
        Raw(encode(order(row, items[row.id], cases, extras[row.id], snapshots, context)))
        for row in rows
    ]


class BlockingReason(TypedDict):
    """Why an item can be neither cancelled nor returned: our addition to the contract."""

    code: str
    message: str


@lru_cache(maxsize=256)
def blocking_reason(problem: Problem | None, language: str) -> BlockingReason | None:
    """The refusal in the language of the request."""
    return {"code": problem.code, "message": str(problem.message)} if problem else None


class OrderItem(Struct, gc=False):
    """An item: product, possible cancellation and return, price, shipment; `price` is for all its
    units. A struct, because a dict of fifty keys costs four times as much."""

    id: int
    pk: int
    status: Choice
    price_currency: Choice
    product: Product
    is_cancelled: bool
    is_cancellable: bool
    is_refundable: bool
    closed_because: BlockingReason | None
    cancellationrequest_set: list[CancellationRequest]
    active_cancellation_request: CancellationRequest | None
    shipping_company: Choice | None
    tracking_url: str | None
    is_tradable: bool
    available_easy_return_shipping_companies: list[ReturnCarrier]
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
    units_left: int
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


def order_item(
    row: ItemRow,
    cases: Sequence[CaseWithImages],
    parent: OrderRow,
    shop: ShopPolicy,
    snapshots: Snapshots,
    context: DocumentContext,
) -> OrderItem:
    """An item with its cases, and what its customer can still do with it on the order's terms."""
    code, goods = parent.currency, row.goods_minor
    details: Object = decode(row.details)
    item = item_context(row, cases, parent.placed_at, shop, context.now)
    against_cancel = policy.item_refusal(Kind.CANCEL, item)
    against_return = policy.item_refusal(Kind.RETURN, item)
    blocking = policy.first_blocking_reason(against_cancel, against_return)
    requests, live_request = _requests(cases, context)
    live_units = sum(case.row.quantity for case in cases if case.is_live) if cases else 0
    product = snapshots[row.product_id]
    carriers = cast(
        "Any",
        context.shipping_companies.for_item(parent.shipping_address.place, row.product_id, product),
    )
    return OrderItem(
        row.id,  # id
        row.id,  # pk
        status(row.status, context.language),  # status
        currency(code),  # price_currency
        product,  # product
        row.status == Status.CANCELLED,  # is_cancelled
        against_cancel is None,  # is_cancellable
        against_return is None,  # is_refundable
        blocking_reason(blocking, context.language),  # closed_because
        requests,  # cancellationrequest_set
        live_request,  # active_cancellation_request
        carrier(row.shipping_company),  # shipping_company
        safe_http_url(row.tracking_url),  # tracking_url
        row.is_tradable,  # is_tradable
        carriers,  # available_easy_return_shipping_companies
        snapshots[row.data_source_id],  # datasource_detailed
        snapshots[row.stock_list_id],  # extra_product_stock_detailed
        snapshots[row.price_list_id],  # extra_product_price_detailed
        snapshots[row.shipping_option_group_id],  # shipping_option_group
        row.created_date,  # created_date
        row.modified_date,  # modified_date
        embed(row.attributes),  # attributes
        details.get("attributes_kwargs") or {},  # attributes_kwargs
        details.get("localized_attributes") or {},  # localized_attributes
        details.get("localized_attributes_kwargs") or {},  # localized_attributes_kwargs
        show(goods, code),  # price
        show_rate(row.tax_rate),  # tax_rate
        row.invoice_number,  # invoice_number
        row.invoice_date,  # invoice_date
        safe_http_url(row.e_archive_url),  # e_archive_url
        row.tracking_number,  # tracking_number
        safe_http_url(details.get("defined_tracking_url")),  # defined_tracking_url
        None if row.retail_minor is None else show(row.retail_minor, code),  # retail_price
        show(row.discount_minor, code),  # discount_amount
        show(goods - row.discount_minor, code),  # discounted_price
        row.quantity,  # quantity
        units_left(row, live_units) if live_units else item.units_left,  # units_left
        show(unit_value(goods, row.quantity), code),  # unit_price
        show(goods, code),  # total_amount
        safe_http_url(row.image),  # image
        _NO_EXTRAS if row.extra_field in _EMPTY_COLUMN else embed(row.extra_field),  # extra_field
        row.estimated_delivery_date,  # estimated_delivery_date
        row.shipped_date,  # shipped_date
        row.delivered_date,  # delivered_date
        safe_http_url(details.get("shipping_tracking_url")),  # shipping_tracking_url
        row.order_id,  # order
        details.get("parent"),  # parent
        details.get("extra_product_price"),  # extra_product_price
        details.get("extra_product_stock"),  # extra_product_stock
        row.data_source_id,  # datasource
    )


def _requests(
    cases: Sequence[CaseWithImages], context: DocumentContext
) -> tuple[list[CancellationRequest], CancellationRequest | None]:
    """The documents of an item's cases, and that of its live case; most items have no cases."""
    if not cases:
        return [], None
    requests = [case_in_order(case, context) for case in cases]
    live = (request for request, case in zip(requests, cases, strict=True) if case.is_live)
    return requests, next(live, None)


class DiscountItem(TypedDict):
    """A discount of the order."""

    pk: int
    id: int
    name: str
    amount: str
    created_date: datetime
    order_number: str
    currency: Choice


def discount_item(row: ExtraRow, parent: OrderRow) -> DiscountItem:
    return {
        "pk": row.id,
        "id": row.id,
        "name": row.label or "",
        "amount": show(row.amount_minor, parent.currency),
        "created_date": row.created_date,
        "order_number": parent.number,
        "currency": currency(parent.currency),
    }


class LoyaltyTransaction(TypedDict):
    """Loyalty points that the order earned or spent."""

    pk: int
    id: int
    uuid: UUID
    amount: str
    order: int
    user: int | None
    user_email: str | None
    reference: str | None


def loyalty_transaction(row: ExtraRow, parent: OrderRow) -> LoyaltyTransaction:
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


def payment_option(document: Raw | None, payment_type: str) -> PaymentOption:
    """The payment method; an order without one has at least the type of its payment."""
    option: PaymentOption = (
        decode(document)
        if document
        else {"pk": 0, "id": 0, "name": "", "payment_type": "", "slug": ""}
    )
    option["payment_type"] = option["payment_type"] or payment_type
    return option


class Order(Struct, gc=False):
    """An order as its customer reads it; amounts have the decimals of their currency."""

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
    refund_set: list[RefundState]


def order(
    row: OrderRow,
    item_rows: Sequence[ItemRow],
    cases: dict[int, list[CaseWithImages]],
    extras: Sequence[ExtraRow],
    snapshots: Snapshots,
    context: DocumentContext,
) -> Order:
    """An order with its items, discounts, loyalty points and addresses.

    For guests `remote_addr` and `card`, the id of the stored card, are null.
    """
    code = row.currency
    details: Object = decode(row.details)
    is_guest = context.account is None
    tax_rate = row.shipping_tax_rate
    shop = context.shop.with_terms(row.return_days, row.cancel_minutes)
    items = [
        order_item(item, cases.get(item.id, ()), row, shop, snapshots, context)
        for item in item_rows
    ]
    return Order(
        row.id,  # id
        row.id,  # pk
        status(row.status, context.language),  # status
        currency(code),  # currency
        items,  # orderitem_set
        [discount_item(extra, row) for extra in extras if extra.kind == DISCOUNT],
        all(item.is_cancelled for item in items),  # is_cancelled
        any(item.is_cancellable for item in items),  # is_cancellable
        any(item.is_refundable for item in items),  # is_refundable
        address(row.shipping_address, context),  # shipping_address
        address(row.billing_address, context),  # billing_address
        carrier(row.shipping_company),  # shipping_company
        choice_in_v3(CLIENTS, row.client_type, context),  # client_type
        payment_option(snapshots[row.payment_option_id], row.payment_type),  # payment_option
        show(row.amount_minor + row.discount_minor, code),  # amount_without_discount
        row.status == Status.PAYMENT_WAITING and bool(row.unpaid_minor),  # is_payable
        safe_http_url(row.tracking_url),  # tracking_url
        snapshots[row.bank_id],  # bank
        [loyalty_transaction(extra, row) for extra in extras if extra.kind == LOYALTY],
        row.placed_at,  # created_date
        row.modified_date,  # modified_date
        row.number,  # number
        show(row.amount_minor, code),  # amount
        show(row.discount_minor, code),  # discount_amount
        show(row.shipping_minor, code),  # shipping_amount
        None if tax_rate is None else show_rate(tax_rate),  # shipping_tax_rate
        show(row.refund_minor + row.refunded_elsewhere_minor, code),  # refund_amount
        show(row.discount_refund_minor, code),  # discount_refund_amount
        show(row.shipping_refund_minor, code),  # shipping_refund_amount
        row.invoice_number,  # invoice_number
        row.invoice_date,  # invoice_date
        safe_http_url(row.e_archive_url),  # e_archive_url
        row.tracking_number,  # tracking_number
        safe_http_url(details.get("defined_tracking_url")),  # defined_tracking_url
        None if is_guest else row.remote_addr,  # remote_addr
        row.has_gift_box,  # has_gift_box
        row.gift_box_note,  # gift_box_note
        row.language_code,  # language_code
        row.notes,  # notes
        details.get("delivery_range"),  # delivery_range
        embed(row.extra_field),  # extra_field
        row.user_email,  # user_email
        details.get("shipping_option_slug"),  # shipping_option_slug
        details.get("payment_option_slug"),  # payment_option_slug
        row.bin_number,  # bin_number
        row.installment_count,  # installment_count
        show(row.interest_minor, code),  # installment_interest_amount
        safe_http_url(details.get("shipping_tracking_url")),  # shipping_tracking_url
        order_type(row.order_type, context.language),  # order_type
        row.user_id,  # user
        details.get("basket"),  # basket
        details.get("shipping_option"),  # shipping_option
        None if is_guest else details.get("card"),  # card
        details.get("installment"),  # installment
        details.get("segment"),  # segment
        details.get("checkout_provider"),  # checkout_provider
        _refunds(items) if cases else [],  # refund_set
    )


def _refunds(items: Sequence[OrderItem]) -> list[RefundState]:
    """The refunds of all cases, each once: one refund may pay several of them."""
    refunds = {
        refund["uuid"]: refund
        for item in items
        for case in item.cancellationrequest_set
        for refund in case["refund_set"]
    }
    return list(refunds.values())
