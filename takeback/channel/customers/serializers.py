"""Input about customers and addresses: bodies and filters."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.accounts.models import User
from takeback.api.fields import (
    PasswordHash,
    StrictBoolean,
    StrictDate,
    StrictEmail,
    StrictInteger,
    StrictText,
)
from takeback.api.order_payload.fields import FreeObject
from takeback.api.place_fields import NO_PLACE
from takeback.channel.filters import (
    Condition,
    Filter,
    Filters,
    Flag,
    all_rows,
    by_choice,
    by_id,
    by_text,
    equal,
    no_rows,
    text,
)
from takeback.core.normalize import email_key

USER_TYPES = (User.REGISTERED, User.GUEST)
GENDERS = ("female", "male")
ADDRESS_TYPES = ("customer", "retail_store")


def _optional(maximum: int, **options: Any) -> StrictText:
    return StrictText(max_length=maximum, required=False, allow_blank=True, **options)


def _nullable(maximum: int, **options: Any) -> StrictText:
    return _optional(maximum, allow_null=True, **options)


CUSTOMER_FILTERS: Filters = {
    # Compared letter by letter, after the index by key has found the address.
    "email": Filter(text(), lambda email: Q(email_key=email_key(email), email=email)),
    "phone": by_text("phone"),
    "phone_number": by_text("phone"),
    "channel_code": by_text("channel_code"),
    "user_type": by_choice(USER_TYPES, equal("user_type")),
    "channel": Filter(StrictInteger(required=False), all_rows),
}
ADDRESS_FILTERS: Filters = {
    "hash_data": by_text("hash_data"),
    "customer": by_id("user_id"),
}


def place_filters(
    *,
    code: Condition = no_rows,
    country: Condition = all_rows,
    city: Condition = all_rows,
    township: Condition = all_rows,
) -> Filters:
    """The filters of one level of places. Only countries have codes; no code is mapped."""
    return {
        "name": by_text("name"),
        "name__exact": by_text("name"),
        "name__iexact": by_text("name__iexact"),
        "code": Filter(text(), code),
        "code__exact": Filter(text(), code),
        "country": Filter(StrictInteger(required=False), country),
        "city": Filter(StrictInteger(required=False), city),
        "township": Filter(StrictInteger(required=False), township),
        "is_active": Filter(Flag(required=False), equal("is_active")),
        "mapping__code__exact": Filter(text(), no_rows),
    }


class CustomerSerializer(serializers.Serializer[Any]):
    """A customer; missing keys stay as they are."""

    example = {
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Demir",
        "phone_number": "05321234567",
    }

    channel = StrictInteger(required=False)
    email = StrictEmail()
    user_type = serializers.ChoiceField(USER_TYPES, required=False)
    channel_code = _nullable(255)
    erp_code = _nullable(255)
    first_name = _optional(255)
    last_name = _optional(255)
    phone_number = _nullable(128, source="phone")
    gender = serializers.ChoiceField(GENDERS, required=False, allow_null=True)
    date_of_birth = StrictDate(required=False, allow_null=True)
    email_allowed = StrictBoolean(required=False)
    sms_allowed = StrictBoolean(required=False)
    call_allowed = StrictBoolean(required=False, allow_null=True)
    attributes = FreeObject(required=False)
    extra_field = FreeObject(required=False)
    password_hash = PasswordHash(required=False, allow_null=True)

    def validate_channel(self, value: int) -> int:
        if value != self.context["channel_id"]:
            raise ValidationError(_("This channel differs from the channel of your request."))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Empty codes become null, an empty phone number becomes blank."""
        attrs.pop("channel", None)
        for name in ("channel_code", "erp_code"):
            if name in attrs:
                attrs[name] = attrs[name] or None
        if "phone" in attrs:
            attrs["phone"] = attrs["phone"] or ""
        return attrs


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "object"}]})
class RetailStore(FreeObject):
    """A store of the shop: the channel's id, or its document."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            return {"pk": StrictInteger().run_validation(data)}
        return super().to_internal_value(data)


class CustomerAddressSerializer(serializers.Serializer[Any]):
    """An address for a customer's book; each place lies in the one before."""

    example = {
        "customer": 7,
        "title": "Home",
        "first_name": "Ada",
        "last_name": "Demir",
        "phone_number": "05321234567",
        "country": 1,
        "city": 1,
        "township": 1,
        "line": "Bağdat Cad. 10",
    }

    customer = StrictInteger()
    title = _optional(128, allow_null=True)
    first_name = _optional(255)
    last_name = _optional(255)
    phone_number = _optional(128)
    email = StrictEmail(required=False, allow_null=True, allow_blank=True)
    country = StrictInteger(error_messages=NO_PLACE)
    city = StrictInteger(error_messages=NO_PLACE)
    township = StrictInteger(error_messages=NO_PLACE, required=False, allow_null=True)
    district = StrictInteger(error_messages=NO_PLACE, required=False, allow_null=True)
    line = StrictText(max_length=255, multiline=True)
    postcode = _nullable(64)
    notes = _nullable(512, multiline=True)
    company_name = _nullable(255)
    tax_office = _nullable(64)
    tax_no = _nullable(20)
    e_bill_taxpayer = StrictBoolean(required=False)
    is_corporate = StrictBoolean(required=False)
    primary = StrictBoolean(required=False)
    address_type = serializers.ChoiceField(ADDRESS_TYPES, required=False)
    retail_store = RetailStore(required=False, allow_null=True)
    remote_id = _nullable(255)
    identity_number = _nullable(64)
    extra_field = FreeObject(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Columns that cannot be null become blank."""
        blank = ("title", "company_name", "tax_office", "tax_no")
        return attrs | {name: attrs[name] or "" for name in blank if name in attrs}
