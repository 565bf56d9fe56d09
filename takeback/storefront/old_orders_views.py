"""Views and documents of old orders, which come from the shop's previous system."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.openapi import Operation, PageOf
from takeback.api.paginator import ContractPagination
from takeback.archive.models import OldOrder as OldOrderRow
from takeback.archive.models import OldOrderItem as OldOrderItemRow
from takeback.archive.queries import items_of, old_orders
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.ids import id_from_path
from takeback.core.links import safe_http_url
from takeback.core.money import show
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.document_context import Object
from takeback.storefront.labels import Choice, carrier, currency


class OldOrderItem(TypedDict):
    """An item of an old order."""

    id: int
    pk: int
    product: str
    sku: str
    quantity: int
    price: str
    image_url: str | None
    extra_field: Object


def old_order_item(row: OldOrderItemRow, currency_code: str) -> OldOrderItem:
    return {
        "id": row.pk,
        "pk": row.pk,
        "product": row.product,
        "sku": row.sku,
        "quantity": row.quantity,
        "price": show(row.price_minor, currency_code),
        "image_url": safe_http_url(row.image_url),
        "extra_field": row.extra_field,
    }


class OldOrder(TypedDict):
    """An old order; status, payment type and bank are texts of the previous system."""

    id: int
    pk: int
    currency: Choice
    shipping_company: Choice | None
    oldorderitem_set: list[OldOrderItem]
    number: str
    user_email: str
    status: str
    created_date: datetime
    amount: str
    discount_amount: str
    payment_type: str
    bank: str
    installment_count: int
    tracking_number: str
    shipping_address: str
    billing_address: str
    extra_field: Object
    user: int


def old_order(row: OldOrderRow, items: Sequence[OldOrderItemRow]) -> OldOrder:
    return {
        "id": row.pk,
        "pk": row.pk,
        "currency": currency(row.currency),
        "shipping_company": carrier(row.shipping_company),
        "oldorderitem_set": [old_order_item(item, row.currency) for item in items],
        "number": row.number,
        "user_email": row.user_email,
        "status": row.status,
        "created_date": row.created_date,
        "amount": show(row.amount_minor, row.currency),
        "discount_amount": show(row.discount_minor, row.currency),
        "payment_type": row.payment_type,
        "bank": row.bank,
        "installment_count": row.installment_count,
        "tracking_number": row.tracking_number,
        "shipping_address": row.shipping_address,
        "billing_address": row.billing_address,
        "extra_field": row.extra_field,
        "user": row.user_id,
    }


class OldOrders(StorefrontView):
    """A customer's old orders, newest first."""

    operations = {
        "get": Operation(
            "old_orders",
            openapi.CUSTOMERS,
            response=PageOf(OldOrder),
            parameters=openapi.PAGE,
            summary="List orders of an earlier shop system.",
        )
    }
    permission_classes = [IsShopper]

    def get(self, request: Request) -> Response:
        pages = ContractPagination(request)
        rows = pages.paginate_queryset(old_orders(self.account.id))
        items = items_of(rows)
        return pages.get_paginated_response([old_order(row, items[row.pk]) for row in rows])


class OldOrderDetail(StorefrontView):
    """One old order of the customer."""

    operations = {
        "get": Operation(
            "old_order",
            openapi.CUSTOMERS,
            response=OldOrder,
            parameters=(openapi.PK,),
            summary="Read an order of an earlier shop system.",
        )
    }
    permission_classes = [IsShopper]

    def get(self, request: Request, pk: str) -> Response:
        row = old_orders(self.account.id).filter(pk=id_from_path(pk)).first()
        if row is None:
            raise Refused(errors.NOT_FOUND)
        return Response(old_order(row, items_of([row])[row.pk]))
