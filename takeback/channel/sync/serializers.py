"""Input about batches, integration actions and error reports: bodies and filters."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from takeback.api.fields import (
    PastMoment,
    PlausibleMoment,
    StrictBoolean,
    StrictInteger,
    StrictText,
)
from takeback.channel.base import errors_by_path, validated
from takeback.channel.filters import (
    Filter,
    Filters,
    IdList,
    Listed,
    Repeated,
    all_rows,
    by_id,
    equal,
)
from takeback.channel.sync import queries
from takeback.channel_sync.commands import BatchIn, ObjectIn, ReportIn
from takeback.channel_sync.content_types import BY_NUMBER, ContentType
from takeback.channel_sync.statuses import ActionStatus, BatchStatus, FailedReason

MAX_OBJECTS = 10_000
MAX_IDS = 1_000
_REMOTE_ID_MAX = 255
_WORD_MAX = 64
_NUMBERS = len(BY_NUMBER)
_NOT_HERE = _("There is no such object in this channel.")


class Word(StrictText):
    """A word of an enumeration."""

    default_error_messages = {"unknown": _("Use one of: {words}.")}

    def __init__(self, words: Iterable[str], **options: Any) -> None:
        super().__init__(max_length=_WORD_MAX, **options)
        self.words = list(words)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in self.words:
            self.fail("unknown", words=", ".join(self.words))
        return text


class RemoteId(StrictText):
    """An id in the client's system: a text, or a number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_REMOTE_ID_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        is_number = isinstance(data, int) and not isinstance(data, bool)
        return super().to_internal_value(str(data) if is_number else data)


class Raw(serializers.CharField):
    """Raw traffic: any text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


def _optional() -> dict[str, Any]:
    return {"required": False, "allow_null": True}


class BatchEntry(serializers.Serializer[Any]):
    """An object in a batch."""

    pk = StrictInteger()
    content_type = Word(ContentType)
    remote_id = RemoteId(**_optional())
    version_date = PastMoment(**_optional())
    failed_reason_type = Word(FailedReason, **_optional())


class NewBatch(serializers.Serializer[Any]):
    """A new batch of the channel in the path."""

    example: dict[str, Any] = {"channel": 1}

    channel = StrictInteger(required=False)


class BatchChange(NewBatch):
    """The status of a batch and its objects."""

    example = {"status": "sent_to_remote", "remote_batch_id": "b-17"}

    status = Word(BatchStatus, required=False)
    content_type = Word(ContentType, **_optional())
    remote_batch_id = RemoteId(**_optional())
    objects = serializers.ListField(
        child=BatchEntry(), max_length=MAX_OBJECTS, required=False, allow_null=True
    )


class ReportSerializer(serializers.Serializer[Any]):
    """A failed or successful request in the client's system."""

    example = {
        "action_content_type": 1,
        "action_object_id": 9,
        "target_content_type": 2,
        "target_object_id": 41,
        "error_code": "timeout",
        "error_desc": "No response within 30 s.",
    }

    action_content_type = StrictInteger(max_value=_NUMBERS)
    action_object_id = StrictInteger()
    target_content_type = StrictInteger(max_value=_NUMBERS)
    target_object_id = StrictInteger()
    obj_modified_date = PlausibleMoment(**_optional())
    error_code = StrictText(max_length=255)
    error_desc = StrictText(max_length=2000, multiline=True)
    raw_request = Raw(allow_blank=True, **_optional())
    raw_response = Raw(allow_blank=True, **_optional())
    is_ok = StrictBoolean(required=False)


def check_new_batch(body: Mapping[str, Any], channel_id: int) -> None:
    """Refuses a batch of another channel."""
    _require_channel(channel_id, validated(NewBatch, body))


def batch_change(body: Mapping[str, Any], channel_id: int) -> BatchIn:
    """The changes of a batch; ValidationError names invalid fields and objects by path."""
    serializer = BatchChange(data=body)
    if not serializer.is_valid():
        raise ValidationError(errors_by_path(serializer.errors))
    data = serializer.validated_data
    _require_channel(channel_id, data)
    objects = data.get("objects")
    if objects:
        keys = [(entry["content_type"], entry["pk"]) for entry in objects]
        _require_objects("objects", channel_id, keys)
    status, kind = data.get("status"), data.get("content_type")
    return BatchIn(
        status=BatchStatus(status) if status else None,
        content_type=ContentType(kind) if kind else None,
        remote_batch_id=data.get("remote_batch_id"),
        objects=None if objects is None else [_batch_object(entry) for entry in objects],
    )


def _batch_object(data: Mapping[str, Any]) -> ObjectIn:
    reason = data.get("failed_reason_type")
    return ObjectIn(
        content_type=ContentType(data["content_type"]),
        object_id=data["pk"],
        remote_id=data.get("remote_id"),
        version_date=data.get("version_date"),
        failed_reason_type=FailedReason(reason) if reason else None,
    )


def error_report(body: Mapping[str, Any], channel_id: int) -> ReportIn:
    """A report; ValidationError names invalid fields and objects of other channels."""
    data = validated(ReportSerializer, body)
    for part in ("action", "target"):
        key = BY_NUMBER[data[f"{part}_content_type"]], data[f"{part}_object_id"]
        _require_objects(f"{part}_object_id", channel_id, [key])
    return ReportIn(
        action_content_type=BY_NUMBER[data["action_content_type"]],
        action_object_id=data["action_object_id"],
        target_content_type=BY_NUMBER[data["target_content_type"]],
        target_object_id=data["target_object_id"],
        obj_modified_date=data.get("obj_modified_date"),
        error_code=data["error_code"],
        error_desc=data["error_desc"],
        raw_request=data.get("raw_request"),
        raw_response=data.get("raw_response"),
        is_ok=data.get("is_ok", False),
    )


def _require_channel(channel_id: int, data: Mapping[str, Any]) -> None:
    if data.get("channel", channel_id) != channel_id:
        raise ValidationError({"channel": [_NOT_HERE]})


def _require_objects(field: str, channel_id: int, keys: Iterable[tuple[str, int]]) -> None:
    """Refuses objects of another channel like objects that do not exist."""
    ids_by_kind: dict[str, set[int]] = {}
    for kind, object_id in keys:
        ids_by_kind.setdefault(kind, set()).add(object_id)
    for kind, ids in ids_by_kind.items():
        if queries.has_missing(ContentType(kind), ids, channel_id):
            raise ValidationError({field: [_NOT_HERE]})


class Uuid(StrictText):
    """A UUID in its usual form."""

    default_error_messages = {"uuid": _("This is not a valid UUID.")}

    def to_internal_value(self, data: Any) -> UUID:  # type: ignore[override]  # a UUID of it
        try:
            return UUID(super().to_internal_value(data))
        except ValueError:
            self.fail("uuid")


def _by(field: serializers.Field[Any, Any, Any, Any], column: str) -> Filter:
    return Filter(field, equal(column))


_BY_SORT = Filter(Word(["id", "-id"], required=False), all_rows)

BATCH_FILTERS: Filters = {
    "channel": by_id("channel_id"),
    "channel_id": by_id("channel_id"),
    "content_type": _by(StrictText(max_length=_WORD_MAX, required=False), "content_type"),
    "local_batch_id": _by(Uuid(max_length=_WORD_MAX, required=False), "local_batch_id"),
    "remote_batch_id": _by(RemoteId(required=False), "remote_batch_id"),
    "sort": _BY_SORT,
    "status": _by(Repeated(Word(BatchStatus), required=False), "status__in"),
}
ACTION_FILTERS: Filters = {
    "channel": by_id("channel_id"),
    "channel_id": by_id("channel_id"),
    "content_type_name": _by(StrictText(max_length=_WORD_MAX, required=False), "content_type"),
    "object_id": by_id("object_id"),
    "object_id__in": _by(IdList(max_values=MAX_IDS, required=False), "object_id__anyof"),
    "remote_id": _by(RemoteId(required=False), "remote_id"),
    "remote_id__exact": _by(RemoteId(required=False), "remote_id"),
    "remote_id__in": _by(
        Listed(RemoteId(allow_blank=True), max_values=MAX_IDS, required=False), "remote_id__in"
    ),
    "local_batch_id": _by(
        Uuid(max_length=_WORD_MAX, required=False), "batch_request__local_batch_id"
    ),
    "status": _by(Word(ActionStatus, required=False), "status"),
    "sort": _BY_SORT,
}
REPORT_FILTERS: Filters = {
    "action_object_id": by_id("action_object_id"),
    "error_code": _by(StrictText(max_length=255, required=False), "error_code"),
    "is_ok": _by(StrictBoolean(required=False), "is_ok"),
}
CONTENT_TYPE_FILTERS: Filters = {
    "model": Filter(StrictText(max_length=_WORD_MAX, required=False), all_rows),
}
