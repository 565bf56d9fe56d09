"""Creates the objects of the documented examples, as a channel would import them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from takeback.accounts.models import User
from takeback.addresses.address_input import AddressIn
from takeback.core.money import parse
from takeback.orders.models import Order
from takeback.orders.order_input import DiscountIn, ItemIn
from tests import factories

Document = dict[str, Any]

_ORDER = [
    "number",
    "has_gift_box",
    "gift_box_note",
    "notes",
    "language_code",
    "remote_addr",
    "bin_number",
    "installment_count",
    "extra_field",
    "invoice_number",
    "tracking_number",
]
_ORDER_DETAILS = [
    "defined_tracking_url",
    "delivery_range",
    "shipping_option_slug",
    "payment_option_slug",
    "shipping_tracking_url",
    "basket",
    "shipping_option",
    "card",
    "installment",
    "segment",
    "checkout_provider",
]
_ADDRESS = [
    "email",
    "phone_number",
    "first_name",
    "last_name",
    "line",
    "title",
    "postcode",
    "notes",
    "company_name",
    "tax_office",
    "tax_no",
    "e_bill_taxpayer",
    "identity_number",
    "is_corporate",
]
_USER = [
    "username",
    "first_name",
    "last_name",
    "email_allowed",
    "sms_allowed",
    "call_allowed",
    "gender",
    "attributes",
    "phone",
]
_REASON = [
    "cancellation_type",
    "translations",
    "subject",
    "extra_information_needed",
    "order",
    "is_active",
]
_OLD_ORDER = [
    "number",
    "user_email",
    "status",
    "payment_type",
    "bank",
    "installment_count",
    "tracking_number",
    "shipping_address",
    "billing_address",
    "extra_field",
]


def moment(text: str) -> datetime:
    """A time of an example."""
    return datetime.fromisoformat(text)


def _selected(document: Document, names: list[str]) -> Document:
    return {name: document[name] for name in names if name in document}


def address(document: Document) -> AddressIn:
    """The address of an example; any address where the example has only `{}`."""
    if "line" not in document:
        return factories.address_input()
    places = {place: document[place]["name"] for place in ("city", "township", "district")}
    country = document["country"]
    return AddressIn(
        country=country["code"],
        country_name=country["name"],
        **places,
        **_selected(document, _ADDRESS),
    )


def customer(document: Document) -> User:
    """The customer of an example."""
    user = factories.create_customer(
        email=document["email"],
        date_joined=moment(document["date_joined"]),
        last_login=moment(document["last_login"]),
        date_of_birth=date.fromisoformat(document["date_of_birth"]),
        **_selected(document, _USER),
    )
    if "modified_date" in document:
        User.objects.filter(pk=user.pk).update(modified_date=moment(document["modified_date"]))
    return user


def order(document: Document, *, owner: User | None = None) -> Order:
    """The order of an example, by its owner or by a guest."""
    fields = _selected(document, _ORDER)
    shipping = parse(document["shipping_amount"], "try")
    goods = parse(document["amount_without_discount"], "try") - shipping
    status = int(document["status"].get("value", "100"))
    client = document["client_type"]
    return factories.create_order(
        customer=owner,
        guest=document["user_email"],
        now=moment(document["created_date"]),
        placed_at=moment(document["created_date"]),
        update={"refund_minor": parse(document["refund_amount"], "try")},
        items=[_item(item, status, goods) for item in document["orderitem_set"] or [{}]],
        discounts=_discounts(document),
        shipping_minor=shipping,
        shipping_address=address(document["shipping_address"]),
        billing_address=address(document["billing_address"]),
        client_type=client if isinstance(client, str) else client["value"],
        payment_option=document["payment_option"] or {"name": "Card", "slug": "card"},
        bank=document["bank"] or {"name": "Bank", "slug": "bank"},
        details=_selected(document, _ORDER_DETAILS),
        **fields,
    )


def _item(document: Document, status: int, goods: int) -> ItemIn:
    return factories.item_input(
        status=status,
        goods_minor=goods,
        retail_minor=parse(document["retail_price"], "try") if "retail_price" in document else None,
        tax_rate=Decimal(document.get("tax_rate", 0)),
        product={"sku": "SKU-1", "name": "A thing"} | document.get("product", {}),
        extra_field=document.get("extra_field"),
    )


def _discounts(document: Document) -> list[DiscountIn]:
    totals = [{"name": "Sale", "amount": document["discount_amount"]}]
    listed = [row for row in document["discountitem_set"] if row["name"]]
    return [
        DiscountIn(name=row["name"], amount_minor=parse(row["amount"], "try"))
        for row in listed or totals
        if listed or parse(row["amount"], "try")
    ]


def reason(document: Document) -> None:
    """The reason of an example."""
    fields = _selected(document, _REASON)
    factories.create_reason(
        kind=fields.pop("cancellation_type"),
        uuid=UUID(document["uuid"]),
        created_date=moment(document["created_date"]),
        modified_date=moment(document["modified_date"]),
        **fields,
    )


def request(document: Document, *, owner: User, number: str) -> None:
    """A case of an example, on an order of its own."""
    new_order = factories.create_order(customer=owner, number=number)
    factories.create_case(
        item=factories.items_of(new_order)[0],
        kind=document["cancellation_type"],
        description=document["description"],
        created_date=moment(document["created_date"]),
        modified_date=moment(document["modified_date"]),
    )


def old_order(document: Document, *, owner: User) -> int:
    """The old order of an example."""
    row = factories.create_old_order(
        customer=owner,
        created_date=moment(document["created_date"]),
        amount_minor=parse(document["amount"], "try"),
        discount_minor=parse(document["discount_amount"], "try"),
        **_selected(document, _OLD_ORDER),
    )
    return int(row.pk)
