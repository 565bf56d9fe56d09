"""What other systems send about people, and what they filter by."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.accounts.models import User
from takeback.api.fields import StrictBoolean, StrictDate, StrictEmail, StrictInteger, StrictText
from takeback.api.order_payload.fields import FreeObject
from takeback.api.place_fields import NO_PLACE
from takeback.channel.filters import Flag, text

USER_TYPES = (User.REGISTERED, User.GUEST)
GENDERS = ("female", "male")
ADDRESS_TYPES = ("customer", "retail_store")


def _optional(maximum: int, **options: Any) -> StrictText:
    return StrictText(max_length=maximum, required=False, allow_blank=True, **options)


def _nullable(maximum: int, **options: Any) -> StrictText:
    return _optional(maximum, allow_null=True, **options)


class CustomerFilters(serializers.Serializer[Any]):
    """Which customers of a channel are listed."""

    email = text()
    phone = text()
    phone_number = text()
    channel_code = text()
    user_type = serializers.ChoiceField(USER_TYPES, required=False)
    channel = StrictInteger(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`phone` and `phone_number` are one; the number counts."""
        phone = attrs.pop("phone_number", attrs.get("phone"))
        return attrs if phone is None else attrs | {"phone": phone}


class AddressFilters(serializers.Serializer[Any]):
    """Which addresses of a channel's customers are listed."""

    hash_data = text()
    customer = StrictInteger(required=False)


class PlaceFilters(serializers.Serializer[Any]):
    """Which places are listed."""

    name = text()
    name__exact = text()
    name__iexact = text()
    code = text()
    code__exact = text()
    country = StrictInteger(required=False)
    city = StrictInteger(required=False)
    township = StrictInteger(required=False)
    is_active = Flag(required=False)
    mapping__code__exact = text()


class CustomerEntry(serializers.Serializer[Any]):
    """A customer; what is not told stays as it is."""

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

    def validate_channel(self, value: int) -> int:
        if value != self.context["channel_id"]:
            raise ValidationError(_("This is not the channel that you are writing to."))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Codes are unknown rather than blank, a phone blank rather than unknown."""
        attrs.pop("channel", None)
        for name in ("channel_code", "erp_code"):
            if name in attrs:
                attrs[name] = attrs[name] or None
        if "phone" in attrs:
            attrs["phone"] = attrs["phone"] or ""
        return attrs


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "object"}]})
class RetailStore(FreeObject):
    """A shop's branch: others' number for it, or their whole document."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            return {"pk": StrictInteger().run_validation(data)}
        return super().to_internal_value(data)


class AddressEntryOfCustomer(serializers.Serializer[Any]):
    """An address for a customer's book; places by number, each inside the one before."""

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
        """Where a column is blank rather than null, so is what is told."""
        blank = ("title", "company_name", "tax_office", "tax_no")
        return attrs | {name: attrs[name] or "" for name in blank if name in attrs}
