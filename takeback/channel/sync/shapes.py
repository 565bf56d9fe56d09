"""Batches, integration actions, error reports, channels and content types as they are answered."""

from datetime import datetime
from typing import Any, TypedDict


class ContentTypeDocument(TypedDict):
    """A kind of object; its number never changes."""

    id: int
    pk: int
    model: str


class BatchObject(TypedDict):
    """What is known of an object in a batch."""

    pk: int
    content_type: str
    remote_id: str | None
    version_date: datetime | None
    status: str
    failed_reason_type: str | None


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


class ChannelIntegrationAction(TypedDict):
    """An object of ours as the channel's system knows it."""

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


class ChannelErrorReport(TypedDict):
    """A report; the traffic is shown to keys with the scope `pii`."""

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


class ChannelDocument(TypedDict):
    """A channel of the key, with its configuration."""

    pk: int
    id: int
    name: str
    channel_type: str
    catalog: int | None
    category_tree: str | None
    conf: dict[str, Any]
    schema: dict[str, Any]
    is_active: bool
    created_date: datetime
    modified_date: datetime
