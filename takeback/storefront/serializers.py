"""Serializers of look-up, login, order filters and addresses."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from takeback.accounts.one_time_secrets import CODE_DIGITS
from takeback.accounts.policy import ShopPolicy
from takeback.api.complete_errors import CompleteErrors
from takeback.api.fields import (
    NUMBER_MAX,
    OrderNumber,
    Password,
    StrictBoolean,
    StrictEmail,
    StrictInteger,
    StrictMoment,
    StrictText,
)
from takeback.api.place_fields import NO_PLACE
from takeback.core.normalize import number_key, without_marks

_SEPARATORS = re.compile(r"[\s-]")
_ONE_NUMBER_ONLY = _("Send the order number once, as number or as order.")


class TypedOrderNumber(OrderNumber):
    """An order number as a shopper types or pastes it: invisible characters are removed."""

    def to_internal_value(self, data: Any) -> str:
        is_text = isinstance(data, str) and not data.isprintable()
        return super().to_internal_value(without_marks(data) if is_text else data)


class NumberedOrder(CompleteErrors):
    """The number of an order, as `number` or `order`; other keys are ignored."""

    example = {"number": "1000100"}

    number = TypedOrderNumber(required=False)
    order = TypedOrderNumber(required=False)

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        has_number = "number" in data or "order" in data
        return {} if has_number else {"number": [_("This field is required.")]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if missing := self.missing(attrs):
            raise serializers.ValidationError(missing)
        number, order = attrs.get("number"), attrs.get("order")
        if number and order and number_key(number) != number_key(order):
            raise serializers.ValidationError({"number": [_ONE_NUMBER_ONLY]})
        return attrs


class GuestLookup(NumberedOrder):
    """The number of an order, as `number` or `order`, and the e-mail address of its customer."""

    example = {"number": "1000100", "email": "ada@example.com"}

    email = StrictEmail()


class GuestIdentity(GuestLookup):
    """The order's number and e-mail address. A session that has looked the order up sends neither.

    Only the document uses it: `GuestLookup` checks what is sent.
    """

    email = StrictEmail(required=False)


class MailedCode(StrictText):
    """The six digits of a code, of any script, with spaces or hyphens between them."""

    default_error_messages = {"digits": _("Enter the six digits of the code.")}

    def to_internal_value(self, data: Any) -> str:
        digits = _SEPARATORS.sub("", super().to_internal_value(data))
        if len(digits) != CODE_DIGITS or not digits.isdecimal():
            self.fail("digits")
        return f"{int(digits):0{CODE_DIGITS}}"


class OrderCode(NumberedOrder):
    """The number of an order, and the code from the mail."""

    example = {"number": "1000100", "code": "123456"}

    code = MailedCode(max_length=32)


class Login(serializers.Serializer[Any]):
    """E-mail address and password; other keys are ignored."""

    example = {"email": "ada@example.com", "password": "correct horse battery"}

    email = StrictEmail()
    password = Password()


class OrderFilters(serializers.Serializer[Any]):
    """Query parameters of the order list."""

    search = StrictText(max_length=NUMBER_MAX, required=False, allow_blank=True)
    last_month = StrictBoolean(required=False)
    created_date__gte = StrictMoment(required=False)
    created_date__lte = StrictMoment(required=False)

    def lookups(self, query: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """Django look-ups on columns of orders. Raises ValidationError with all field errors."""
        data: Mapping[str, Any] = self.run_validation(query)
        lookups: dict[str, Any] = {}
        if data.get("search"):
            lookups["number__icontains"] = data["search"]
        if data.get("last_month"):
            lookups["placed_at__gte"] = now - timedelta(days=30)
        if "created_date__gte" in data:
            since = data["created_date__gte"]
            lookups["placed_at__gte"] = max(since, lookups.get("placed_at__gte", since))
        if "created_date__lte" in data:
            lookups["placed_at__lte"] = data["created_date__lte"]
        return lookups


# Shared by all requests: DRF copies all fields per instance, and `run_validation` keeps no state.
guest_lookup, order_filters = GuestLookup(), OrderFilters()


class PlaceFilter(serializers.Serializer[Any]):
    """The place that contains the listed places."""

    country = StrictInteger(required=False)
    city = StrictInteger(required=False)
    township = StrictInteger(required=False)


class AddressEntry(serializers.Serializer[Any]):
    """An entry of the address book. The context holds the shop's `policy`.

    Places are ids, and each place belongs to the one before.
    """

    example = {
        "title": "Home",
        "first_name": "Ada",
        "last_name": "Demir",
        "phone_number": "05321234567",
        "country": 1,
        "city": 1,
        "township": 1,
        "line": "Bağdat Cad. 10",
    }

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
        minimum = self._policy.phone_min_length
        if len(value) < minimum:
            text = _("Ensure this field has at least {min_length} characters.")
            raise serializers.ValidationError(text.format(min_length=minimum))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self._policy.requires_district and not self.partial and not attrs.get("district"):
            raise serializers.ValidationError({"district": [_("This field is required.")]})
        return attrs

    @property
    def _policy(self) -> ShopPolicy:
        policy: ShopPolicy = self.context["policy"]
        return policy
