"""Builds the input type of an order from a validated payload."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from takeback.addresses.address_input import placeholder_address
from takeback.api.order_payload import references
from takeback.core.money import show
from takeback.orders.order_input import (
    UNKNOWN_KIND,
    DiscountIn,
    ItemIn,
    LoyaltyIn,
    OrderIn,
    PaymentIn,
)

Fields = Mapping[str, Any]
"""Validated fields of an order, an item, or another part."""

TRANSFERS = "fundstransfertransaction_set"
_LOYALTY_NAMESPACE = UUID("5d1b3d0e-6f0a-4f0c-9a55-0f1c8a3f7a10")
_PAYMENT_TYPES = frozenset(
    {
        "bkm_express",
        "credit_card",
        "credit_payment",
        "funds_transfer",
        "gpay",
        "loyalty_money",
        "masterpass",
        "pay_on_delivery",
        "redirection",
        "saved_card",
    }
)

_ORDER_AMOUNTS = {
    "amount": "amount_minor",
    "discount_amount": "discount_minor",
    "shipping_amount": "shipping_minor",
    "fee_amount": "fee_minor",
    "installment_interest_amount": "interest_minor",
    "refunded_elsewhere_amount": "refunded_elsewhere_minor",
}
_ORDER_PLAIN = (
    "number",
    "currency",
    "customer",
    "status",
    "shipping_tax_rate",
    "cancel_status",
    "bank",
    "bin_number",
    "installment_count",
    "shipping_company",
    "tracking_number",
    "tracking_url",
    "invoice_number",
    "invoice_date",
    "e_archive_url",
    "has_gift_box",
    "gift_box_note",
    "notes",
    "language_code",
    "client_type",
    "order_type",
    "remote_addr",
    "is_send",
    "extra_field",
)
_ORDER_DETAILS = (
    "payment_option_slug",
    "installment",
    "card",
    "basket",
    "cancellation_info",
    "external_status",
    "delivery_type",
    "delivery_range",
    "cargo_company",
    "carrier_shipping_code",
    "shipping_option",
    "shipping_option_slug",
    "defined_tracking_url",
    "shipping_tracking_url",
    "segment",
    "checkout_provider",
    "checkout_provider_id",
)
_AMOUNT_DETAILS = ("shipping_interest_amount", "discount_refund_amount")
"""Stored as decimal strings: a JSON column would return them as floats."""

_ITEM_AMOUNTS = {
    "price": "goods_minor",
    "discount_amount": "discount_minor",
    "tax_amount": "tax_minor",
    "installment_interest_amount": "interest_minor",
    "retail_price": "retail_minor",
}
_ITEM_PLAIN = (
    "status",
    "sku",
    "product",
    "quantity",
    "refunded_elsewhere_quantity",
    "tax_rate",
    "price_list",
    "stock_list",
    "shipping_option_group",
    "cancel_status",
    "shipping_company",
    "tracking_number",
    "tracking_url",
    "invoice_number",
    "invoice_date",
    "e_archive_url",
    "estimated_delivery_date",
    "shipped_date",
    "delivered_date",
    "image",
    "is_tradable",
    "attributes",
    "extra_field",
)
_ITEM_DETAILS = (
    "external_status",
    "extra_product_price",
    "extra_product_stock",
    "shipment_code",
    "defined_tracking_url",
    "shipping_tracking_url",
    "parent",
    "forced_refund",
    "attributes_kwargs",
    "localized_attributes",
    "localized_attributes_kwargs",
)


def build_order(order: Fields, items: list[Fields], *, channel_id: int) -> OrderIn:
    """The order; raises a `ValidationError` for fields that contradict each other."""
    ids = _remote_ids(items)
    billing = order.get("billing_address")
    shipping = order.get("shipping_address") or billing or placeholder_address(order["customer"])
    option = _payment_option(order)
    return OrderIn(
        placed_at=order["date_placed"],
        shipping_address=shipping,
        billing_address=billing,
        items=[_item(item, remote_id) for item, remote_id in zip(items, ids, strict=True)],
        discounts=_discounts(order.get("discountitem_set", ()), items, ids),
        payments=_payments(order),
        payments_path=TRANSFERS if order.get(TRANSFERS) else "payments",
        loyalty=_loyalty(order, channel_id),
        refunded_total_minor=_refunded_total(order),
        payment_option=option,
        payment_type=_payment_type(order, option or {}),
        details=_subset(order, _ORDER_DETAILS)
        | {name: show(order[name], order["currency"]) for name in _AMOUNT_DETAILS if name in order},
        **_subset(order, _ORDER_PLAIN),
        **{column: order[name] for name, column in _ORDER_AMOUNTS.items() if name in order},
    )


def _refunded_total(order: Fields) -> int | None:
    """The shop's total of all refunds, which contains the shipping costs that it paid back."""
    amounts = [order[name] for name in ("refund_amount", "shipping_refund_amount") if name in order]
    return max(amounts, default=None)


def _subset(fields: Fields, names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _item(item: Fields, remote_id: str) -> ItemIn:
    return ItemIn(
        remote_id=remote_id,
        data_source=item.get("datasource"),
        details=_subset(item, _ITEM_DETAILS),
        **_subset(item, _ITEM_PLAIN),
        **{column: item[name] for name, column in _ITEM_AMOUNTS.items() if name in item},
    )


def _own_id(item: Fields) -> str | None:
    """The item's id in the channel's system, if the payload contains one."""
    value = item.get("extra_field", {}).get("id", item.get("remote_id"))
    usable = isinstance(value, int | str) and not isinstance(value, bool)
    return str(value)[:100] or None if usable else None


def _remote_ids(items: Iterable[Fields]) -> list[str]:
    """A unique id per item: its own id or its position, with a counter for repetitions.

    Units of a merged item repeat its id.
    """
    ids: dict[str, None] = {}
    for position, item in enumerate(items, start=1):
        base = _own_id(item) or str(position)
        candidates = chain([base], (f"{base}-{number}" for number in count(2)))
        ids[next(candidate for candidate in candidates if candidate not in ids)] = None
    return list(ids)


def _discounts(
    discounts: Sequence[Fields], items: list[Fields], ids: list[str]
) -> list[DiscountIn]:
    """The discounts, each with the items that it refers to or that refer to it."""
    # An item refers to a discount by its id or by its name.
    keys = [
        {discount[key] for key in ("id", "pk", "name") if key in discount} for discount in discounts
    ]
    _refuse_unknown_discounts(set[str]().union(*keys), items)
    return [
        DiscountIn(
            name=discount.get("name", ""),
            amount_minor=discount["amount"],
            items=_items_of(discount, own_keys, items, ids),
        )
        for own_keys, discount in zip(keys, discounts, strict=True)
    ]


def _references(item: Fields) -> set[str]:
    """The discounts that the item refers to."""
    rows = item.get("benefitapplicant_set", ())
    return {row["discount_item"] for row in rows if "discount_item" in row}


def _items_of(
    discount: Fields, keys: set[str], items: list[Fields], ids: list[str]
) -> tuple[str, ...]:
    listed = set(discount.get("items", ()))
    if listed - {_own_id(item) for item in items} - set(ids):
        message = _("This discount refers to an item that is not in the order.")
        raise ValidationError({"order": {"discountitem_set": [message]}})
    return tuple(
        remote_id
        for remote_id, item in zip(ids, items, strict=True)
        if listed & {remote_id, _own_id(item)} or keys & _references(item)
    )


def _refuse_unknown_discounts(keys: set[str], items: list[Fields]) -> None:
    message = _("This discount is not in the order's discountitem_set.")
    errors = [
        {"benefitapplicant_set": [message]} if _references(item) - keys else {} for item in items
    ]
    if any(errors):
        raise ValidationError({"order_item": errors})


def _payments(order: Fields) -> list[PaymentIn]:
    transfers = order.get(TRANSFERS, ())
    return [
        PaymentIn(
            kind=payment.get("payment_type", "funds_transfer" if transfers else UNKNOWN_KIND),
            amount_minor=payment["amount"],
            captured_minor=payment.get("captured_amount"),
            **_subset(payment, ("account", "reference", "provider_order", "currency")),
        )
        for payment in transfers or order.get("payments", ())
    ]


def _loyalty(order: Fields, channel_id: int) -> list[LoyaltyIn]:
    number = order["number"]
    transactions = [
        LoyaltyIn(
            uuid=row.get("uuid") or uuid5(_LOYALTY_NAMESPACE, f"{channel_id}/{number}/{position}"),
            amount_minor=row["amount"],
            transaction_type=row.get("transaction_type", "purchase"),
            reference=row.get("reference"),
        )
        for position, row in enumerate(order.get("loyaltytransaction_set", ()))
    ]
    uuids = {row.uuid for row in transactions}
    if len(uuids) < len(transactions) or (
        uuids and references.has_transactions_of_others(uuids, channel_id=channel_id, number=number)
    ):
        message = _("A loyalty transaction with this uuid exists already.")
        raise ValidationError({"order": {"loyaltytransaction_set": [message]}})
    return transactions


def _payment_option(order: Fields) -> dict[str, Any] | None:
    """The payment option, completed from the order's other fields."""
    option = dict(order.get("payment_option", {}))
    if slug := order.get("payment_option_slug"):
        option.setdefault("slug", slug)
    if option:
        option.setdefault("payment_type", _payment_type(order, option))
    return option or None


def _payment_type(order: Fields, option: Fields) -> str:
    """The payment type; by default the slug of the payment option, if it is a known type."""
    payment_type = order.get("payment_type") or option.get("payment_type")
    slug = str(option.get("slug", "")).lower().replace("-", "_")
    return str(payment_type or (slug if slug in _PAYMENT_TYPES else ""))
