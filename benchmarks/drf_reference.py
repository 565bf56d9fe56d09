"""The order list as ModelSerializers would do it: the same document, key by key, for comparison.

Written as one would in earnest: related rows by select_related and prefetch_related, so the
number of queries is fixed, and what all lines share is rendered once.
"""

from typing import Any

from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.urls import path
from django.utils.translation import get_language
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer

from benchmarks.drf_parts import (
    AddressSerializer,
    BankSerializer,
    CompanySerializer,
    Method,
    Money,
    PaymentOptionSerializer,
    ProductSerializer,
    ReadOnly,
    RequestSerializer,
    SnapshotSerializer,
    Value,
    detail,
    names,
)
from takeback.accounts.channels import channel_id_of_host
from takeback.accounts.policy import shop_policy
from takeback.cancellations import policy
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE, Kind
from takeback.core import clock
from takeback.core.errors import Problem
from takeback.core.links import safe_http_url
from takeback.core.money import show, show_rate, units_value
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders.models import DiscountItem, LoyaltyTransaction, Order, OrderItem, Payment
from takeback.orders.statuses import Status
from takeback.orders.units import units_left
from takeback.storefront.auth import IsShopperOrVerifiedGuest, ShopperSessionAuthentication
from takeback.storefront.labels import carrier, currency, order_type, status
from takeback.storefront.orders_documents import blocking_reason


class ItemSerializer(serializers.ModelSerializer[OrderItem]):
    """A line."""

    pk = ReadOnly()
    status = Value(lambda code: status(code, get_language() or ""))
    price_currency = Value(currency, source="order.currency")
    product = ProductSerializer()
    is_cancelled = Method()
    is_cancellable = Method()
    is_refundable = Method()
    closed_because = Method()
    cancellationrequest_set = RequestSerializer(many=True)
    active_cancellation_request = Method()
    shipping_company = Value(carrier)
    tracking_url = Value(safe_http_url)
    available_easy_return_shipping_companies = Method()
    datasource_detailed = SnapshotSerializer(source="data_source")
    extra_product_stock_detailed = SnapshotSerializer(source="stock_list")
    extra_product_price_detailed = SnapshotSerializer(source="price_list")
    shipping_option_group = SnapshotSerializer()
    attributes_kwargs = ReadOnly(source="details.attributes_kwargs", default={})
    localized_attributes = ReadOnly(source="details.localized_attributes", default={})
    localized_attributes_kwargs = ReadOnly(source="details.localized_attributes_kwargs", default={})
    price = Money("goods_minor")
    e_archive_url = Value(safe_http_url)
    defined_tracking_url = detail("defined_tracking_url", link=True)
    retail_price = Money("retail_minor")
    discount_amount = Money("discount_minor")
    discounted_price = Method()
    tax_rate = Value(show_rate)
    units_left = Method()
    unit_price = Method()
    total_amount = Money("goods_minor")
    shipping_tracking_url = detail("shipping_tracking_url", link=True)
    parent = detail("parent")
    extra_product_price = detail("extra_product_price")
    extra_product_stock = detail("extra_product_stock")
    datasource = ReadOnly(source="data_source_id")

    class Meta:
        model = OrderItem
        fields = names(
            "id pk status price_currency product is_cancelled is_cancellable is_refundable"
            " closed_because cancellationrequest_set active_cancellation_request shipping_company"
            " tracking_url is_tradable available_easy_return_shipping_companies"
            " datasource_detailed extra_product_stock_detailed extra_product_price_detailed"
            " shipping_option_group created_date modified_date attributes attributes_kwargs"
            " localized_attributes localized_attributes_kwargs price tax_rate invoice_number"
            " invoice_date e_archive_url tracking_number defined_tracking_url retail_price"
            " discount_amount discounted_price quantity units_left unit_price total_amount image"
            " extra_field estimated_delivery_date shipped_date delivered_date"
            " shipping_tracking_url order parent extra_product_price extra_product_stock datasource"
        )

    def to_representation(self, instance: OrderItem) -> Any:
        self.refusals = {kind: self._refusal(kind, instance) for kind in Kind}
        return super().to_representation(instance)

    def _refusal(self, kind: Kind, item: OrderItem) -> Problem | None:
        context = policy.ItemContext(
            status=item.status,
            units_left=item.units_left,
            has_live_case=self._live(item) is not None,
            is_invoiced=bool(item.invoice_number),
            placed_at=item.order.placed_at,
            arrived_at=item.delivered_date or item.shipped_date or item.invoice_date,
            shop=self.context["shop"].with_terms(item.order.return_days, item.order.cancel_minutes),
            now=self.context["now"],
        )
        return policy.item_refusal(kind, context)

    def _live(self, item: OrderItem) -> CancellationRequest | None:
        cases = item.cancellationrequest_set.all()
        return next((case for case in cases if case.status in LIVE), None)

    def get_is_cancelled(self, item: OrderItem) -> bool:
        return item.status == Status.CANCELLED

    def get_is_cancellable(self, item: OrderItem) -> bool:
        return self.refusals[Kind.CANCEL] is None

    def get_is_refundable(self, item: OrderItem) -> bool:
        return self.refusals[Kind.RETURN] is None

    def get_closed_because(self, item: OrderItem) -> Any:
        problem = policy.first_blocking_reason(*self.refusals.values())
        return blocking_reason(problem, get_language() or "")

    def get_active_cancellation_request(self, item: OrderItem) -> Any:
        live = self._live(item)
        return RequestSerializer(live).data if live else None

    def get_available_easy_return_shipping_companies(self, item: OrderItem) -> Any:
        return self.context["companies"]

    def get_discounted_price(self, item: OrderItem) -> str:
        return show(item.goods_minor - item.discount_minor, item.order.currency)

    def get_units_left(self, item: OrderItem) -> int:
        live = self._live(item)
        return units_left(item, live.quantity if live else 0)

    def get_unit_price(self, item: OrderItem) -> str:
        return show(units_value(item.goods_minor, item.quantity, 0, 1), item.order.currency)


class DiscountSerializer(serializers.ModelSerializer[DiscountItem]):
    """A discount of the order."""

    pk = ReadOnly()
    amount = Money("amount_minor")
    order_number = ReadOnly(source="order.number")
    currency = Value(currency, source="order.currency")

    class Meta:
        model = DiscountItem
        fields = ["pk", "id", "name", "amount", "created_date", "order_number", "currency"]


class PointsSerializer(serializers.ModelSerializer[LoyaltyTransaction]):
    """Points that moved with the order."""

    pk = ReadOnly()
    amount = Money("amount_minor")
    user = ReadOnly(source="order.user_id")

    class Meta:
        model = LoyaltyTransaction
        fields = ["pk", "id", "uuid", "amount", "order", "user", "user_email", "reference"]


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order with everything in it."""

    pk = ReadOnly()
    status = Value(lambda code: status(code, get_language() or ""))
    currency = Value(currency)
    orderitem_set = ItemSerializer(many=True)
    discountitem_set = DiscountSerializer(many=True)
    shipping_address = AddressSerializer()
    billing_address = AddressSerializer()
    shipping_company = Value(carrier)
    payment_option = PaymentOptionSerializer()
    is_cancelled = ReadOnly(default=None)
    is_cancellable = ReadOnly(default=None)
    is_refundable = ReadOnly(default=None)
    amount_without_discount = Method()
    is_payable = Method()
    tracking_url = Value(safe_http_url)
    bank = BankSerializer()
    loyaltytransaction_set = PointsSerializer(many=True)
    created_date = serializers.DateTimeField(source="placed_at")
    amount = Money("amount_minor")
    discount_amount = Money("discount_minor")
    shipping_amount = Money("shipping_minor")
    shipping_tax_rate = Value(show_rate)
    refund_amount = Money("refund_minor")
    discount_refund_amount = Money("discount_refund_minor")
    shipping_refund_amount = Money("shipping_refund_minor")
    e_archive_url = Value(safe_http_url)
    defined_tracking_url = detail("defined_tracking_url", link=True)
    delivery_range = detail("delivery_range")
    shipping_option_slug = detail("shipping_option_slug")
    payment_option_slug = detail("payment_option_slug")
    installment_interest_amount = Money("interest_minor")
    shipping_tracking_url = detail("shipping_tracking_url", link=True)
    order_type = Value(order_type)
    basket = detail("basket")
    shipping_option = detail("shipping_option")
    card = detail("card")
    installment = detail("installment")
    segment = detail("segment")
    checkout_provider = detail("checkout_provider")
    refund_set = Method()

    class Meta:
        model = Order
        fields = names(
            "id pk status currency orderitem_set discountitem_set is_cancelled is_cancellable"
            " is_refundable shipping_address billing_address shipping_company client_type"
            " payment_option amount_without_discount is_payable tracking_url bank"
            " loyaltytransaction_set created_date modified_date number amount discount_amount"
            " shipping_amount shipping_tax_rate refund_amount discount_refund_amount"
            " shipping_refund_amount invoice_number invoice_date e_archive_url tracking_number"
            " defined_tracking_url remote_addr has_gift_box gift_box_note language_code notes"
            " delivery_range extra_field user_email shipping_option_slug payment_option_slug"
            " bin_number installment_count installment_interest_amount shipping_tracking_url"
            " order_type user basket shipping_option card installment segment checkout_provider"
            " refund_set"
        )

    def get_amount_without_discount(self, order: Order) -> str:
        return show(order.amount_minor + order.discount_minor, order.currency)

    def get_refund_set(self, order: Order) -> list[Any]:
        """The measured shop has no refunds."""
        return []

    def get_is_payable(self, order: Any) -> bool:
        return order.status == Status.PAYMENT_WAITING and bool(order.unpaid)

    def to_representation(self, instance: Order) -> Any:
        document = super().to_representation(instance)
        lines = document["orderitem_set"]
        document["is_cancelled"] = all(line["is_cancelled"] for line in lines)
        document["is_cancellable"] = any(line["is_cancellable"] for line in lines)
        document["is_refundable"] = any(line["is_refundable"] for line in lines)
        return document


class TenOrders(PageNumberPagination):
    """Ten to a page, as ours."""

    page_size = 10
    page_size_query_param = "limit"


def _orders() -> "QuerySet[Order]":
    cases = (
        CancellationRequest.objects.select_related("easy_return")
        .prefetch_related("cancellationrequestimage_set")
        .order_by("-id")
    )
    snapshots = ("product", "price_list", "stock_list", "data_source", "shipping_option_group")
    items = (
        OrderItem.objects.select_related(*snapshots)
        .prefetch_related(Prefetch("cancellationrequest_set", cases))
        .order_by("id")
    )
    unpaid = (
        Payment.objects.filter(order_id=OuterRef("pk"))
        .values("order_id")
        .annotate(unpaid=Sum(F("amount_minor") - F("captured_minor")))
    )
    related = ("payment_option", "bank", "shipping_address__user", "billing_address__user")
    return (
        Order.objects.select_related(*related)
        .annotate(unpaid=Subquery(unpaid.values("unpaid")))
        .prefetch_related(
            Prefetch("orderitem_set", items), "discountitem_set", "loyaltytransaction_set"
        )
        .order_by("-placed_at", "-id")
    )


class ReferenceOrders(ListAPIView[Order]):
    """A customer's orders, newest first."""

    authentication_classes = [ShopperSessionAuthentication]
    permission_classes = [IsShopperOrVerifiedGuest]
    renderer_classes = [JSONRenderer]
    pagination_class = TenOrders
    serializer_class = OrderSerializer

    def get_queryset(self) -> "QuerySet[Order]":
        caller: Any = self.request.user
        return _orders().filter(user_id=caller.account.id)

    def get_serializer_context(self) -> dict[str, Any]:
        channel_id = channel_id_of_host(self.request.get_host())
        offered = EasyReturnShippingCompany.objects.filter(is_active=True, is_user_selectable=True)
        offered = offered.filter(Q(channel_id=channel_id) | Q(channel_id=None)).order_by("id")
        return {
            **super().get_serializer_context(),
            "shop": shop_policy(channel_id),
            "now": clock.now(),
            "companies": CompanySerializer(offered, many=True).data,
        }


urlpatterns = [path("users/orders/", ReferenceOrders.as_view())]
