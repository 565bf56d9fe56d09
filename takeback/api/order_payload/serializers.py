"""The wire form of an order coming in: `{"order": {...}, "order_item": [{...}, ...]}`."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

from takeback.api.fields import StrictDate, StrictInteger, StrictMoment, StrictText
from takeback.api.order_payload import build_order
from takeback.api.order_payload.fields import (
    REMOTE_ID_MAX,
    Amount,
    Currency,
    FreeObject,
    IdText,
    Payload,
    Percent,
    StatusCode,
    currency_of,
)
from takeback.api.order_payload.parts import (
    URL_MAX,
    AddressPayload,
    ApplicantPayload,
    BankPayload,
    CustomerPayload,
    DataSourcePayload,
    DiscountPayload,
    PaymentOptionPayload,
    PaymentPayload,
    PointsPayload,
    PriceListPayload,
    ProductPayload,
    ShippingOptionGroupPayload,
    flag,
    free_object,
    moment,
    text,
    whole,
    word,
)
from takeback.orders.order_input import OrderIn

MOST_ITEMS = 5_000
_QUANTITY_MAX = 1_000_000
_QUANTITY = StrictInteger(max_value=_QUANTITY_MAX)


def order_from(document: Mapping[str, Any], *, channel_id: int) -> OrderIn:
    """The order that a document of the wire form tells.

    Raises a `ValidationError` whose detail names every field at fault: a field of the order by
    its own name, one of a line as `order_item.<position>.<name>`, each with a list of texts.
    Numbers may come as `int`, `Decimal` or digits, never as `float`.
    """
    order = document.get("order")
    currency = currency_of(order.get("currency")) if isinstance(order, Mapping) else None
    try:
        told = _schema(channel_id, currency).run_validation(document)
        return build_order.build_order(told["order"], told["order_item"], channel_id=channel_id)
    except ValidationError as error:
        raise ValidationError(dict(_flat(error.detail))) from error


class OrderPayload(Payload):
    """The order itself."""

    number = StrictText(max_length=128)
    channel = whole()
    status = StatusCode(required=False)
    date_placed = StrictMoment()
    customer = CustomerPayload()
    shipping_address = AddressPayload(required=False)
    billing_address = AddressPayload(required=False)
    currency = Currency()
    amount = Amount(required=False)
    discount_amount = Amount(required=False)
    shipping_amount = Amount(required=False)
    shipping_tax_rate = Percent(required=False)
    fee_amount = Amount(required=False)
    installment_interest_amount = Amount(required=False)
    shipping_interest_amount = Amount(required=False)
    refund_amount = Amount(required=False)
    discount_refund_amount = Amount(required=False)
    shipping_refund_amount = Amount(required=False)
    discountitem_set = DiscountPayload(many=True, required=False)
    fundstransfertransaction_set = PaymentPayload(many=True, required=False)
    payments = PaymentPayload(many=True, required=False)
    loyaltytransaction_set = PointsPayload(many=True, required=False)
    payment_option = PaymentOptionPayload(required=False)
    payment_option_slug = text(128)
    payment_type = word(64)
    bank = BankPayload(required=False)
    bin_number = IdText(max_length=8, required=False, allow_blank=True)
    installment = whole()
    installment_count = StrictInteger(min_value=0, max_value=999, required=False)
    card = whole()
    basket = whole()
    is_send = flag()
    order_type = word(32)
    cancel_status = word(32)
    cancellation_info = free_object()
    external_status = whole()
    delivery_type = text(64)
    delivery_range = free_object()
    cargo_company = whole()
    carrier_shipping_code = text(255)
    shipping_company = word(64)
    shipping_option = whole()
    shipping_option_slug = text(128)
    tracking_number = text(256)
    tracking_url = text(URL_MAX)
    defined_tracking_url = text(URL_MAX)
    shipping_tracking_url = text(URL_MAX)
    invoice_number = text(128)
    invoice_date = moment()
    e_archive_url = text(URL_MAX)
    has_gift_box = flag()
    gift_box_note = StrictText(max_length=160, multiline=True, required=False, allow_blank=True)
    notes = StrictText(max_length=320, multiline=True, required=False, allow_blank=True)
    language_code = text(16)
    client_type = word(32)
    segment = IdText(max_length=255, required=False, allow_blank=True)
    checkout_provider = text(255)
    checkout_provider_id = whole()
    remote_addr = text(64)
    extra_field = free_object()

    def validate(self, attrs: Any) -> Any:
        if attrs.get("channel", self.context["channel_id"]) != self.context["channel_id"]:
            message = _("This is not the channel that you are writing to.")
            raise ValidationError({"channel": [message]})
        told = attrs.get("fundstransfertransaction_set"), attrs.get("payments")
        if all(told):
            message = _("Name the payments in one place only.")
            raise ValidationError({"payments": [message]})
        return attrs


class ItemPayload(Payload):
    """One line of it."""

    remote_id = IdText(required=False)
    product = ProductPayload()
    sku = text(128)
    quantity = StrictInteger(max_value=_QUANTITY_MAX, required=False)
    unit_price = Amount(required=False)
    total_price = Amount(required=False)
    price = Amount(required=False)
    price_currency = Currency(required=False)
    retail_price = Amount(required=False)
    discount_amount = Amount(required=False)
    tax_rate = Percent(required=False)
    tax_amount = Amount(required=False)
    installment_interest_amount = Amount(required=False)
    status = StatusCode(required=False)
    cancel_status = word(32)
    external_status = free_object()
    benefitapplicant_set = ApplicantPayload(many=True, required=False)
    price_list = PriceListPayload(required=False)
    stock_list = PriceListPayload(required=False)
    datasource = DataSourcePayload(required=False)
    shipping_option_group = ShippingOptionGroupPayload(required=False)
    extra_product_price = whole()
    extra_product_stock = whole()
    shipping_company = word(64)
    shipment_code = text(255)
    tracking_number = text(256)
    tracking_url = text(URL_MAX)
    defined_tracking_url = text(URL_MAX)
    shipping_tracking_url = text(URL_MAX)
    invoice_number = text(128)
    invoice_date = moment()
    e_archive_url = text(URL_MAX)
    estimated_delivery_date = StrictDate(required=False)
    shipped_date = moment()
    delivered_date = moment()
    image = text(URL_MAX)
    parent = whole()  # type: ignore[assignment]  # a field; the metaclass takes it away
    is_tradable = flag()
    forced_refund = flag()
    attributes = free_object()
    attributes_kwargs = free_object()
    localized_attributes = free_object()
    localized_attributes_kwargs = free_object()
    extra_field = FreeObject(required=False)

    def validate(self, attrs: Any) -> Any:
        """Settle quantity, price and sku, which may be told in several ways."""
        attrs["quantity"] = _quantity(attrs)
        attrs["price"] = _line_price(attrs)
        attrs["sku"] = _sku(attrs)
        currency = attrs.get("price_currency", self.context["currency"])
        if currency != self.context["currency"]:
            raise ValidationError({"price_currency": [_("An order has one currency.")]})
        return attrs


class OrderDocument(Payload):
    """A whole order: itself and its lines."""

    order = OrderPayload()
    order_item = ItemPayload(many=True, allow_empty=False, max_length=MOST_ITEMS)  # type: ignore[call-arg]  # many=True makes a list of it


@lru_cache(maxsize=64)
def _schema(channel_id: int, currency: str | None) -> OrderDocument:
    """Making a serializer costs more than using it; this one holds nothing of what it reads."""
    return OrderDocument(context={"channel_id": channel_id, "currency": currency})


def _quantity(item: Mapping[str, Any]) -> int:
    """As told, else as the line's attributes say, else one; two different answers are a fault."""
    named = item.get("attributes", {}).get(settings.ORDER_ITEM_QUANTITY_KEY)
    if named is None:
        return int(item.get("quantity", 1))
    try:
        merged = _QUANTITY.run_validation(named)
    except ValidationError as error:
        raise ValidationError({"attributes": error.detail}) from error
    if item.get("quantity", merged) != merged:
        raise ValidationError({"quantity": [_("The line's attributes name another quantity.")]})
    return int(merged)


def _line_price(item: Mapping[str, Any]) -> int:
    """The worth of the whole line, in minor units."""
    quantity, unit = item["quantity"], item.get("unit_price")
    named = [item[name] for name in ("price", "total_price") if name in item]
    if not named and unit is None:
        raise ValidationError({"price": [_("This field is required.")]})
    total = named[0] if named else unit * quantity
    if any(other != total for other in named):
        raise ValidationError({"total_price": [_("This is not the price of the line.")]})
    # A unit's price may be rounded: the line is off by less than one minor unit per unit.
    if unit is not None and abs(unit * quantity - total) >= quantity:
        message = _("This, times the quantity, is not the price of the line.")
        raise ValidationError({"unit_price": [message]})
    return int(total)


def _sku(item: Mapping[str, Any]) -> str:
    product = item["product"]
    sku = item.get("sku") or product.get("sku") or product.get("base_code") or product.get("pk")
    if sku is None:
        raise ValidationError({"product": [_("A product needs a sku.")]})
    return str(sku)[:REMOTE_ID_MAX]


def _flat(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every list of texts with the path that leads there."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            told = name == api_settings.NON_FIELD_ERRORS_KEY
            # The order's own fields go by their own names.
            yield from _flat(inner, path if told else (*path, str(name)))
    elif any(isinstance(inner, dict) for inner in detail):
        for index, inner in enumerate(detail):
            yield from _flat(inner, (*path, str(index)))
    elif detail:
        shown = path[1:] if len(path) > 1 and path[0] == "order" else path
        yield ".".join(shown) or api_settings.NON_FIELD_ERRORS_KEY, list(detail)
