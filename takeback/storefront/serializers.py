"""What storefronts may send, in both spellings of the contract."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.api.fields import (
    Password,
    StrictBoolean,
    StrictEmail,
    StrictInteger,
    StrictMoment,
    StrictText,
)
from takeback.api.place_fields import NO_PLACE
from takeback.storefront import errors

NUMBER_MAX = 128


class OrderNumber(StrictText):
    """An order's number as its customer writes it; digits of other scripts only look like one."""

    default_error_messages = {"digits": _("Use the digits 0 to 9.")}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if any(character.isdigit() and not character.isascii() for character in text):
            self.fail("digits")
        return text


class GuestLookup(serializers.Serializer[Any]):
    """An order number, under either of its names, and the e-mail address it was placed with."""

    number = OrderNumber(max_length=NUMBER_MAX, required=False)
    order = OrderNumber(max_length=NUMBER_MAX, required=False)
    email = StrictEmail()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        number, order = attrs.get("number"), attrs.get("order")
        if number is None and order is None:
            raise serializers.ValidationError({"number": [_("This field is required.")]})
        if number is not None and order is not None and number != order:
            raise serializers.ValidationError({"number": [errors.ONE_NUMBER_ONLY]})
        return attrs


class Login(serializers.Serializer[Any]):
    """E-mail address and password; a storefront sends more, which is ignored."""

    email = StrictEmail()
    password = Password()


class OrderFilters(serializers.Serializer[Any]):
    """Which orders of a customer are listed."""

    search = StrictText(max_length=NUMBER_MAX, required=False, allow_blank=True)
    last_month = StrictBoolean(required=False)
    created_date__gte = StrictMoment(required=False)
    created_date__lte = StrictMoment(required=False)

    def look_ups(self, sent: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """What was sent, as look-ups on our own columns; or `ValidationError` with all faults."""
        told: Mapping[str, Any] = self.run_validation(sent)
        found: dict[str, Any] = {}
        if told.get("search"):
            found["number__icontains"] = told["search"]
        if told.get("last_month"):
            found["placed_at__gte"] = now - timedelta(days=30)
        if "created_date__gte" in told:
            since = told["created_date__gte"]
            found["placed_at__gte"] = max(since, found.get("placed_at__gte", since))
        if "created_date__lte" in told:
            found["placed_at__lte"] = told["created_date__lte"]
        return found


# Made once: the framework copies every field for each serializer, and none keeps what it read.
guest_lookup, order_filters = GuestLookup(), OrderFilters()


class PlaceFilter(serializers.Serializer[Any]):
    """Which places are listed: those inside another."""

    country = StrictInteger(required=False)
    city = StrictInteger(required=False)
    township = StrictInteger(required=False)


class AddressEntry(serializers.Serializer[Any]):
    """An entry of the address book; places by number, each inside the one before."""

    title = StrictText(max_length=128)
    first_name = StrictText(max_length=255)
    last_name = StrictText(max_length=255)
    phone_number = StrictText(max_length=128)
    email = StrictEmail(required=False, allow_null=True)
    country = StrictInteger(error_messages=NO_PLACE)
    city = StrictInteger(error_messages=NO_PLACE)
    township = StrictInteger(error_messages=NO_PLACE)
    district = StrictInteger(error_messages=NO_PLACE, required=False, allow_null=True)
    line = StrictText(max_length=255, multiline=True)
    postcode = StrictText(max_length=64, required=False, allow_null=True, allow_blank=True)
    notes = StrictText(
        max_length=512, required=False, allow_null=True, allow_blank=True, multiline=True
    )
    company_name = StrictText(max_length=255, required=False, allow_blank=True)
    tax_office = StrictText(max_length=64, required=False, allow_blank=True)
    tax_no = StrictText(max_length=20, required=False, allow_blank=True)
    identity_number = StrictText(max_length=64, required=False, allow_null=True)
    e_bill_taxpayer = StrictBoolean(required=False)
    is_corporate = StrictBoolean(required=False)
    primary = StrictBoolean(required=False)

    def validate_phone_number(self, value: str) -> str:
        least = settings.ADDRESS_PHONE_MIN_LENGTH
        if len(value) < least:
            text = _("Ensure this field has at least {min_length} characters.")
            raise serializers.ValidationError(text.format(min_length=least))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if settings.ADDRESS_DISTRICT_REQUIRED and not self.partial and not attrs.get("district"):
            raise serializers.ValidationError({"district": [_("This field is required.")]})
        return attrs
