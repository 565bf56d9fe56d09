"""The documented columns of old orders and of their items."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.api import json_parser
from takeback.api.fields import PastMoment, StrictEmail, StrictInteger, StrictText
from takeback.api.order_payload.fields import (
    Amount,
    Currency,
    FreeObject,
    IdText,
    Payload,
    currency_of,
)
from takeback.archive.commands import OldItemIn, OldOrderIn
from takeback.core.errors import Refused
from takeback.core.money import decimals

ORDER_REQUIRED = (
    "number",
    "user",
    "user_email",
    "status",
    "created_date",
    "amount",
    "currency",
    "payment_type",
    "bank",
    "tracking_number",
    "shipping_company",
    "shipping_address",
    "billing_address",
)
"""Columns that a file of old orders must have."""
ITEM_REQUIRED = ("order_number", "price")
"""Columns that a file of their items must have."""

_INTEGER_DIGITS = 10
_INTEGER_MAX = 2**31 - 1


class _OldAmount(Amount):
    """An amount of at most ten digits before the decimal point."""

    def to_internal_value(self, data: Any) -> int:
        minor = super().to_internal_value(data)
        if minor >= 10 ** (_INTEGER_DIGITS + decimals(self.context["currency"] or "kwd")):
            self.fail("range")
        return minor


class _ExtraField(FreeObject):
    """An object, or in a CSV file its JSON text."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, str):
            try:
                data = json_parser.object_from(data.encode())
            except Refused:
                self.fail("invalid")
        extra: dict[str, Any] = super().to_internal_value(data)
        return extra


class _OldOrder(Payload):
    number = IdText(max_length=128)
    user = IdText(max_length=255)
    user_email = StrictEmail()
    status = StrictText(max_length=64)
    created_date = PastMoment()
    amount = _OldAmount()
    discount_amount = _OldAmount(required=False)
    currency = Currency()
    payment_type = StrictText(max_length=64, required=False, allow_blank=True)
    bank = StrictText(max_length=64, required=False, allow_blank=True)
    installment_count = StrictInteger(max_value=_INTEGER_MAX, required=False)
    tracking_number = IdText(max_length=64, required=False, allow_blank=True)
    shipping_company = StrictText(max_length=64, required=False, allow_blank=True)
    shipping_address = StrictText(max_length=512, multiline=True)
    billing_address = StrictText(max_length=512, multiline=True)
    extra_field = _ExtraField(required=False)

    def validate(self, attrs: Any) -> Any:
        if attrs.get("discount_amount", 0) > attrs["amount"]:
            message = _("The discount is larger than the amount.")
            raise serializers.ValidationError({"discount_amount": [message]})
        return attrs


class _OldItem(Payload):
    order_number = IdText(max_length=128)
    product = StrictText(max_length=256, required=False, allow_blank=True)
    sku = IdText(max_length=128, required=False, allow_blank=True)
    quantity = StrictInteger(max_value=_INTEGER_MAX, required=False)
    price = _OldAmount()
    image_url = StrictText(max_length=1024, required=False, allow_blank=True)
    extra_field = _ExtraField(required=False)


def old_order(record: Mapping[str, Any]) -> OldOrderIn:
    """The order of a record, or a `ValidationError` that names each invalid field."""
    data = dict(_serializer(_OldOrder, currency_of(record.get("currency"))).run_validation(record))
    customer = CustomerIn(
        email=data.pop("user_email"),
        user_type=User.REGISTERED,
        channel_code=data.pop("user"),
    )
    return OldOrderIn(
        customer=customer,
        amount_minor=data.pop("amount"),
        discount_minor=data.pop("discount_amount", 0),
        **data,
    )


def old_item(record: Mapping[str, Any], currency: str) -> OldItemIn:
    """The item of a record, in the currency of its order."""
    data = dict(_serializer(_OldItem, currency).run_validation(record))
    del data["order_number"]
    return OldItemIn(price_minor=data.pop("price"), **data)


@lru_cache(maxsize=128)
def _serializer(kind: type[Payload], currency: str | None) -> Payload:
    return kind(context={"currency": currency})
