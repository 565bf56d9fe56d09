"""Reading what a channel's systems told, and whether a channel has what they speak of."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from takeback.accounts.models import ApiKey, Channel
from takeback.cancellations.models import CancellationRequest
from takeback.channel_sync.content_types import ContentType
from takeback.channel_sync.models import BatchRequest, ErrorReport, IntegrationAction
from takeback.channel_sync.statuses import ActionStatus
from takeback.core.db.compiled_query import RowQuery
from takeback.core.paging import Page
from takeback.orders.models import Order, OrderItem


class BatchRow(NamedTuple):
    """A batch."""

    id: int
    channel_id: int
    local_batch_id: UUID
    remote_batch_id: str | None
    content_type: str | None
    status: str
    created_date: datetime
    modified_date: datetime


class BatchName(NamedTuple):
    """The batch that an action came in last."""

    local_batch_id: UUID


class ActionRow(NamedTuple):
    """An integration action."""

    id: int
    channel_id: int
    content_type: str
    object_id: int
    remote_id: str | None
    version_date: datetime | None
    status: str
    failed_reason_type: str | None
    batch_request: BatchName | None
    created_date: datetime
    modified_date: datetime


class ReportRow(NamedTuple):
    """An error report; the traffic is sealed."""

    id: int
    uuid: UUID
    channel_id: int
    action_content_type: str
    action_object_id: int
    target_content_type: str
    target_object_id: int
    obj_modified_date: datetime | None
    error_code: str
    error_desc: str
    raw_request_encrypted: str | None
    raw_response_encrypted: str | None
    is_ok: bool
    created_date: datetime


class ChannelRow(NamedTuple):
    """A channel; JSON columns are text."""

    id: int
    name: str
    channel_type: str
    catalog: int | None
    category_tree: str | None
    conf: Any
    schema: Any
    is_active: bool
    created_date: datetime
    modified_date: datetime


def _batches(channel_id: int) -> "QuerySet[BatchRequest]":
    return BatchRequest.objects.filter(channel_id=channel_id)


def _actions(channel_id: int) -> "QuerySet[IntegrationAction]":
    return IntegrationAction.objects.filter(channel_id=channel_id)


def _reports(channel_id: int) -> "QuerySet[ErrorReport]":
    return ErrorReport.objects.filter(channel_id=channel_id)


def _channels(key_id: int) -> "QuerySet[Channel]":
    uses = ApiKey.channels.through.objects.filter(apikey_id=key_id)
    return Channel.objects.filter(pk__in=uses.values("channel_id")).order_by("id")


_batch_rows = RowQuery(BatchRow)
_action_rows = RowQuery(ActionRow)
_report_rows = RowQuery(ReportRow)
_channel_rows = RowQuery(ChannelRow)


class Batch(NamedTuple):
    """A batch and what is known of the objects in it."""

    row: BatchRow
    objects: list[ActionRow]


def batch(channel_id: int, pk: int) -> Batch | None:
    """The channel's batch of this number."""
    found = _batch_rows.fetch(_batches(channel_id).filter(pk=pk))
    if not found:
        return None
    objects = _actions(channel_id).filter(batch_request_id=pk)
    return Batch(found[0], _action_rows.fetch(objects.order_by("id")))


_BATCH_COLUMNS = {
    "channel": "channel_id",
    "channel_id": "channel_id",
    "content_type": "content_type",
    "local_batch_id": "local_batch_id",
    "remote_batch_id": "remote_batch_id",
    "status": "status__in",
}


def batches(channel_id: int, told: Mapping[str, Any], page: Page) -> tuple[int, list[BatchRow]]:
    """How many batches there are, and a page of them, the newest first unless told otherwise."""
    found = _batches(channel_id).filter(*_where(_BATCH_COLUMNS, told))
    return _page(_batch_rows, found.order_by(told.get("sort", "-id")), page)


_ACTION_COLUMNS = {
    "channel": "channel_id",
    "channel_id": "channel_id",
    "content_type_name": "content_type",
    "object_id": "object_id",
    "object_id__in": "object_id__anyof",
    "remote_id": "remote_id",
    "remote_id__exact": "remote_id",
    "remote_id__in": "remote_id__in",
    "local_batch_id": "batch_request__local_batch_id",
    "status": "status",
}


def actions(channel_id: int, told: Mapping[str, Any], page: Page) -> tuple[int, list[ActionRow]]:
    """How many actions there are, and a page of them, the oldest first unless told otherwise."""
    found = _actions(channel_id).filter(*_where(_ACTION_COLUMNS, told))
    return _page(_action_rows, found.order_by(told.get("sort", "id")), page)


_REPORT_COLUMNS = {name: name for name in ("action_object_id", "error_code", "is_ok")}


def reports(channel_id: int, told: Mapping[str, Any], page: Page) -> tuple[int, list[ReportRow]]:
    """How many reports there are, and a page of them, the newest first."""
    found = _reports(channel_id).filter(*_where(_REPORT_COLUMNS, told))
    return _page(_report_rows, found.order_by("-id"), page)


def report(channel_id: int, pk: int) -> ReportRow:
    """The report of this number, which the channel has."""
    return _report_rows.fetch(_reports(channel_id).filter(pk=pk))[0]


def channels(key_id: int, page: Page) -> tuple[int, list[ChannelRow]]:
    """How many channels the key has, and a page of them."""
    return _page(_channel_rows, _channels(key_id), page)


def channel(key_id: int, pk: int) -> ChannelRow | None:
    """The key's channel of this number."""
    found = _channel_rows.fetch(_channels(key_id).filter(pk=pk))
    return found[0] if found else None


def missing(kind: ContentType, numbers: Collection[int], channel_id: int) -> bool:
    """Whether the channel lacks one of these; kinds that we do not keep are never missed."""
    wanted = list(numbers)
    if kind is ContentType.CHANNEL:
        return set(wanted) != {channel_id}
    own: dict[ContentType, QuerySet[Any]] = {
        ContentType.ORDER: Order.objects.filter(channel_id=channel_id),
        ContentType.ORDER_ITEM: OrderItem.objects.filter(order__channel_id=channel_id),
        ContentType.CANCELLATION_REQUEST: CancellationRequest.objects.filter(channel_id=channel_id),
        ContentType.BATCH_REQUEST: _batches(channel_id),
        ContentType.INTEGRATION_ACTION: _actions(channel_id),
    }
    return kind in own and own[kind].filter(pk__anyof=wanted).count() < len(wanted)


def unreported(kind: ContentType, told: Mapping[str, Any]) -> Q:
    """Of what has changed, the rows that the channel's system does not have as they are now.

    It has what one of its batches named at the present version, unless it failed there. Whoever
    says since when (`modified_date__gt`) follows the changes without batches, and gets them all.
    """
    if any(name.startswith("modified_date") for name in told):
        return Q()
    known = IntegrationAction.objects.filter(
        channel_id=OuterRef("channel_id"),
        content_type=kind.value,
        object_id=OuterRef("pk"),
        version_date__gte=OuterRef("modified_date"),
    )
    return Q(~Exists(known.exclude(status=ActionStatus.ERROR.value)))


def _where(columns: Mapping[str, str], told: Mapping[str, Any]) -> list[Q]:
    return [Q((column, told[name])) for name, column in columns.items() if name in told]


def _page(rows: RowQuery[Any], found: "QuerySet[Any]", page: Page) -> tuple[int, list[Any]]:
    return found.count(), rows.fetch(found[page.offset : page.offset + page.limit])
