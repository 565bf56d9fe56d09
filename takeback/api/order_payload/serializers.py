"""The payload of an incoming order: `{"order": {...}, "order_item": [{...}, ...]}`."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

from takeback.accounts.policy import shop_policy
from takeback.api.complete_errors import CompleteErrors
from takeback.api.fields import OrderNumber, PastMoment, PlausibleDate, StrictInteger
from takeback.api.order_payload.build_order import build_order
from takeback.api.order_payload.fields import (
    REMOTE_ID_MAX,
    Amount,
    Currency,
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
    boolean,
    choice_text,
    free_object,
    integer,
    moment,
    past_moment,
    text,
)
from takeback.orders.order_input import PAYMENTS_MAX, OrderIn

MAX_ITEMS = 5_000
_QUANTITY_MAX = 1_000_000
_PRICES = ("price", "total_price", "unit_price")
_QUANTITY = StrictInteger(max_value=_QUANTITY_MAX)


def order_from(document: Mapping[str, Any], *, channel_id: int) -> OrderIn:
    """Validate a payload and build the order.

    Raises a `ValidationError` with every invalid field: a field of the order by its own name, a
    field of an item as `order_item.<position>.<name>`, each with a list of texts. Numbers may be
    `int`, `Decimal` or digits, never `float`.
    """
    order = document.get("order")
    currency = currency_of(order.get("currency")) if isinstance(order, Mapping) else None
    serializer = _serializer(channel_id, currency, shop_policy(channel_id).item_quantity_key)
    try:
        validated = serializer.run_validation(document)
        return build_order(validated["order"], validated["order_item"], channel_id=channel_id)
    except ValidationError as error:
        raise ValidationError(dict(_flat(error.detail))) from error


class OrderOrItemPayload(Payload):
    """Fields that orders and their items share."""

    status = StatusCode(required=False)
    cancel_status = choice_text(max_length=32)
    discount_amount = Amount(required=False)
    installment_interest_amount = Amount(required=False)
    shipping_company = choice_text(max_length=64)
    tracking_number = text(max_length=256)
    tracking_url = text(max_length=URL_MAX)
    defined_tracking_url = text(max_length=URL_MAX)
    shipping_tracking_url = text(max_length=URL_MAX)
    invoice_number = text(max_length=128)
    invoice_date = moment()
    e_archive_url = text(max_length=URL_MAX)
    extra_field = free_object()


class OrderPayload(OrderOrItemPayload):
    """The order without its items."""

    number = OrderNumber()
    channel = integer()
    date_placed = PastMoment()
    customer = CustomerPayload()
    shipping_address = AddressPayload(required=False)
    billing_address = AddressPayload(required=False)
    currency = Currency()
    amount = Amount(required=False)
    shipping_amount = Amount(required=False)
    shipping_tax_rate = Percent(required=False)
    fee_amount = Amount(required=False)
    shipping_interest_amount = Amount(required=False)
    refund_amount = Amount(required=False)
    refunded_elsewhere_amount = Amount(required=False)
    discount_refund_amount = Amount(required=False)
    shipping_refund_amount = Amount(required=False)
    discountitem_set = DiscountPayload(many=True, required=False)
    fundstransfertransaction_set = PaymentPayload(  # type: ignore[call-arg]  # many=True
        many=True, required=False, max_length=PAYMENTS_MAX
    )
    payments = PaymentPayload(many=True, required=False, max_length=PAYMENTS_MAX)  # type: ignore[call-arg]  # many=True makes a list of it
    loyaltytransaction_set = PointsPayload(many=True, required=False)
    payment_option = PaymentOptionPayload(required=False)
    payment_option_slug = text(max_length=128)
    payment_type = choice_text(max_length=64)
    bank = BankPayload(required=False)
    bin_number = IdText(max_length=8, required=False, allow_blank=True)
    installment = integer()
    installment_count = StrictInteger(min_value=0, max_value=999, required=False)
    card = integer()
    basket = integer()
    is_send = boolean()
    order_type = choice_text(max_length=32)
    cancellation_info = free_object()
    external_status = integer()
    delivery_type = text(max_length=64)
    delivery_range = free_object()
    cargo_company = integer()
    carrier_shipping_code = text(max_length=255)
    shipping_option = integer()
    shipping_option_slug = text(max_length=128)
    has_gift_box = boolean()
    gift_box_note = text(max_length=160, multiline=True)
    notes = text(max_length=320, multiline=True)
    language_code = text(max_length=16)
    client_type = choice_text(max_length=32)
    segment = IdText(max_length=255, required=False, allow_blank=True)
    checkout_provider = text(max_length=255)
    checkout_provider_id = integer()
    remote_addr = text(max_length=64)

    def validate(self, attrs: Any) -> Any:
        if attrs.get("channel", self.context["channel_id"]) != self.context["channel_id"]:
            message = _("This channel differs from the channel of your request.")
            raise ValidationError({"channel": [message]})
        if attrs.get("fundstransfertransaction_set") and attrs.get("payments"):
            message = _("Send either payments or fundstransfertransaction_set, not both.")
            raise ValidationError({"payments": [message]})
        return attrs


class ItemPayload(CompleteErrors, OrderOrItemPayload):
    """An item of the order."""

    remote_id = IdText(max_length=REMOTE_ID_MAX, required=False)
    product = ProductPayload()
    sku = text(max_length=128)
    quantity = StrictInteger(max_value=_QUANTITY_MAX, required=False)
    refunded_elsewhere_quantity = StrictInteger(
        min_value=0, max_value=_QUANTITY_MAX, required=False
    )
    unit_price = Amount(required=False)
    total_price = Amount(required=False)
    price = Amount(required=False)
    price_currency = Currency(required=False)
    retail_price = Amount(required=False)
    tax_rate = Percent(required=False)
    tax_amount = Amount(required=False)
    external_status = free_object()
    benefitapplicant_set = ApplicantPayload(many=True, required=False)
    price_list = PriceListPayload(required=False)
    stock_list = PriceListPayload(required=False)
    datasource = DataSourcePayload(required=False)
    shipping_option_group = ShippingOptionGroupPayload(required=False)
    extra_product_price = integer()
    extra_product_stock = integer()
    shipment_code = text(max_length=255)
    estimated_delivery_date = PlausibleDate(required=False)
    shipped_date = past_moment()
    delivered_date = past_moment()
    image = text(max_length=URL_MAX)
    parent = integer()  # type: ignore[assignment]  # a field; the metaclass takes it away
    is_tradable = boolean()
    forced_refund = boolean()
    attributes = free_object()
    attributes_kwargs = free_object()
    localized_attributes = free_object()
    localized_attributes_kwargs = free_object()

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        missing: dict[str, Any] = {}
        if all(data.get(name) is None for name in _PRICES):
            missing["price"] = [_("This field is required.")]
        is_object = isinstance(data.get("product"), Mapping)
        if is_object and data.get("sku") in (None, "") and not _sku_of(data):
            missing["product"] = [_("Send a sku for the product.")]
        return missing

    def validate(self, attrs: Any) -> Any:
        """Determine quantity, price and sku, which several fields may contain."""
        if missing := self.missing(attrs):
            raise ValidationError(missing)
        attrs["quantity"] = _quantity(attrs, self.context["item_quantity_key"])
        attrs["price"] = _price(attrs)
        attrs["sku"] = str(_sku_of(attrs))[:REMOTE_ID_MAX]
        currency = attrs.get("price_currency", self.context["currency"])
        if currency != self.context["currency"]:
            raise ValidationError(
                {"price_currency": [_("All items must have the currency of the order.")]}
            )
        return attrs


class OrderDocument(Payload):
    """An order with its items."""

    example = {
        "order": {
            "number": "1000100",
            "currency": "try",
            "amount": "99.90",
            "date_placed": "2026-03-01T12:00:00Z",
            "customer": {"email": "ada@example.com"},
        },
        "order_item": [
            {"product": {"sku": "cup-green", "name": "Cup"}, "quantity": 1, "price": "99.90"}
        ],
    }

    order = OrderPayload()
    order_item = ItemPayload(many=True, allow_empty=False, max_length=MAX_ITEMS)  # type: ignore[call-arg]  # many=True makes a list of it


@lru_cache(maxsize=64)
def _serializer(channel_id: int, currency: str | None, item_quantity_key: str) -> OrderDocument:
    """Cached: creating a serializer costs more than using it, and it stores no input."""
    return OrderDocument(
        context={
            "channel_id": channel_id,
            "currency": currency,
            "item_quantity_key": item_quantity_key,
        }
    )


def _quantity(item: Mapping[str, Any], attribute: str) -> int:
    """The quantity, else the one in the item's attributes, else 1."""
    in_attributes = item.get("attributes", {}).get(attribute)
    if in_attributes is None:
        return int(item.get("quantity", 1))
    try:
        merged = _QUANTITY.run_validation(in_attributes)
    except ValidationError as error:
        raise ValidationError({"attributes": error.detail}) from error
    if item.get("quantity", merged) != merged:
        raise ValidationError({"quantity": [_("The item's attributes contain another quantity.")]})
    return int(merged)


def _price(item: Mapping[str, Any]) -> int:
    """The price of all units together, in minor units."""
    quantity, unit = item["quantity"], item.get("unit_price")
    totals = [item[name] for name in ("price", "total_price") if name in item]
    total = totals[0] if totals else unit * quantity
    if any(other != total for other in totals):
        raise ValidationError({"total_price": [_("The total price differs from the price.")]})
    # A unit price may be rounded: the total may differ by less than one minor unit per unit.
    if unit is not None and abs(unit * quantity - total) >= quantity:
        message = _("The unit price times the quantity differs from the price.")
        raise ValidationError({"unit_price": [message]})
    return int(total)


def _sku_of(item: Mapping[str, Any]) -> Any:
    """The item's sku, else its product's, or another key of the product; None without any."""
    product = item["product"]
    keys = (item.get("sku"), *map(product.get, ("sku", "base_code", "pk", "id")))
    return next((key for key in keys if key not in (None, "")), None)


def _flat(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every list of texts with its path."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            is_field = name != api_settings.NON_FIELD_ERRORS_KEY
            yield from _flat(inner, (*path, str(name)) if is_field else path)
    elif any(isinstance(inner, dict) for inner in detail):
        for index, inner in enumerate(detail):
            yield from _flat(inner, (*path, str(index)))
    elif detail:
        # The path of an order's field is its own name.
        shown = path[1:] if len(path) > 1 and path[0] == "order" else path
        yield ".".join(shown) or api_settings.NON_FIELD_ERRORS_KEY, list(detail)
