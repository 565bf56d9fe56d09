"""Serializers of new cases and of their images, for single and bulk requests."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.api import case_fields
from takeback.api.case_fields import NO_ITEM, NO_REASON, DescriptionField, KindField, Number
from takeback.api.fields import StrictBoolean, StrictDate, StrictText
from takeback.api.json_parser import StrictJSONParser
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations import errors
from takeback.cancellations.inputs import NewCase, NewImage, PickupWindow
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.images.decode import ImageTooLarge, NotAnImage, decode_image
from takeback.images.store import discard_images, store_images

MAX_ITEMS = 50
IMAGES = "cancellation_request_image_set"
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
# An id above the range of the column gets the refusal of an unknown id.
_NO_ADDRESS = {"range": errors.UNKNOWN_ADDRESS.message}


class CaseParser(StrictJSONParser):
    """Parses bodies that may contain images."""

    def limit(self) -> int:
        return int(settings.MAX_PICTURE_BODY_BYTES)


class UploadedImage(NamedTuple):
    """The bytes of an image, not validated yet, and its description."""

    raw: bytes
    description: str | None


@extend_schema_field({"type": "string", "contentEncoding": "base64"})
class Base64Image(serializers.Field[bytes, Any, Any, Any]):
    """An image as base64, with or without the prefix of a data URI."""

    default_error_messages = {
        "invalid": errors.NOT_AN_IMAGE,
        "too_large": errors.IMAGE_TOO_LARGE,
    }

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return decode_image(data)
        except ImageTooLarge:
            self.fail("too_large", max=settings.MAX_PICTURE_BYTES // 1024)
        except NotAnImage:
            self.fail("invalid")


class NewImageBody(serializers.Serializer[Any]):
    """An image of an item."""

    image = Base64Image()
    description = StrictText(max_length=255, required=False, allow_null=True, allow_blank=True)


@extend_schema_field(NewImageBody(many=True))
class ImagesField(serializers.ListField):
    """The images of an item; an error of one image is the error of the field."""

    child = NewImageBody()

    def to_internal_value(self, data: Any) -> list[UploadedImage]:
        if not isinstance(data, list):
            raise serializers.ValidationError([errors.NOT_AN_IMAGE])
        return [self._uploaded_image(element) for element in data]

    def _uploaded_image(self, data: Any) -> UploadedImage:
        try:
            image = self.child.run_validation(data)
        except serializers.ValidationError as error:
            details: Any = error.detail if isinstance(error.detail, dict) else {}
            texts = details.get("image") or details.get("description") or [errors.NOT_AN_IMAGE]
            raise serializers.ValidationError(texts) from error
        return UploadedImage(image["image"], image.get("description") or None)


@extend_schema_field(_WINDOW_SCHEMA)
class PickupDateField(serializers.Field[PickupWindow, Any, Any, Any]):
    """A day and two times: `{date, hour_range: {start, end}}`."""

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


class NewCaseBody(case_fields.CompleteBankAccount):
    """One item to cancel or return; unknown keys are ignored."""

    example = {
        "order_item": 41,
        "reason": 1,
        "cancellation_type": "refund",
        "quantity": 1,
        "description": "The box was open.",
    }

    order_item = Number(error_messages=NO_ITEM)
    reason = Number(error_messages=NO_REASON)
    cancellation_type = KindField()
    quantity = Number(required=False, allow_null=True)
    description = DescriptionField(required=False, allow_null=True)
    shipping_company = Number(required=False, allow_null=True)
    pickup_address = Number(error_messages=_NO_ADDRESS, required=False, allow_null=True)
    pickup_date = PickupDateField(required=False, allow_null=True)
    iban = case_fields.IbanField(required=False, allow_null=True)
    holder_name = case_fields.HolderNameField(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)
    cancellation_request_image_set = ImagesField(required=False, allow_null=True)


class NewCasesBody(serializers.Serializer[Any]):
    """Up to 50 items to cancel or return. `pickup_address` and `fully_refund_as_loyalty_money`
    apply to all items without a value of their own."""

    example = {
        "cancel_order_items": [
            {"order_item": 41, "reason": 1, "cancellation_type": "refund", "quantity": 1}
        ]
    }

    cancel_order_items: Any = serializers.ListSerializer(
        child=NewCaseBody(), allow_empty=False, max_length=MAX_ITEMS
    )
    pickup_address = Number(error_messages=_NO_ADDRESS, required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)


SHARED = ("pickup_address", "fully_refund_as_loyalty_money")

# Shared by all requests: DRF copies all fields per instance, and `run_validation` keeps no state.
_new_case_body, _new_cases_body = NewCaseBody(), NewCasesBody()


def case_errors(body: Any, *, is_bulk: bool) -> dict[str, Any]:
    """The field errors of a body; nothing is stored."""
    try:
        (_new_cases_body if is_bulk else _new_case_body).run_validation(body)
    except serializers.ValidationError as error:
        details: Any = error.detail
        return dict(details)
    return {}


def new_case(body: Any, *, max_images: int) -> NewCase:
    """The case of a body, with its images stored; `max_images` limits those of one item.

    Raises ValidationError with all field errors, and Refused as `_stored_images` does.
    """
    return _new_cases([_new_case_body.run_validation(body)], max_images)[0]


def new_cases(body: Any, *, max_images: int) -> list[NewCase]:
    """As `new_case`, for a bulk body; each item gets the shared values that it lacks."""
    data = _new_cases_body.run_validation(body)
    shared = {key: data.get(key) for key in SHARED}
    items = data["cancel_order_items"]
    return _new_cases([shared | _without_nulls(item) for item in items], max_images)


def _without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _new_cases(items: Sequence[Mapping[str, Any]], max_images: int) -> list[NewCase]:
    images = _stored_images([item.get(IMAGES) or [] for item in items], max_images)
    return [_new_case(item, stored) for item, stored in zip(items, images, strict=True)]


def _new_case(data: Mapping[str, Any], images: Sequence[NewImage]) -> NewCase:
    iban, holder = data.get("iban"), data.get("holder_name")
    return NewCase(
        order_item=ItemId(data["order_item"]),
        kind=data["cancellation_type"],
        reason=data["reason"],
        quantity=data.get("quantity"),
        description=data.get("description") or None,
        carrier=data.get("shipping_company"),
        pickup_address=data.get("pickup_address"),
        pickup_window=data.get("pickup_date"),
        bank_account=BankAccount(iban, holder) if iban and holder else None,
        refund_to_loyalty=bool(data.get("fully_refund_as_loyalty_money")),
        images=tuple(images),
    )


def _stored_images(
    uploads: Sequence[Sequence[UploadedImage]], max_images: int
) -> list[list[NewImage]]:
    """The images of each item, stored as sanitized copies.

    Raises Refused, and stores nothing, with the `position` of the item that has too many images or
    an unreadable one; also raises Refused as `store_images` does.
    """
    positions: list[int] = []
    for position, images in enumerate(uploads):
        if len(images) > max_images:
            raise Refused(errors.TOO_MANY_IMAGES.with_values(max=max_images), position=position)
        positions += [position] * len(images)
    files = store_images([image.raw for images in uploads for image in images])
    stored = [file for file in files if file]
    if len(stored) < len(files):
        discard_images(file.name for file in stored)
        raise Refused(errors.UNREADABLE_IMAGE, position=positions[files.index(None)])
    remaining = iter(stored)
    return [
        [NewImage(*next(remaining), image.description) for image in images] for images in uploads
    ]
