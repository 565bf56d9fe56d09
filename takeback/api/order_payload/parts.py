"""Serializers of the parts of an order: customer, addresses, products, payments."""

from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.addresses.address_input import AddressIn
from takeback.api.fields import (
    PasswordHash,
    PastMoment,
    PlausibleMoment,
    StrictBoolean,
    StrictEmail,
    StrictInteger,
    StrictText,
)
from takeback.api.order_payload import references
from takeback.api.order_payload.fields import (
    AMOUNT_MAX,
    REMOTE_ID_MAX,
    Amount,
    Currency,
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
from takeback.orders.order_input import repeated_payments

_ID = StrictInteger()
URL_MAX = 1024
TWO_PAYMENTS = _(
    "Two payments of an order cannot have the same account and reference. Send the payment once."
)

# Optional fields; an empty text counts as missing.
text = partial(StrictText, required=False, allow_blank=True)
choice_text = partial(Word, required=False, allow_blank=True)
integer = partial(StrictInteger, min_value=0, required=False)
moment = partial(PlausibleMoment, required=False)
past_moment = partial(PastMoment, required=False)
boolean = partial(StrictBoolean, required=False)
free_object = partial(FreeObject, required=False)


class _UserType(Word):
    default_error_messages = {
        "unknown": _("This customer type is unknown. Send registered or guest.")
    }

    def to_internal_value(self, data: Any) -> str:
        user_type = super().to_internal_value(data)
        if user_type not in {User.REGISTERED, User.GUEST}:
            self.fail("unknown")
        return user_type


PASSWORD_OF_GUEST = _(
    "Only a registered customer has a password. Send user_type registered, or no password_hash."
)


class CustomerPayload(Payload):
    """A customer, or only the id of a customer of the channel."""

    default_error_messages = {"unknown": _("Not found.")}

    email = StrictEmail()
    first_name = text(max_length=255)
    last_name = text(max_length=255)
    phone = text(max_length=128)
    phone_number = text(max_length=128)
    user_type = _UserType(max_length=16, required=False)
    channel_code = IdText(max_length=255, required=False, allow_blank=True)
    language_code = text(max_length=16)
    attributes = free_object()
    password_hash = PasswordHash(required=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            user_id = _ID.run_validation(data)
            customer = references.find_customer(self.context["channel_id"], user_id)
            return customer or self.fail("unknown")
        validated = super().to_internal_value(data)
        phone = validated.pop("phone_number", "")
        if "password_hash" in validated and validated.get("user_type") != User.REGISTERED:
            raise ValidationError({"password_hash": [PASSWORD_OF_GUEST]})
        return CustomerIn(**{"phone": phone} | validated)


_TEXT_OR_OBJECT = {"oneOf": [{"type": "string"}, {"type": "object"}]}


@extend_schema_field(_TEXT_OR_OBJECT)
class _PlaceName(Payload):
    """A place: its name, or an object with it."""

    name = StrictText(max_length=255)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({"name": data} if isinstance(data, str) else data)["name"]


@extend_schema_field(_TEXT_OR_OBJECT)
class _CountryCode(Payload):
    """A country: its code, or an object with it."""

    code = StrictText(max_length=8)
    name = text(max_length=255)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({"code": data} if isinstance(data, str) else data)


class AddressPayload(Payload):
    """An address, or only the id of an address of the channel's customers."""

    default_error_messages = {"unknown": _("Not found.")}

    first_name = text(max_length=255)
    last_name = text(max_length=255)
    phone_number = text(max_length=128)
    email = StrictEmail(required=False, allow_blank=True)
    title = text(max_length=128)
    line = StrictText(max_length=255, multiline=True)
    country = _CountryCode()
    city = _PlaceName()
    township = _PlaceName(required=False)
    district = _PlaceName(required=False)
    postcode = IdText(max_length=64, required=False, allow_blank=True)
    notes = text(max_length=512, multiline=True)
    company_name = text(max_length=255)
    tax_office = text(max_length=64)
    tax_no = IdText(max_length=20, required=False, allow_blank=True)
    identity_number = IdText(max_length=64, required=False, allow_blank=True)
    e_bill_taxpayer = boolean()
    is_corporate = boolean()
    address_type = choice_text(max_length=32)
    remote_id = IdText(max_length=255, required=False)
    retail_store = free_object()
    extra_field = free_object()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, int | str):
            address_id = _ID.run_validation(data)
            address = references.find_address(self.context["channel_id"], address_id)
            return address or self.fail("unknown")
        validated = super().to_internal_value(data)
        country = validated.pop("country")
        return AddressIn(
            country=country["code"], country_name=country.get("name") or None, **validated
        )


class _DatedPayload(PayloadById):
    created_date = text(max_length=40)
    modified_date = text(max_length=40)


class ProductPayload(_DatedPayload):
    """A product with its current data."""

    sku = IdText(max_length=REMOTE_ID_MAX, required=False)
    base_code = text(max_length=255)
    name = text(max_length=1024)
    image = text(max_length=URL_MAX)
    absolute_url = text(max_length=URL_MAX)
    uuid = text(max_length=64)
    description = text(max_length=100_000, multiline=True)
    brand = integer()
    erp_categories = FreeList(required=False)
    tax_rate = Number(required=False)
    weight = Number(required=False)
    product_type = IdText(max_length=64, required=False)
    productization_date = text(max_length=40)
    data_source = integer()
    data_source_detailed = free_object()
    is_active = boolean()
    attribute_set = integer()
    parent = integer()  # type: ignore[assignment]  # a field; the metaclass takes it away
    group_products = FreeList(required=False)
    attributes = free_object()
    attributes_kwargs = free_object()
    extra_attributes = free_object()
    form_schema = FreeList(required=False)
    category = free_object()
    listing_code = text(max_length=255)
    is_seller_product = boolean()
    custom_attribute_set = integer()


class PriceListPayload(_DatedPayload):
    """A price list; a stock list has no currency."""

    name = text(max_length=255)
    code = text(max_length=255)
    currency = choice_text(max_length=3)
    is_auto_sync = boolean()


class DataSourcePayload(_DatedPayload):
    """The source of a product: a seller, a supplier, a warehouse."""

    name = text(max_length=255)
    slug = text(max_length=255)
    stock_list = integer()
    price_list = integer()
    is_active = boolean()
    token = text(max_length=255)
    conf = free_object()
    commission = Number(required=False)
    maturity = Number(required=False)
    supplier_code = text(max_length=255)
    supplier_detail = free_object()
    easy_return_detail = free_object()
    extras = free_object()
    data_source_type = choice_text(max_length=64)


class ShippingOptionGroupPayload(_DatedPayload):
    """The shipping option of a group of items; its amount becomes a decimal string."""

    amount = Amount(required=False)
    tax_rate = Number(required=False)
    shipping_option_slug = text(max_length=128)
    shipping_option_name = text(max_length=255)
    shipping_option_logo = text(max_length=URL_MAX)

    def to_internal_value(self, data: Any) -> Any:
        validated = super().to_internal_value(data)
        currency = self.context.get("currency")
        if currency and "amount" in validated:
            validated["amount"] = show(validated["amount"], currency)
        return validated


class PaymentOptionPayload(PayloadById):
    """The payment option of the order."""

    name = text(max_length=255)
    slug = text(max_length=128)
    payment_type = choice_text(max_length=64)


class BankPayload(PayloadById):
    """The bank of the card."""

    name = text(max_length=255)
    slug = text(max_length=128)
    logo = text(max_length=URL_MAX)
    logo_path = text(max_length=URL_MAX)


class DiscountPayload(Payload):
    """A discount; `items` limits it to the items with these remote ids."""

    id = IdText(max_length=REMOTE_ID_MAX, required=False)
    pk = IdText(max_length=REMOTE_ID_MAX, required=False)
    name = StrictText(max_length=255, allow_blank=True)
    amount = Amount()
    items = serializers.ListField(child=IdText(max_length=REMOTE_ID_MAX), required=False)


class ApplicantPayload(Payload):
    """In an item: the id or the name of a discount that applies to it."""

    discount_item = IdText(max_length=255, required=False)


class PaymentList(serializers.ListSerializer[Any]):
    """Payments of one order; a payment at the provider occurs once."""

    def to_internal_value(self, data: Any) -> Any:
        payments = super().to_internal_value(data)
        ids = ((payment.get("account"), payment.get("reference")) for payment in payments)
        if positions := repeated_payments(ids):
            errors: Any = {position: {"reference": [TWO_PAYMENTS]} for position in positions}
            raise ValidationError(errors)
        return payments


class PaymentChangePayload(Payload):
    """What a system learns later of a payment.

    `reference` or, without one that is known, `payment_type` and `amount` say which payment it is.
    Amounts are those of the order's currency; `currency` is the one that the provider charged.
    """

    class Meta:
        list_serializer_class = PaymentList

    payment_type = choice_text(max_length=32)
    amount = Amount(required=False)
    captured_amount = Amount(required=False)
    account = text(max_length=64, help_text="The code of the channel's payment account.")
    reference = IdText(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text="The provider's id of the payment, or of its capture.",
    )
    provider_order = IdText(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text="The provider's id of the order that the payment belongs to.",
    )
    currency = Currency(
        required=False, help_text="The currency that was charged, if it is not the order's."
    )

    def validate(self, attrs: Any) -> Any:
        captured, amount = attrs.get("captured_amount", 0), attrs.get("amount")
        if amount is not None and captured > amount:
            message = _("The captured amount exceeds the amount of the payment.")
            raise ValidationError({"captured_amount": [message]})
        return attrs


class PaymentPayload(PaymentChangePayload):
    """A payment of the order.

    By default it is captured whole, or not at all while the order waits for its payment and if it
    is paid on delivery. Amounts are those of the order's currency; `currency` is the one that the
    provider charged.
    """

    amount = Amount()


class PointsPayload(Payload):
    """Loyalty points of the order; spent points are negative."""

    uuid = Uuid(required=False)
    amount = Amount(min_value=-AMOUNT_MAX)
    transaction_type = choice_text(max_length=32)
    reference = text(max_length=255)
