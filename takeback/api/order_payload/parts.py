"""The parts of an order as others tell them: people, addresses, products, payments."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.addresses.address_input import AddressIn
from takeback.api.fields import StrictBoolean, StrictEmail, StrictInteger, StrictMoment, StrictText
from takeback.api.order_payload import references
from takeback.api.order_payload.fields import (
    Amount,
    FreeList,
    FreeObject,
    IdText,
    Number,
    Payload,
    PayloadById,
    Uuid,
    Word,
)
from takeback.core.money import show

_KEY = StrictInteger()
URL_MAX = 1024


def text(maximum: int) -> StrictText:
    """Optional text; an empty one is as good as none."""
    return StrictText(max_length=maximum, required=False, allow_blank=True)


def word(maximum: int) -> Word:
    """As `text`, where storefronts show a choice."""
    return Word(max_length=maximum, required=False, allow_blank=True)


def whole() -> StrictInteger:
    """An optional whole number."""
    return StrictInteger(min_value=0, required=False)


def moment() -> StrictMoment:
    """An optional point in time."""
    return StrictMoment(required=False)


def flag() -> StrictBoolean:
    """An optional yes or no."""
    return StrictBoolean(required=False)


def free_object() -> FreeObject:
    """An optional object that is repeated as it came."""
    return FreeObject(required=False)


class _UserType(Word):
    """Whether somebody is registered or a guest."""

    default_error_messages = {"unknown": _("This type of customer is not known.")}

    def to_internal_value(self, data: Any) -> str:
        told = super().to_internal_value(data)
        if told not in {User.REGISTERED, User.GUEST}:
            self.fail("unknown")
        return told


class _Customer(Payload):
    email = StrictEmail()
    first_name = text(255)
    last_name = text(255)
    phone = text(128)
    phone_number = text(128)
    user_type = _UserType(max_length=16, required=False)
    channel_code = IdText(max_length=255, required=False, allow_blank=True)
    language_code = text(16)
    attributes = free_object()


class _Country(Payload):
    code = StrictText(max_length=8)
    name = text(255)


class _Place(Payload):
    name = StrictText(max_length=255)


_TEXT_OR_OBJECT = {"oneOf": [{"type": "string"}, {"type": "object"}]}


@extend_schema_field(_TEXT_OR_OBJECT)
class _PlaceName(_Place):
    """A place by its name, or the object that shows it."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({"name": data} if isinstance(data, str) else data)["name"]


@extend_schema_field(_TEXT_OR_OBJECT)
class _CountryName(_Country):
    """A country by its code, or the object that shows it."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({"code": data} if isinstance(data, str) else data)


class _Address(Payload):
    first_name = text(255)
    last_name = text(255)
    phone_number = text(128)
    email = StrictEmail(required=False, allow_blank=True)
    title = text(128)
    line = StrictText(max_length=255, multiline=True)
    country = _CountryName()
    city = _PlaceName()
    township = _PlaceName(required=False)
    district = _PlaceName(required=False)
    postcode = IdText(max_length=64, required=False, allow_blank=True)
    notes = StrictText(max_length=512, multiline=True, required=False, allow_blank=True)
    company_name = text(255)
    tax_office = text(64)
    tax_no = IdText(max_length=20, required=False, allow_blank=True)
    identity_number = IdText(max_length=64, required=False, allow_blank=True)
    e_bill_taxpayer = flag()
    is_corporate = flag()
    address_type = word(32)
    remote_id = IdText(max_length=255, required=False)
    retail_store = free_object()
    extra_field = free_object()


class CustomerPayload(_Customer):
    """A customer told in full, or the number of one whom we know."""

    default_error_messages = {"unknown": _("Not found.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            found = references.customer(self.context["channel_id"], _KEY.run_validation(data))
            return found or self.fail("unknown")
        told = super().to_internal_value(data)
        phone = told.pop("phone_number", "")
        return CustomerIn(**{"phone": phone} | told)


class AddressPayload(_Address):
    """An address told in full, or the number of one that we know."""

    default_error_messages = {"unknown": _("Not found.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            found = references.address(self.context["channel_id"], _KEY.run_validation(data))
            return found or self.fail("unknown")
        told = super().to_internal_value(data)
        country = told.pop("country")
        return AddressIn(country=country["code"], country_name=country.get("name") or None, **told)


class ProductPayload(PayloadById):
    """A product as the shop knows it today."""

    id = whole()
    pk = whole()
    sku = IdText(required=False)
    base_code = text(255)
    name = text(1024)
    image = text(URL_MAX)
    absolute_url = text(URL_MAX)
    uuid = text(64)
    description = StrictText(max_length=100_000, multiline=True, required=False, allow_blank=True)
    brand = whole()
    erp_categories = FreeList(required=False)
    tax_rate = Number(required=False)
    weight = Number(required=False)
    product_type = IdText(max_length=64, required=False)
    productization_date = text(40)
    data_source = whole()
    data_source_detailed = free_object()
    created_date = text(40)
    modified_date = text(40)
    is_active = flag()
    attribute_set = whole()
    parent = whole()  # type: ignore[assignment]  # a field; the metaclass takes it away
    group_products = FreeList(required=False)
    attributes = free_object()
    attributes_kwargs = free_object()
    extra_attributes = free_object()
    form_schema = FreeList(required=False)
    category = free_object()
    listing_code = text(255)
    is_seller_product = flag()
    custom_attribute_set = whole()


class PriceListPayload(PayloadById):
    """A list of prices; without its currency, one of stocks."""

    id = whole()
    pk = whole()
    name = text(255)
    code = text(255)
    currency = word(3)
    is_auto_sync = flag()
    created_date = text(40)
    modified_date = text(40)


class DataSourcePayload(PayloadById):
    """Where a product comes from: a seller, a supplier, a warehouse."""

    id = whole()
    pk = whole()
    name = text(255)
    slug = text(255)
    stock_list = whole()
    price_list = whole()
    is_active = flag()
    token = text(255)
    conf = free_object()
    commission = Number(required=False)
    maturity = Number(required=False)
    supplier_code = text(255)
    supplier_detail = free_object()
    easy_return_detail = free_object()
    extras = free_object()
    data_source_type = word(64)
    created_date = text(40)
    modified_date = text(40)


class ShippingOptionGroupPayload(PayloadById):
    """How a group of lines is sent; its amount is kept in the digits of the order's currency."""

    id = whole()
    pk = whole()
    amount = Amount(required=False)
    tax_rate = Number(required=False)
    shipping_option_slug = text(128)
    shipping_option_name = text(255)
    shipping_option_logo = text(URL_MAX)
    created_date = text(40)
    modified_date = text(40)

    def to_internal_value(self, data: Any) -> Any:
        told = super().to_internal_value(data)
        currency = self.context.get("currency")
        if currency and "amount" in told:
            told["amount"] = show(told["amount"], currency)
        return told


class PaymentOptionPayload(PayloadById):
    """How the order is paid."""

    id = whole()
    pk = whole()
    name = text(255)
    slug = text(128)
    payment_type = word(64)


class BankPayload(PayloadById):
    """The bank of the card."""

    id = whole()
    pk = whole()
    name = text(255)
    slug = text(128)
    logo = text(URL_MAX)
    logo_path = text(URL_MAX)


class DiscountPayload(Payload):
    """A discount and, if it did not touch all lines, which."""

    id = IdText(required=False)
    pk = IdText(required=False)
    name = StrictText(max_length=255, allow_blank=True)
    amount = Amount()
    items = serializers.ListField(child=IdText(), required=False)


class ApplicantPayload(Payload):
    """On a line: the discount that touched it, by its number or its name."""

    discount_item = IdText(max_length=255, required=False)


class PaymentPayload(Payload):
    """One way in which the order is paid; all of it is captured unless it says how much is."""

    payment_type = word(32)
    amount = Amount()
    captured_amount = Amount(required=False)
    reference = text(255)

    def validate(self, attrs: Any) -> Any:
        if attrs.get("captured_amount", 0) > attrs["amount"]:
            message = _("More is captured than is paid.")
            raise serializers.ValidationError({"captured_amount": [message]})
        return attrs


class PointsPayload(Payload):
    """Points that moved with the order; spent ones are negative."""

    uuid = Uuid(required=False)
    amount = Amount(min_value=-(10**14))
    transaction_type = word(32)
    reference = text(255)
