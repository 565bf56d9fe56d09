"""Views of refund previews: what a request would give back, for customers and guests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.case_fields import NO_ITEM, IbanField, KindField, Number
from takeback.api.fields import StrictBoolean
from takeback.api.openapi import AllOf, Operation
from takeback.cancellations.errors import MORE_THAN_PAID, UNKNOWN_ITEM
from takeback.cancellations.refund_legs import Destination
from takeback.cancellations.refund_preview import NAMED, PreviewedItem, preview_refunds
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.errors import Problem, Refused
from takeback.core.ids import ItemId
from takeback.orders.scope import OrderScope
from takeback.shoppers.guest_lookup import LOOKUP_FAILED, find_guest_order
from takeback.storefront import openapi
from takeback.storefront.auth import IsShopper
from takeback.storefront.base import StorefrontView
from takeback.storefront.cases_serializers import MAX_ITEMS
from takeback.storefront.refunds_documents import RefundPreviewDocument, refund_preview
from takeback.storefront.serializers import GuestIdentity, guest_lookup

ITEMS = "cancel_order_items"


class PreviewedItemBody(serializers.Serializer[Any]):
    """One item to preview; the body of a request for it fits, too: other keys are ignored."""

    example = {"order_item": 41, "cancellation_type": "refund", "quantity": 1}

    order_item = Number(error_messages=NO_ITEM)
    cancellation_type = KindField()
    quantity = Number(required=False, allow_null=True)
    iban = IbanField(required=False, allow_null=True)
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)


class RefundPreviewBody(serializers.Serializer[Any]):
    """Up to 50 items to preview. `fully_refund_as_loyalty_money` applies to all items without a
    value of their own."""

    example = {"cancel_order_items": [PreviewedItemBody.example]}

    cancel_order_items: Any = serializers.ListSerializer(
        child=PreviewedItemBody(), allow_empty=False, max_length=MAX_ITEMS
    )
    fully_refund_as_loyalty_money = StrictBoolean(required=False, allow_null=True)


# Shared by all requests: DRF copies all fields per instance, and `run_validation` keeps no state.
_preview_body = RefundPreviewBody()


def _items(body: Any) -> list[PreviewedItem]:
    """The items of a body. Raises ValidationError with all field errors."""
    data = _preview_body.run_validation(body)
    return [
        _item(item, as_loyalty=bool(data.get("fully_refund_as_loyalty_money")))
        for item in data[ITEMS]
    ]


def _item(data: Mapping[str, Any], *, as_loyalty: bool) -> PreviewedItem:
    own = data.get("fully_refund_as_loyalty_money")
    return PreviewedItem(
        ItemId(data["order_item"]),
        data["cancellation_type"],
        data.get("quantity"),
        Destination(
            as_loyalty=as_loyalty if own is None else own,
            account=NAMED if data.get("iban") else None,
        ),
    )


class RefundPreviewView(StorefrontView):
    """Shows what items of a customer's orders would give back; nothing is stored."""

    is_bulk = True
    permission_classes = [IsShopper]
    operations = {
        "post": Operation(
            "refund_preview",
            openapi.CASES,
            request=RefundPreviewBody,
            response=list[RefundPreviewDocument],
            refusals=openapi.RULE,
            summary="Preview the refund of items.",
        )
    }

    def post(self, request: Request) -> Response:
        items = _items(self.body)
        scope = OrderScope(self.channel_id, user_id=self.account.id)
        return self.preview(items, scope)

    def preview(self, items: list[PreviewedItem], scope: OrderScope) -> Response:
        """The previews of the items, by order and type of request."""
        now = clock.now()
        today = now.astimezone(self.policy.time_zone).date()
        try:
            previews = preview_refunds(items, scope, today=today)
        except Refused as refused:
            if refused.problem.code != MORE_THAN_PAID.code:
                raise
            # Shoppers send no amount: it is the request as a whole that is refused.
            raise Refused(replace(refused.problem, field=None)) from refused
        context = self.document_context(self.caller.account)
        return Response([refund_preview(preview, context) for preview in previews])

    def field_error(self, problem: Problem, position: int | None) -> dict[str, Any]:
        error = super().field_error(problem, position)
        return error if position is None else {ITEMS: {position: error}}


class GuestRefundPreviewView(RefundPreviewView):
    """Shows what items of a guest's order would give back; nothing is stored.

    The guest names number and e-mail address, or has looked the order up in this session.
    """

    has_code_route = True
    permission_classes = [AllowAny]
    operations = {
        "post": Operation(
            "guest_refund_preview",
            openapi.GUESTS,
            request=AllOf((GuestIdentity, RefundPreviewBody)),
            response=list[RefundPreviewDocument],
            refusals=openapi.RULE | openapi.LOOK_UP_BLOCKED,
            summary="Preview the refund of items of a guest's order.",
        )
    }

    def post(self, request: Request) -> Response:
        if {"number", "order", "email"}.isdisjoint(self.body):
            return self._preview_granted()
        items, identity = self._validated()
        order = find_guest_order(
            self.channel_id,
            identity.get("number") or identity["order"],
            identity["email"],
            address=client_address(self.django_request),
            granted=self.caller.granted_orders,
            now=clock.now(),
        )
        return self.preview(items, OrderScope(self.channel_id, order_ids=frozenset({order.id})))

    def _validated(self) -> tuple[list[PreviewedItem], dict[str, Any]]:
        """The items and the identity of the body. Raises ValidationError with all errors."""
        errors: dict[str, Any] = {}
        items: list[PreviewedItem] = []
        identity: dict[str, Any] = {}
        try:
            items = _items(self.body)
        except ValidationError as error:
            errors |= _details(error)
        try:
            identity = guest_lookup.run_validation(self.body)
        except ValidationError as error:
            errors |= _details(error)
        if errors:
            raise ValidationError(errors)
        return items, identity

    def _preview_granted(self) -> Response:
        """For the orders of the session: an item alone proves nothing (promise P21)."""
        items, granted = _items(self.body), self.caller.granted_orders
        if not granted:
            raise Refused(LOOKUP_FAILED)
        try:
            return self.preview(items, OrderScope(self.channel_id, order_ids=frozenset(granted)))
        except Refused as refused:
            if refused.problem is UNKNOWN_ITEM:
                raise Refused(LOOKUP_FAILED) from refused
            raise


def _details(error: ValidationError) -> dict[str, Any]:
    details: Any = error.detail
    return dict(details) if isinstance(details, dict) else {"non_field_errors": details}
