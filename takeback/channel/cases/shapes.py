"""The documents about cases that other systems read."""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from takeback.channel.customers.shapes import ChannelCustomer
from takeback.channel.orders.shapes import (
    ChannelBareOrder,
    ChannelOrderItemDetails,
    ChannelOrderItemSummary,
)
from takeback.channel.sync.shapes import ChannelDocument

Object = dict[str, Any]


class ChannelEasyReturn(TypedDict):
    """A booked way back; what was said to the carrier is only for keys that may see it."""

    id: int
    pk: int
    shipping_company: str
    code: str | None
    start_date: datetime | None
    end_date: datetime | None
    max_count: int
    status: str
    raw_request: str | None
    raw_response: str | None
    tracking_number: str | None
    tracking_url: str | None
    pickup_date: Object | None
    created_date: datetime
    modified_date: datetime
    uuid: UUID


class ChannelCaseWish(TypedDict):
    """What is asked; the account is masked for keys that may not pay."""

    description: str | None
    cancellation_type: str
    status: str
    iban: str | None
    holder_name: str | None
    easy_return: ChannelEasyReturn | None
    quantity: int
    fully_refund_as_loyalty_money: bool


class ChannelCaseMarks(TypedDict):
    """When a case came and changed, and what else is kept with it."""

    created_date: datetime
    modified_date: datetime
    uuid: UUID
    attributes: Object
    attributes_kwargs: Object
    localized_attributes: Object
    localized_attributes_kwargs: Object


class ChannelCancellationRequest(ChannelCaseWish, ChannelCaseMarks):
    """A case, with its line and its reason by number."""

    id: int
    pk: int
    order_item: int
    reason: int


class CaseOrderItem(ChannelOrderItemSummary, ChannelOrderItemDetails):
    """The line that a case is about, and its order."""

    pk: int
    id: int
    order: ChannelBareOrder


class CaseReason(TypedDict):
    """Why; `translations` holds the subject by language."""

    pk: int
    id: int
    cancellation_type: str
    extra_information_needed: bool
    order: int
    subject: str
    is_active: bool
    send_to_remote: bool
    send_to_oms: bool
    translations: Object
    uuid: UUID
    created_date: datetime
    modified_date: datetime


class ChannelDetailedCancellationRequest(ChannelCaseWish, ChannelCaseMarks):
    """A case with everything that belongs to it."""

    id: int
    pk: int
    order_item: CaseOrderItem
    reason: CaseReason
    channel: ChannelDocument
    customer: ChannelCustomer
