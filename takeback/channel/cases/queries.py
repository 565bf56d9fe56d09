"""Reading a channel's cases: which ones first, then what is shown of them, always in as many
statements, however many they are.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from takeback.accounts.models import Channel, User
from takeback.cancellations.models import CancellationRequest
from takeback.channel.customers.queries import CustomerRow
from takeback.channel.filters import NEWEST
from takeback.channel.orders.queries import ItemRow, OrderRow, ShareRow
from takeback.channel.sync.queries import ChannelRow
from takeback.core.db.compiled_query import CompiledQuery
from takeback.core.db.planner import custom_plan
from takeback.core.paging import Page
from takeback.orders.models import BenefitApplicant, Order, OrderItem

COUNTED = 10_000
"""A list is counted up to here: a longer one says one more (`docs/decisions`)."""


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
    """A way back, booked when it has a code; `pickup_date` is JSON text."""

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

    id: int
    uuid: UUID
    order_item_id: int
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
    reason: ReasonRow
    easy_return: EasyReturnRow | None


class Found(NamedTuple):
    """Cases, and by number what belongs to them."""

    channel: ChannelRow
    cases: list[CaseRow]
    items: dict[int, ItemRow]
    orders: dict[int, OrderRow]
    shares: dict[int, list[ShareRow]]
    customers: dict[int, CustomerRow]


def _cases(request_ids: list[int]) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(pk__anyof=request_ids)


def _case(channel_id: int, request_id: int) -> "QuerySet[CancellationRequest]":
    return CancellationRequest.objects.filter(pk=request_id, channel_id=channel_id, is_hidden=False)


def _items(item_ids: list[int]) -> "QuerySet[OrderItem]":
    return OrderItem.objects.filter(pk__anyof=item_ids)


def _orders(order_ids: list[int]) -> "QuerySet[Order]":
    return Order.objects.filter(pk__anyof=order_ids)


def _shares(item_ids: list[int]) -> "QuerySet[BenefitApplicant]":
    return BenefitApplicant.objects.filter(order_item_id__anyof=item_ids).order_by("id")


def _customers(user_ids: list[int]) -> "QuerySet[User]":
    return User.objects.filter(pk__anyof=user_ids)


def _channel(channel_id: int) -> "QuerySet[Channel]":
    return Channel.objects.filter(pk=channel_id)


case_of = CompiledQuery(CaseRow, _case)
cases_of = CompiledQuery(CaseRow, _cases)
items_of = CompiledQuery(ItemRow, _items)
orders_of = CompiledQuery(OrderRow, _orders)
shares_of = CompiledQuery(ShareRow, _shares)
customers_of = CompiledQuery(CustomerRow, _customers)
channel_of = CompiledQuery(ChannelRow, _channel)


def case_ids(
    channel_id: int, wanted: Q, page: Page, order: Sequence[str] = NEWEST
) -> tuple[int, list[int]]:
    """How many of the channel's cases are like this, and which of them the page shows.

    One statement for both: counting all of a wide question would cost more the larger the shop
    is, and asking for ten rows alone would invite the database to walk through all cases to find
    the few that are meant.
    """
    listed = CancellationRequest.objects.filter(wanted, channel_id=channel_id, is_hidden=False)
    ids = listed.order_by(*order).values_list("id", flat=True)
    end = page.offset + page.limit
    with custom_plan():
        if end <= COUNTED:
            found = list(ids[: COUNTED + 1])
            return len(found), found[page.offset : end]
        found = list(ids[page.offset : end + 1])
    return page.offset + len(found), found[: page.limit]


def case_by_id(channel_id: int, request_id: int) -> CaseRow | None:
    """This case, if it is one of the channel's."""
    return next(iter(case_of(channel_id=channel_id, request_id=request_id)), None)


def cases(request_ids: Sequence[int]) -> list[CaseRow]:
    """These cases, in this order."""
    if not request_ids:
        return []
    found = {row.id: row for row in cases_of(request_ids=list(request_ids))}
    return [found[request_id] for request_id in request_ids]


def detailed(channel_id: int, found: list[CaseRow]) -> Found:
    """These cases of the channel with everything that belongs to them."""
    (channel,) = channel_of(channel_id=channel_id)
    items = {row.id: row for row in items_of(item_ids=[case.order_item_id for case in found])}
    orders = {row.id: row for row in orders_of(order_ids=[row.order_id for row in items.values()])}
    shares: dict[int, list[ShareRow]] = defaultdict(list)
    for share in shares_of(item_ids=list(items)):
        shares[share.order_item_id].append(share)
    buyers = customers_of(user_ids=[order.user_id for order in orders.values()])
    return Found(channel, found, items, orders, shares, {row.id: row for row in buyers})
