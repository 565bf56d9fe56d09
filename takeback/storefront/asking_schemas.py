"""What storefronts may send to cancel or to send back, in both spellings of the contract."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.cancellations import bank
from takeback.cancellations.asks import Ask, BankAccount, PickupWindow
from takeback.cancellations.states import Kind
from takeback.core.fields import (
    INVISIBLE,
    StrictBoolean,
    StrictDate,
    StrictInteger,
    StrictText,
)

MOST_ITEMS = 50
DESCRIPTION_MAX = 2000
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_YEARS = range(2000, 2101)


def _plain(data: Any) -> Any:
    """Clients send back what they were shown: `{"value": 1, "label": "..."}` is 1."""
    return data["value"] if isinstance(data, dict) and "value" in data else data


class Number(StrictInteger):
    """A number, the same in digits, or either inside a `{value}` object."""

    def to_internal_value(self, data: Any) -> int:
        return super().to_internal_value(_plain(data))


class KindField(serializers.Field[Kind, Any, str, Any]):
    """`cancel` or `refund`, plain or inside a `{value}` object."""

    default_error_messages = {"invalid": _("Choose cancel or refund.")}
    KINDS = {kind.value: kind for kind in Kind}

    def to_internal_value(self, data: Any) -> Kind:
        told = _plain(data)
        found = self.KINDS.get(told) if isinstance(told, str) else None
        if found is None:
            self.fail("invalid")
        return found

    def to_representation(self, value: Kind) -> str:
        return value.value


class Words(StrictText):
    """What a shopper has to say; text of which nothing can be seen says nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_blank=True, lines=True, **options)

    def to_internal_value(self, data: Any) -> str:
        invisible = isinstance(data, str) and not INVISIBLE.sub("", data).strip()
        return "" if invisible else super().to_internal_value(data)


class PickupDate(serializers.Field[PickupWindow, Any, Any, Any]):
    """A day and two times of it: `{date, hour_range: {start, end}}`."""

    default_error_messages = {
        "invalid": _("Send a date and an hour_range with start and end, as HH:MM."),
        "order": _("The hours must end after they start."),
    }

    def to_internal_value(self, data: Any) -> PickupWindow:
        hours = data.get("hour_range") if isinstance(data, dict) else None
        if not isinstance(hours, dict):
            self.fail("invalid")
        day = StrictDate().to_internal_value(data.get("date"))
        start, end = str(hours.get("start")), str(hours.get("end"))
        if day.year not in _YEARS or not (_TIME.fullmatch(start) and _TIME.fullmatch(end)):
            self.fail("invalid")
        if start >= end:
            self.fail("order")
        return PickupWindow(day.isoformat(), start, end)

    def to_representation(self, value: PickupWindow) -> Any:
        return value.document


class AskBody(serializers.Serializer[Any]):
    """One item; what else a storefront sends along is ignored."""

    order_item = Number()
    reason = Number()
    cancellation_type = KindField()
    quantity = Number(required=False, allow_null=True)
    description = Words(max_length=DESCRIPTION_MAX, required=False, allow_null=True)
    shipping_company = Number(required=False, allow_null=True)
    pickup_address = Number(required=False, allow_null=True)
    pickup_date = PickupDate(required=False, allow_null=True)
    iban = bank.IbanField(required=False, allow_null=True)
    holder_name = bank.HolderNameField(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("iban")) != bool(attrs.get("holder_name")):
            missing = "holder_name" if attrs.get("iban") else "iban"
            message = _("A bank account needs both its IBAN and the name of its holder.")
            raise serializers.ValidationError({missing: [message]})
        return attrs


class BulkBody(serializers.Serializer[Any]):
    """Up to fifty items; address and points may be told once for all, an item's own word wins."""

    cancel_order_items: Any = serializers.ListSerializer(
        child=AskBody(), allow_empty=False, max_length=MOST_ITEMS
    )
    pickup_address = Number(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)

    def asks(self) -> list[Ask]:
        """One per item."""
        told: dict[str, Any] = self.validated_data
        shared = {key: told.get(key) for key in SHARED}
        return [ask_of(shared | _said(item)) for item in told["cancel_order_items"]]


SHARED = ("pickup_address", "fully_refund_as_loyalty_money")


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}


def ask_of(told: Mapping[str, Any]) -> Ask:
    """The ask behind a validated body."""
    iban, holder = told.get("iban"), told.get("holder_name")
    return Ask(
        order_item=told["order_item"],
        kind=told["cancellation_type"],
        reason=told["reason"],
        quantity=told.get("quantity"),
        description=told.get("description") or None,
        carrier=told.get("shipping_company"),
        pickup_address=told.get("pickup_address"),
        pickup_window=told.get("pickup_date"),
        bank_account=BankAccount(iban, holder) if iban and holder else None,
        as_points=bool(told.get("fully_refund_as_loyalty_money")),
    )
