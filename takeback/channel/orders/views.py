"""Orders: import, lists, one order, and its cancellation."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channel_conf import channel_conf
from takeback.api.json_parser import LargeJSONParser
from takeback.api.openapi import Operation, PageOf
from takeback.api.order_payload.serializers import OrderDocument, order_from
from takeback.cancellations.commands.cancel_order import cancel_order
from takeback.channel import errors
from takeback.channel.auth import path_id
from takeback.channel.base import (
    ChannelListView,
    ChannelView,
    FieldsRefused,
    etag,
    expected_version,
    row_or_404,
    validated,
)
from takeback.channel.cancel_status import orders_with
from takeback.channel.filters import OLDEST_CHANGE
from takeback.channel.openapi import FIXED_FIELDS, ORDERS, document_response
from takeback.channel.orders import documents, queries
from takeback.channel.orders.documents import ChannelOrder
from takeback.channel.orders.serializers import (
    FILTERS,
    UPDATE_FILTERS,
    OrderCancel,
    OrderChange,
    direct_cancel,
    order_changes,
    payment_updates,
)
from takeback.channel.sync.queries import changed_since_last_sync
from takeback.channel_sync.content_types import ContentType
from takeback.core import clock
from takeback.core.errors import Refused
from takeback.core.ids import OrderId
from takeback.core.paging import Page
from takeback.orders.commands.ingest import CREATED, REFUSED, Outcome, ingest_order
from takeback.orders.commands.record_payments import record_payments
from takeback.orders.commands.record_refunds import NO_REFUNDS, OrderRefunds, record_refunds
from takeback.orders.commands.update_items import ensure_order_version, mark_as_sent
from takeback.orders.payment_rows import PaymentUpdate
from takeback.orders.scope import OrderScope
from takeback.orders.versions import version_of

SOURCE = "channel"
SKIPPED = "X-Takeback-Skipped"
"""The header that lists received fields which changed nothing, by their paths."""
SKIPPED_MAX = 2_000
"""Characters of the header; more paths are only counted."""


class BaseOrderView(ChannelView):
    """Builds the documents of orders for the scopes of the key."""

    def order_documents(self, rows: list[queries.OrderRow]) -> list[ChannelOrder]:
        orders = queries.with_items(rows)
        return documents.orders(orders, show_secrets=self.client.can_see_secrets)

    def order_document(self, order_id: OrderId) -> ChannelOrder:
        row = row_or_404(queries.order_by_id(self.client.channel_ids, order_id))
        return self.order_documents([row])[0]


class CreateOrders(BaseOrderView):
    """Imports an order. Sent again, it is merged with the stored one by one rule.

    Absent keys, null and an older status change nothing. Items and units that are new are added
    with their amounts. A field that cannot change is refused by its path.
    """

    parser_classes = [LargeJSONParser]
    _skipped_paths: Sequence[str] = ()
    operations = {
        "post": Operation(
            "channel_create_orders",
            ORDERS,
            ChannelOrder,
            request=OrderDocument,
            status=201,
            description="The order has been created.",
            refusals={
                200: document_response(
                    ChannelOrder,
                    "The order was known. What is newer has been applied; the header"
                    f" `{SKIPPED}` lists the fields that were not.",
                ),
                **FIXED_FIELDS,
            },
            headers={
                SKIPPED: {
                    "description": "The received fields that changed nothing, because the stored"
                    " value is newer or stays: paths such as `order_item.0.status`, separated by"
                    " commas. `+3` at the end stands for three more. A stored response has none.",
                    "schema": {"type": "string"},
                }
            },
            is_idempotent=True,
            summary="Import or update an order.",
        )
    }

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        response = self.idempotent(self._import, body=self.body)
        for name, value in _skipped(self._skipped_paths).items():
            response[name] = value
        return response

    def _import(self) -> Response:
        channel_id = self.client.channel_id
        payload = order_from(self.body, channel_id=channel_id)
        if payload.customer.password_hash and not self.client.can_see_secrets:
            raise PermissionDenied
        outcome = ingest_order(channel_id, payload, source=SOURCE, now=clock.now())
        _refuse_contradictions(outcome)
        rows = queries.order_by_number(channel_id=channel_id, number=payload.number)
        status = 201 if outcome.result == CREATED else 200
        self._skipped_paths = outcome.skipped
        return Response(self.order_documents(rows)[0], status=status)


def _refuse_contradictions(outcome: Outcome) -> None:
    """Refuses an order that does not add up, or that cannot be merged with the stored one."""
    if outcome.refused:
        raise FieldsRefused(outcome.refused)
    if outcome.result == REFUSED:
        raise Refused(errors.ORDER_CONTRADICTS_ITSELF, reason=outcome.reason)


def _skipped(paths: Sequence[str]) -> dict[str, str]:
    """The header with the skipped fields; a proxy limits headers, so the last ones are counted."""
    if not paths:
        return {}
    shown = list(accumulate(paths, "{},{}".format))
    longest = max((text for text in shown if len(text) <= SKIPPED_MAX), key=len, default="")
    left = len(paths) - (longest.count(",") + 1 if longest else 0)
    return {SKIPPED: f"{longest},+{left}" if left else longest}


class OrderList(ChannelListView, BaseOrderView):
    """The channel's orders, newest first."""

    filters = FILTERS
    rows = queries.order_rows
    operations = {
        "get": Operation(
            "channel_orders",
            ORDERS,
            PageOf(ChannelOrder),
            summary="List orders.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.orders_in_channels(self.client.channel_ids)

    def condition(self, values: Mapping[str, Any]) -> Q:
        condition = super().condition(values)
        if value := values.get("cancel_status"):
            condition &= orders_with(value, self.client.channel_ids)
        return condition

    def load(self, values: Mapping[str, Any], page: Page) -> tuple[int, list[Any]]:
        channel_ids = self.client.channel_ids
        if values.keys() == {"number"} and len(channel_ids) == 1:
            # The most frequent look-up is a compiled query and needs no count.
            orders = queries.order_by_number(channel_id=channel_ids[0], number=values["number"])
            return len(orders), orders[page.offset : page.offset + page.limit]
        return super().load(values, page)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return self.order_documents(rows)


class OrderUpdates(OrderList):
    """The channel's orders that changed since its last sync, the oldest change first.

    With a `modified_date` filter the list holds all orders that changed in that time.
    """

    filters = UPDATE_FILTERS
    ordering = OLDEST_CHANGE
    operations = {
        "get": Operation(
            "channel_orders_updates",
            ORDERS,
            PageOf(ChannelOrder),
            summary="List orders that have changed since the last sync.",
        )
    }

    def condition(self, values: Mapping[str, Any]) -> Q:
        return super().condition(values) & changed_since_last_sync(ContentType.ORDER, values)


class OrderView(BaseOrderView):
    """One order."""

    operations = {
        "get": Operation(
            "channel_order",
            ORDERS,
            ChannelOrder,
            has_version=True,
            summary="Read an order.",
        ),
        "patch": Operation(
            "channel_order_change",
            ORDERS,
            ChannelOrder,
            request=OrderChange,
            has_version=True,
            summary="Change an order.",
        ),
    }

    def get(self, request: Request, pk: str, channel_id: str = "") -> Response:
        return self._respond(self.order_document(OrderId(path_id(pk))))

    def patch(self, request: Request, pk: str, channel_id: str = "") -> Response:
        order_id, channel_ids = OrderId(path_id(pk)), self.client.channel_ids
        _, currency = row_or_404(queries.channel_and_currency(channel_ids, order_id))
        changes = order_changes(self.body, currency)
        report = OrderRefunds(
            stated=changes.get("refunded_elsewhere_amount"),
            shop_total=changes.get("refund_amount"),
        )
        payments = payment_updates(changes)
        self._change(order_id, report, payments, is_send=changes.get("is_send"))
        return self._respond(self.order_document(order_id))

    def _respond(self, document: ChannelOrder) -> Response:
        return Response(document, headers=etag(version_of(document["modified_date"])))

    @transaction.atomic
    def _change(
        self,
        order_id: OrderId,
        report: OrderRefunds,
        payments: Sequence[PaymentUpdate],
        *,
        is_send: bool | None,
    ) -> None:
        channel_ids, now = self.client.channel_ids, clock.now()
        ensure_order_version(channel_ids, order_id, expected_version(self.django_request))
        if payments and (refused := record_payments(channel_ids, order_id, payments)):
            raise FieldsRefused(refused)
        if report != NO_REFUNDS:
            record_refunds(channel_ids, order_id, report)
        if is_send is not None:
            mark_as_sent(channel_ids, order_id, is_send=is_send, now=now)


class CancelOrder(BaseOrderView):
    """Opens a case for each item and confirms it; the plan then waits for approval."""

    operations = {
        "post": Operation(
            "channel_order_cancel",
            ORDERS,
            ChannelOrder,
            request=OrderCancel,
            status=201,
            is_idempotent=True,
            summary="Cancel an order or some of its items.",
        )
    }

    def post(self, request: Request, pk: str, channel_id: str = "") -> HttpResponse:
        order_id = OrderId(path_id(pk))
        order = queries.channel_and_currency(self.client.channel_ids, order_id)
        channel, currency = row_or_404(order)
        return self.idempotent(lambda: self._cancel(order_id, channel, currency), body=self.body)

    def _cancel(self, order_id: OrderId, channel_id: int, currency: str) -> Response:
        conf = channel_conf(channel_id)
        context = {"order_id": order_id, "currency": currency, "conf": conf}
        cancellation = direct_cancel(
            validated(OrderCancel, self.body, context=context),
            conf,
            are_accounts_trusted=self.client.can_see_bank_accounts,
        )
        scope = OrderScope(channel_id)
        cancel_order(order_id, scope, cancellation, actor=self.actor, now=clock.now())
        return Response(self.order_document(order_id), status=201)
