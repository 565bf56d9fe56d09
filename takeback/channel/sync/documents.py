"""Batches, integration actions, error reports, channels and content types as documents."""

from takeback.channel.orders.documents import loads
from takeback.channel.sync import shapes
from takeback.channel.sync.queries import ActionRow, BatchRow, ChannelRow, ReportRow
from takeback.channel_sync.content_types import NUMBERS, ContentType
from takeback.core.encryption import decrypt


def content_type(kind: ContentType) -> shapes.ContentTypeDocument:
    """A kind of object."""
    return {"id": NUMBERS[kind], "pk": NUMBERS[kind], "model": kind.value}


def batch(row: BatchRow, objects: list[ActionRow] | None) -> shapes.ChannelBatch:
    """A batch, with its objects where they were asked for."""
    return {
        "pk": row.id,
        "id": row.id,
        "channel": row.channel_id,
        "local_batch_id": str(row.local_batch_id),
        "remote_batch_id": row.remote_batch_id,
        "content_type": row.content_type,
        "status": row.status,
        "objects": None if objects is None else [_object(each) for each in objects],
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


def _object(row: ActionRow) -> shapes.BatchObject:
    return {
        "pk": row.object_id,
        "content_type": row.content_type,
        "remote_id": row.remote_id,
        "version_date": row.version_date,
        "status": row.status,
        "failed_reason_type": row.failed_reason_type,
    }


def action(row: ActionRow) -> shapes.ChannelIntegrationAction:
    """An integration action."""
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


def report(row: ReportRow, *, secrets: bool) -> shapes.ChannelErrorReport:
    """An error report; `secrets` for keys that may see the traffic."""
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
        "raw_request": _opened(row.raw_request_encrypted, f"{row.uuid}:request")
        if secrets
        else None,
        "raw_response": _opened(row.raw_response_encrypted, f"{row.uuid}:response")
        if secrets
        else None,
        "is_ok": row.is_ok,
        "created_date": row.created_date,
    }


def _opened(sealed: str | None, context: str) -> str | None:
    return None if sealed is None else decrypt(sealed, context)


def channel(row: ChannelRow) -> shapes.ChannelDocument:
    """A channel of the key."""
    return {
        "pk": row.id,
        "id": row.id,
        "name": row.name,
        "channel_type": row.channel_type,
        "catalog": row.catalog,
        "category_tree": row.category_tree,
        "conf": loads(row.conf),
        "schema": loads(row.schema),
        "is_active": row.is_active,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }
