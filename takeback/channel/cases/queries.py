"""Reads a channel's cases: first the ids of a page, then its rows, one statement per table."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from takeback.accounts.models import Channel, User
from takeback.cancellations.models import CancellationRequest
from takeback.channel.cancel_status import statuses_of_orders
from takeback.channel.changes import page_of_changes
from takeback.channel.customers.queries import CustomerRow
from takeback.channel.filters import NEWEST, OLDEST_CHANGE
from takeback.channel.items.queries import ItemRow, ShareRow, shares_of_items, with_cancel_status
from takeback.channel.orders.queries import OrderRow, with_order_cancel_status, with_refunds
from takeback.channel.sync.queries import ChannelRow
from takeback.core.db.compiled_query import CompiledQuery
from takeback.core.db.planner import custom_plan
from takeback.core.ids import CaseId, ItemId, OrderId
from takeback.core.paging import Page
from takeback.orders.models import Order, OrderItem
from takeback.orders.units import units_left
from takeback.refunds.refund_rows import refunds_where

COUNTED = 10_000
"""The largest exact count; a longer list has one more (`docs/decisions/0013`)."""


class ReasonRow(NamedTuple):
    """A reason; `translations` is JSON text."""

    id: int
    uuid: UUID
    cancellation_type: str
    subject: str
    translations: Any
    extra_information_needed: bool
    order: int
    is_active: bool
    send_to_remote: bool
    send_to_oms: bool
    created_date: datetime
    modified_date: datetime


class EasyReturnRow(NamedTuple):
    """The shipment of a return, booked when it has a code; `pickup_date` is JSON text."""

    id: int
    uuid: UUID
    carrier: str
    code: str | None
    status: str
    start_date: datetime | None
    end_date: datetime | None
    max_count: int
    tracking_number: str | None
    tracking_url: str | None
    pickup_date: Any
    raw_request: str | None
    raw_response: str | None
    created_date: datetime
    modified_date: datetime


class CaseRow(NamedTuple):
    """A case; `attributes` is JSON text."""

    id: CaseId
    uuid: UUID
    order_item_id: ItemId
    cancellation_type: str
    status: str
    quantity: int
    description: str | None
    iban_encrypted: str | None
    holder_name_encrypted: str | None
    fully_refund_as_loyalty_money: bool
    attributes: Any
    created_date: datetime
    modified_date: datetime
    version: int
    is_hidden: bool
    # The refunds of its plan as JSON text (`refunds.refund_rows`).
    refunds: Any
    reason: ReasonRow
    easy_return: EasyReturnRow | None


class DetailedCases(NamedTuple):
    """Cases, and the rows of their documents by id."""

    channel: ChannelRow
    cases: list[CaseRow]
    items: dict[ItemId, ItemRow]
    orders: dict[OrderId, OrderRow]
    shares: dict[ItemId, list[ShareRow]]
    units_left: dict[ItemId, int]
    customers: dict[int, CustomerRow]


def _cases(case_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return _with_refunds(CancellationRequest.objects.filter(pk__anyof=case_ids))


def _case(channel_id: int, case_id: int) -> "QuerySet[CancellationRequest]":
    cases = CancellationRequest.objects.filter(pk=case_id, channel_id=channel_id, is_hidden=False)
    return _with_refunds(cases)


def _with_refunds(cases: "QuerySet[CancellationRequest]") -> "QuerySet[CancellationRequest]":
    return cases.annotate(refunds=refunds_where("plan_id", "plan_id"))


def _items(item_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(pk__anyof=item_ids)


def _orders(order_ids: list[int]) -> "QuerySet[Order]":
    return with_refunds(Order.objects.filter(pk__anyof=order_ids))


def _customers(user_ids: list[int]) -> "QuerySet[User]":
    return User.objects.filter(pk__anyof=user_ids)


def _channel(channel_id: int) -> "QuerySet[Channel]":
    return Channel.objects.filter(pk=channel_id)


case_query = CompiledQuery(CaseRow, _case)
cases_query = CompiledQuery(CaseRow, _cases)
items_query = CompiledQuery(ItemRow, _items)
orders_query = CompiledQuery(OrderRow, _orders)
customers_query = CompiledQuery(CustomerRow, _customers)
channel_query = CompiledQuery(ChannelRow, _channel)


def case_ids(
    channel_id: int, condition: Q, page: Page, ordering: Sequence[str] = NEWEST
) -> tuple[int, list[int]]:
    """The number of matching cases of the channel, and the ids of the page.

    The condition decides whether hidden cases are among them. One statement for both: the cost of
    a full count grows with the shop, and a statement for ten rows would invite the database to
    walk through all cases until it finds them.
    """
    matches = CancellationRequest.objects.filter(condition, channel_id=channel_id)
    ids = matches.order_by(*ordering).values_list("id", flat=True)
    end = page.offset + page.limit
    with custom_plan():
        if end <= COUNTED:
            counted = list(ids[: COUNTED + 1])
            return len(counted), counted[page.offset : end]
        rest = list(ids[page.offset : end + 1])
    return page.offset + len(rest), rest[: page.limit]


def changed_cases(channel_id: int, condition: Q, page: Page) -> tuple[int, list[CaseRow]]:
    """The number of matching cases, at most 10,001, and a page of them, the oldest change first.

    Removing a case is a change: hidden cases are among them.
    """
    matches = CancellationRequest.objects.filter(condition, channel_id=channel_id)
    with custom_plan():
        cases = _with_refunds(matches).order_by(*OLDEST_CHANGE)
        rows = page_of_changes(case_query, cases, page)
        return matches[: COUNTED + 1].count(), rows


def case_by_id(channel_id: int, case_id: CaseId) -> CaseRow | None:
    """The case, or None if it is in another channel or hidden."""
    return next(iter(case_query(channel_id=channel_id, case_id=case_id)), None)


def cases_by_id(ids: Sequence[int]) -> list[CaseRow]:
    """The cases in the order of the ids."""
    if not ids:
        return []
    rows: dict[int, CaseRow] = {row.id: row for row in cases_query(case_ids=list(ids))}
    return [rows[case_id] for case_id in ids]


def detailed(channel_id: int, cases: list[CaseRow]) -> DetailedCases:
    """These cases of the channel with the rows that their detailed documents need."""
    (channel,) = channel_query(channel_id=channel_id)
    item_rows = items_query(item_ids=[case.order_item_id for case in cases])
    order_ids = [item.order_id for item in item_rows]
    statuses = statuses_of_orders(order_ids)
    items = {row.id: with_cancel_status(row, statuses) for row in item_rows}
    left = {row.id: units_left(row, statuses.live_units(row.id)) for row in item_rows}
    order_rows = orders_query(order_ids=order_ids)
    orders = {row.id: with_order_cancel_status(row, statuses) for row in order_rows}
    shares: dict[ItemId, list[ShareRow]] = defaultdict(list)
    for share in shares_of_items(item_ids=list(items)):
        shares[share.order_item_id].append(share)
    customers = customers_query(user_ids=[order.user_id for order in orders.values()])
    buyers = {row.id: row for row in customers}
    return DetailedCases(channel, cases, items, orders, shares, left, buyers)
