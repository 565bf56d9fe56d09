"""Reads batches, integration actions and error reports, and checks ids that clients send."""

from collections.abc import Collection, Iterable
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


class ActionBatch(NamedTuple):
    """The last batch with an action."""

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
    batch_request: ActionBatch | None
    created_date: datetime
    modified_date: datetime


class ReportRow(NamedTuple):
    """An error report; the traffic is encrypted."""

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
    storefront_url: str
    channel_type: str
    catalog: int | None
    category_tree: str | None
    conf: Any
    schema: Any
    is_active: bool
    created_date: datetime
    modified_date: datetime


def batches_in_channel(channel_id: int) -> "QuerySet[BatchRequest]":
    return BatchRequest.objects.filter(channel_id=channel_id)


def actions_in_channel(channel_id: int) -> "QuerySet[IntegrationAction]":
    return IntegrationAction.objects.filter(channel_id=channel_id)


def reports_in_channel(channel_id: int) -> "QuerySet[ErrorReport]":
    return ErrorReport.objects.filter(channel_id=channel_id)


def channels_of_key(key_id: int) -> "QuerySet[Channel]":
    uses = ApiKey.channels.through.objects.filter(apikey_id=key_id)
    return Channel.objects.filter(pk__in=uses.values("channel_id")).order_by("id")


batch_rows = RowQuery(BatchRow)
action_rows = RowQuery(ActionRow)
report_rows = RowQuery(ReportRow)
channel_rows = RowQuery(ChannelRow)


class BatchWithObjects(NamedTuple):
    """A batch and the actions of its objects."""

    batch: BatchRow
    objects: list[ActionRow]


def batch_by_id(channel_id: int, pk: int) -> BatchWithObjects | None:
    """The batch, or None if it is in another channel."""
    batches = batch_rows.fetch(batches_in_channel(channel_id).filter(pk=pk))
    if not batches:
        return None
    objects = actions_in_channel(channel_id).filter(batch_request_id=pk)
    return BatchWithObjects(batches[0], action_rows.fetch(objects.order_by("id")))


def report_by_id(channel_id: int, pk: int) -> ReportRow:
    """A report of the channel, which must exist."""
    reports = reports_in_channel(channel_id).filter(pk=pk)
    return report_rows.fetch(reports)[0]


def channel_by_id(key_id: int, pk: int) -> ChannelRow | None:
    """The channel, or None if it is not one of the key's."""
    channels = channels_of_key(key_id).filter(pk=pk)
    return channel_rows.first(channels)


def has_missing(kind: ContentType, ids: Collection[int], channel_id: int) -> bool:
    """Whether the channel lacks one of these objects; kinds that we do not store never lack."""
    if kind is ContentType.CHANNEL:
        return set(ids) != {channel_id}
    querysets: dict[ContentType, QuerySet[Any]] = {
        ContentType.ORDER: Order.objects.filter(channel_id=channel_id),
        ContentType.ORDER_ITEM: OrderItem.objects.filter(order__channel_id=channel_id),
        ContentType.CANCELLATION_REQUEST: CancellationRequest.objects.filter(channel_id=channel_id),
        ContentType.BATCH_REQUEST: batches_in_channel(channel_id),
        ContentType.INTEGRATION_ACTION: actions_in_channel(channel_id),
    }
    if kind not in querysets:
        return False
    return querysets[kind].filter(pk__anyof=list(ids)).count() < len(ids)


def changed_since_last_sync(kind: ContentType, filters: Iterable[str]) -> Q:
    """The rows that the channel's system does not have in their present version.

    The system has a row that one of its batches named with the present version, unless that
    failed. A client that sends a `modified_date` filter follows changes without batches: it gets
    all rows.
    """
    if any(name.startswith("modified_date") for name in filters):
        return Q()
    synced = IntegrationAction.objects.filter(
        channel_id=OuterRef("channel_id"),
        content_type=kind.value,
        object_id=OuterRef("pk"),
        version_date__gte=OuterRef("modified_date"),
    )
    return Q(~Exists(synced.exclude(status=ActionStatus.ERROR.value)))
