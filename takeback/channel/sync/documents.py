"""Documents of batches, integration actions, error reports, channels and content types."""

from datetime import datetime
from typing import TypedDict

from takeback.channel.documents import Object, json_object
from takeback.channel.sync.queries import ActionRow, BatchRow, ChannelRow, ReportRow
from takeback.channel_sync.content_types import NUMBERS, ContentType
from takeback.core.encryption import decrypt


class ContentTypeDocument(TypedDict):
    """A content type; its id never changes."""

    id: int
    pk: int
    model: str


def content_type(kind: ContentType) -> ContentTypeDocument:
    return {"id": NUMBERS[kind], "pk": NUMBERS[kind], "model": kind.value}


class BatchObject(TypedDict):
    """An object in a batch, and the result of its sync."""

    pk: int
    content_type: str
    remote_id: str | None
    version_date: datetime | None
    status: str
    failed_reason_type: str | None


def _batch_object(row: ActionRow) -> BatchObject:
    return {
        "pk": row.object_id,
        "content_type": row.content_type,
        "remote_id": row.remote_id,
        "version_date": row.version_date,
        "status": row.status,
        "failed_reason_type": row.failed_reason_type,
    }


class ChannelBatch(TypedDict):
    """A batch; `objects` is null in lists."""

    pk: int
    id: int
    channel: int
    local_batch_id: str
    remote_batch_id: str | None
    content_type: str | None
    status: str
    objects: list[BatchObject] | None
    created_date: datetime
    modified_date: datetime


def batch(row: BatchRow, objects: list[ActionRow] | None) -> ChannelBatch:
    return {
        "pk": row.id,
        "id": row.id,
        "channel": row.channel_id,
        "local_batch_id": str(row.local_batch_id),
        "remote_batch_id": row.remote_batch_id,
        "content_type": row.content_type,
        "status": row.status,
        "objects": None if objects is None else [_batch_object(action) for action in objects],
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class ChannelIntegrationAction(TypedDict):
    """Maps one of our objects to its id and version in the channel's system."""

    pk: int
    id: int
    channel: int
    content_type: ContentTypeDocument
    object_id: int
    remote_id: str | None
    version_date: datetime | None
    status: str
    failed_reason_type: str | None
    local_batch_id: str | None
    created_date: datetime
    modified_date: datetime


def action(row: ActionRow) -> ChannelIntegrationAction:
    return {
        "pk": row.id,
        "id": row.id,
        "channel": row.channel_id,
        "content_type": content_type(ContentType(row.content_type)),
        "object_id": row.object_id,
        "remote_id": row.remote_id,
        "version_date": row.version_date,
        "status": row.status,
        "failed_reason_type": row.failed_reason_type,
        "local_batch_id": str(row.batch_request.local_batch_id) if row.batch_request else None,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class ChannelErrorReport(TypedDict):
    """A report; the raw traffic needs the scope `pii`."""

    pk: int
    id: int
    channel: int
    action_content_type: int
    action_object_id: int
    target_content_type: int
    target_object_id: int
    obj_modified_date: datetime | None
    error_code: str
    error_desc: str
    raw_request: str | None
    raw_response: str | None
    is_ok: bool
    created_date: datetime


def report(row: ReportRow, *, show_secrets: bool) -> ChannelErrorReport:
    return {
        "pk": row.id,
        "id": row.id,
        "channel": row.channel_id,
        "action_content_type": NUMBERS[ContentType(row.action_content_type)],
        "action_object_id": row.action_object_id,
        "target_content_type": NUMBERS[ContentType(row.target_content_type)],
        "target_object_id": row.target_object_id,
        "obj_modified_date": row.obj_modified_date,
        "error_code": row.error_code,
        "error_desc": row.error_desc,
        "raw_request": _raw(row, row.raw_request_encrypted, "request") if show_secrets else None,
        "raw_response": _raw(row, row.raw_response_encrypted, "response") if show_secrets else None,
        "is_ok": row.is_ok,
        "created_date": row.created_date,
    }


def _raw(row: ReportRow, encrypted: str | None, part: str) -> str | None:
    return None if encrypted is None else decrypt(encrypted, f"{row.uuid}:{part}")


class ChannelDocument(TypedDict):
    """A channel of the key and its configuration."""

    pk: int
    id: int
    name: str
    storefront_url: str
    channel_type: str
    catalog: int | None
    category_tree: str | None
    conf: Object
    schema: Object
    is_active: bool
    created_date: datetime
    modified_date: datetime


def channel(row: ChannelRow) -> ChannelDocument:
    return {
        "pk": row.id,
        "id": row.id,
        "name": row.name,
        "storefront_url": row.storefront_url,
        "channel_type": row.channel_type,
        "catalog": row.catalog,
        "category_tree": row.category_tree,
        "conf": json_object(row.conf),
        "schema": json_object(row.schema),
        "is_active": row.is_active,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }
