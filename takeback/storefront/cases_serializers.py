"""What storefronts may send to cancel or to send back, in both spellings of the contract."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.api import case_fields
from takeback.api.case_fields import NO_ITEM, NO_REASON, KindField, Number, Words
from takeback.api.fields import StrictBoolean, StrictDate
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations import errors as case_errors
from takeback.cancellations.inputs import NewCase, NewImage, PickupWindow
from takeback.core.types import ItemId
from takeback.storefront.images_serializers import Photo, PhotosField

MOST_ITEMS = 50
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_YEARS = range(2000, 2101)
_CLOCK_SCHEMA = {"type": "string", "pattern": _TIME.pattern}
_WINDOW_SCHEMA = {
    "type": "object",
    "properties": {
        "date": {"type": "string", "format": "date"},
        "hour_range": {
            "type": "object",
            "properties": {"start": _CLOCK_SCHEMA, "end": _CLOCK_SCHEMA},
            "required": ["start", "end"],
        },
    },
    "required": ["date", "hour_range"],
}
# A number beyond every row's is as unknown as any other.
_NO_ADDRESS = {"range": case_errors.UNKNOWN_ADDRESS.message}


@extend_schema_field(_WINDOW_SCHEMA)
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

    order_item = Number(error_messages=NO_ITEM)
    reason = Number(error_messages=NO_REASON)
    cancellation_type = KindField()
    quantity = Number(required=False, allow_null=True)
    description = Words(required=False, allow_null=True)
    shipping_company = Number(required=False, allow_null=True)
    pickup_address = Number(error_messages=_NO_ADDRESS, required=False, allow_null=True)
    pickup_date = PickupDate(required=False, allow_null=True)
    iban = case_fields.IbanField(required=False, allow_null=True)
    holder_name = case_fields.HolderNameField(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)
    cancellation_request_image_set = PhotosField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        case_fields.require_complete_bank_account(attrs)
        return attrs


class BulkBody(serializers.Serializer[Any]):
    """Up to fifty items; address and points may be told once for all, an item's own word wins."""

    cancel_order_items: Any = serializers.ListSerializer(
        child=AskBody(), allow_empty=False, max_length=MOST_ITEMS
    )
    pickup_address = Number(error_messages=_NO_ADDRESS, required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)


SHARED = ("pickup_address", "fully_refund_as_loyalty_money")

# Made once: the framework copies every field for each serializer, and none keeps what it read.
_ask_body, _bulk_body = AskBody(), BulkBody()


def item_in(body: Any) -> dict[str, Any]:
    """The item of a body, or DRF's `ValidationError` with all its faults."""
    return dict(_ask_body.run_validation(body))


def items_in(body: Any) -> list[dict[str, Any]]:
    """As `item_in`, for a body of many; each item with what was told once for all."""
    told = _bulk_body.run_validation(body)
    shared = {key: told.get(key) for key in SHARED}
    return [shared | _said(item) for item in told["cancel_order_items"]]


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}


def photos_of(told: Mapping[str, Any]) -> list[Photo]:
    """The pictures that came with an item."""
    return told.get("cancellation_request_image_set") or []


def ask_of(told: Mapping[str, Any], pictures: Sequence[NewImage] = ()) -> NewCase:
    """The ask behind a validated body, with its pictures where they are kept now."""
    iban, holder = told.get("iban"), told.get("holder_name")
    return NewCase(
        order_item=ItemId(told["order_item"]),
        kind=told["cancellation_type"],
        reason=told["reason"],
        quantity=told.get("quantity"),
        description=told.get("description") or None,
        carrier=told.get("shipping_company"),
        pickup_address=told.get("pickup_address"),
        pickup_window=told.get("pickup_date"),
        bank_account=BankAccount(iban, holder) if iban and holder else None,
        refund_to_loyalty=bool(told.get("fully_refund_as_loyalty_money")),
        images=tuple(pictures),
    )
