"""From the validated wire form to an order as every door tells it."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from takeback.accounts.customer_input import CustomerIn
from takeback.addresses.address_input import AddressIn
from takeback.api.order_payload import references
from takeback.core.money import show
from takeback.orders.order_input import DiscountIn, ItemIn, LoyaltyIn, OrderIn, TenderIn
from takeback.orders.statuses import Status

UNKNOWN_COUNTRY = "zz"
"""User-assigned in ISO 3166: for addresses that nobody told us."""
SYNTHETIC = {"synthetic": True}
"""How `extra_field` marks what we made up."""

_POINTS_NAMESPACE = UUID("5d1b3d0e-6f0a-4f0c-9a55-0f1c8a3f7a10")
PAYMENT_TYPES = frozenset(
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
_AMOUNT_DETAILS = (
    "shipping_interest_amount",
    "refund_amount",
    "discount_refund_amount",
    "shipping_refund_amount",
)
"""Kept in digits of the order's currency: a JSON column would read them back as floats."""

_ITEM_AMOUNTS = {
    "price": "goods_minor",
    "discount_amount": "discount_minor",
    "tax_amount": "tax_minor",
    "installment_interest_amount": "interest_minor",
    "retail_price": "retail_minor",
}
_ITEM_PLAIN = (
    "sku",
    "product",
    "quantity",
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


def placeholder_address(
    customer: CustomerIn, *, country: str = UNKNOWN_COUNTRY, country_name: str | None = None
) -> AddressIn:
    """An address for an order that came without one; `extra_field` says that we made it up."""
    return AddressIn(
        first_name=customer.first_name,
        last_name=customer.last_name,
        phone_number=customer.phone,
        email=customer.email,
        line="-",
        city="-",
        country=country,
        country_name=country_name,
        extra_field=dict(SYNTHETIC),
    )


def build_order(
    told: Mapping[str, Any], lines: list[dict[str, Any]], *, channel_id: int
) -> OrderIn:
    """The order, or a `ValidationError` about what its fields say of each other."""
    ids = _remote_ids(lines)
    billing = told.get("billing_address")
    shipping = told.get("shipping_address") or billing or placeholder_address(told["customer"])
    option = _payment_option(told)
    status = told.get("status")
    return OrderIn(
        placed_at=told["date_placed"],
        shipping_address=shipping,
        billing_address=billing,
        items=[
            _item(line, remote_id, status or Status.APPROVED)
            for line, remote_id in zip(lines, ids, strict=True)
        ],
        discounts=_discounts(told.get("discountitem_set", ()), lines, ids),
        tenders=_tenders(told),
        loyalty=_points(told, channel_id),
        payment_option=option,
        payment_type=_payment_type(told, option or {}),
        details=_picked(told, _ORDER_DETAILS)
        | {name: show(told[name], told["currency"]) for name in _AMOUNT_DETAILS if name in told},
        **_picked(told, _ORDER_PLAIN),
        **{column: told[name] for name, column in _ORDER_AMOUNTS.items() if name in told},
    )


def _picked(told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: told[name] for name in names if name in told}


def _item(told: Mapping[str, Any], remote_id: str, usual_status: int) -> ItemIn:
    return ItemIn(
        remote_id=remote_id,
        status=told.get("status", usual_status),
        data_source=told.get("datasource"),
        details=_picked(told, _ITEM_DETAILS),
        **_picked(told, _ITEM_PLAIN),
        **{column: told[name] for name, column in _ITEM_AMOUNTS.items() if name in told},
    )


def _named_id(line: Mapping[str, Any]) -> str | None:
    """The line's number where it comes from, as far as it was told."""
    value = line.get("extra_field", {}).get("id", line.get("remote_id"))
    usable = isinstance(value, int | str) and not isinstance(value, bool)
    return str(value)[:100] or None if usable else None


def _remote_ids(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """One per line: as told, else its position; units of one merged line share theirs, so the
    later ones get a counter."""
    taken: dict[str, None] = {}
    for position, line in enumerate(lines, start=1):
        wanted = _named_id(line) or str(position)
        free, copy = wanted, 2
        while free in taken:
            free, copy = f"{wanted}-{copy}", copy + 1
        taken[free] = None
    return list(taken)


def _discounts(
    told: Iterable[Mapping[str, Any]], lines: list[dict[str, Any]], ids: list[str]
) -> list[DiscountIn]:
    """The discounts with the lines that name them, or that they name."""
    discounts = [(_names(discount), discount) for discount in told]
    _refuse_unknown_discounts([names for names, _ in discounts], lines)
    return [
        DiscountIn(
            name=discount.get("name", ""),
            amount_minor=discount["amount"],
            items=_touched(names, discount, lines, ids),
        )
        for names, discount in discounts
    ]


def _names(discount: Mapping[str, Any]) -> set[str]:
    return {discount[key] for key in ("id", "pk", "name") if key in discount}


def _applied(line: Mapping[str, Any]) -> set[str]:
    """The discounts that a line says touched it."""
    rows = line.get("benefitapplicant_set", ())
    return {row["discount_item"] for row in rows if "discount_item" in row}


def _touched(
    names: set[str], discount: Mapping[str, Any], lines: list[dict[str, Any]], ids: list[str]
) -> tuple[str, ...]:
    listed = set(discount.get("items", ()))
    unknown = listed - {_named_id(line) for line in lines} - set(ids)
    if unknown:
        message = _("This discount names a line that the order does not have.")
        raise ValidationError({"order": {"discountitem_set": [message]}})
    return tuple(
        remote_id
        for remote_id, line in zip(ids, lines, strict=True)
        if listed & {remote_id, _named_id(line)} or names & _applied(line)
    )


def _refuse_unknown_discounts(known_names: list[set[str]], lines: list[dict[str, Any]]) -> None:
    every = set[str]().union(*known_names)
    faults = [
        {"benefitapplicant_set": [_("This discount is not one of the order's.")]}
        if _applied(line) - every
        else {}
        for line in lines
    ]
    if any(faults):
        raise ValidationError({"order_item": faults})


def _tenders(told: Mapping[str, Any]) -> list[TenderIn]:
    """The payments as told; without any, the order's amount is taken to be paid in one way."""
    transfers = told.get("fundstransfertransaction_set", ())
    return [
        TenderIn(
            kind=payment.get("payment_type", "funds_transfer" if transfers else "unknown"),
            amount_minor=payment["amount"],
            captured_minor=payment.get("captured_amount", payment["amount"]),
            reference=payment.get("reference"),
        )
        for payment in transfers or told.get("payments", ())
    ]


def _points(told: Mapping[str, Any], channel_id: int) -> list[LoyaltyIn]:
    points = [
        LoyaltyIn(
            uuid=row.get("uuid")
            or uuid5(_POINTS_NAMESPACE, f"{channel_id}/{told['number']}/{position}"),
            amount_minor=row["amount"],
            transaction_type=row.get("transaction_type", "purchase"),
            reference=row.get("reference"),
        )
        for position, row in enumerate(told.get("loyaltytransaction_set", ()))
    ]
    uuids = {row.uuid for row in points}
    number = told["number"]
    if len(uuids) < len(points) or (
        uuids and references.taken_points(uuids, channel_id=channel_id, number=number)
    ):
        message = _("These points were booked already.")
        raise ValidationError({"order": {"loyaltytransaction_set": [message]}})
    return points


def _payment_option(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """The way of paying as storefronts show it, from as much of it as was told."""
    option = dict(told.get("payment_option", {}))
    slug = told.get("payment_option_slug")
    if slug:
        option.setdefault("slug", slug)
    if option:
        option.setdefault("payment_type", _payment_type(told, option))
    return option or None


def _payment_type(told: Mapping[str, Any], option: Mapping[str, Any]) -> str:
    """As told; else the slug, when it is a type's name in disguise."""
    named = told.get("payment_type") or option.get("payment_type")
    slug = str(option.get("slug", "")).lower().replace("-", "_")
    return str(named or (slug if slug in PAYMENT_TYPES else ""))
