"""What a channel's system may tell and ask for here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from takeback.api.fields import StrictBoolean, StrictInteger, StrictMoment, StrictText
from takeback.channel.filters import IdList, Listed, validated_filters
from takeback.channel.sync import queries
from takeback.channel_sync.commands import BatchIn, ObjectIn, ReportIn
from takeback.channel_sync.content_types import BY_NUMBER, ContentType
from takeback.channel_sync.statuses import ActionStatus, BatchStatus, FailedReason

MOST_OBJECTS = 10_000
MOST_IDS = 1_000
_REMOTE_ID_MAX = 255
_WORD_MAX = 64
_NUMBERS = len(BY_NUMBER)
_NOT_HERE = _("There is no such object in this channel.")


class Word(StrictText):
    """One of the words of an enumeration."""

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
    """An id of the other system's: text, or a number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_REMOTE_ID_MAX, **options)

    def to_internal_value(self, data: Any) -> str:
        is_number = isinstance(data, int) and not isinstance(data, bool)
        return super().to_internal_value(str(data) if is_number else data)


class Raw(serializers.CharField):
    """Traffic as it was: any text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


def _optional() -> dict[str, Any]:
    return {"required": False, "allow_null": True}


class ToldObject(serializers.Serializer[Any]):
    """An object in a batch."""

    pk = StrictInteger()
    content_type = Word(ContentType)
    remote_id = RemoteId(**_optional())
    version_date = StrictMoment(**_optional())
    failed_reason_type = Word(FailedReason, **_optional())


class NewBatch(serializers.Serializer[Any]):
    """A batch that begins; the channel is the one in the path."""

    channel = StrictInteger(required=False)


class ToldBatch(NewBatch):
    """How far a batch is."""

    status = Word(BatchStatus, required=False)
    content_type = Word(ContentType, **_optional())
    remote_batch_id = RemoteId(**_optional())
    objects = serializers.ListField(
        child=ToldObject(), max_length=MOST_OBJECTS, required=False, allow_null=True
    )


class ToldReport(serializers.Serializer[Any]):
    """A call that went wrong, or went well."""

    action_content_type = StrictInteger(max_value=_NUMBERS)
    action_object_id = StrictInteger()
    target_content_type = StrictInteger(max_value=_NUMBERS)
    target_object_id = StrictInteger()
    obj_modified_date = StrictMoment(**_optional())
    error_code = StrictText(max_length=255)
    error_desc = StrictText(max_length=2000, multiline=True)
    raw_request = Raw(allow_blank=True, **_optional())
    raw_response = Raw(allow_blank=True, **_optional())
    is_ok = StrictBoolean(required=False)


def check_new_batch(document: Mapping[str, Any], channel_id: int) -> None:
    """A batch of another channel is none of this route's."""
    told = NewBatch(data=document)
    told.is_valid(raise_exception=True)
    _refuse_another(channel_id, told.validated_data)


def batch_from(document: Mapping[str, Any], channel_id: int) -> BatchIn:
    """What is told of a batch; ValidationError by field, for objects of other channels too."""
    serializer = ToldBatch(data=document)
    if not serializer.is_valid():
        raise ValidationError(dict(_flat(serializer.errors)))
    told = serializer.validated_data
    _refuse_another(channel_id, told)
    objects = told.get("objects")
    if objects:
        _refuse_foreign("objects", channel_id, [(o["content_type"], o["pk"]) for o in objects])
    status, kind = told.get("status"), told.get("content_type")
    return BatchIn(
        status=BatchStatus(status) if status else None,
        content_type=ContentType(kind) if kind else None,
        remote_batch_id=told.get("remote_batch_id"),
        objects=None if objects is None else [_object(each) for each in objects],
    )


def _flat(detail: Mapping[Any, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Each field at fault by its path, `objects.0.pk`, with its texts."""
    for name, fault in detail.items():
        if isinstance(fault, Mapping):
            yield from _flat(fault, f"{inside}{name}.")
        else:
            yield f"{inside}{name}", fault


def _object(told: Mapping[str, Any]) -> ObjectIn:
    reason = told.get("failed_reason_type")
    return ObjectIn(
        content_type=ContentType(told["content_type"]),
        object_id=told["pk"],
        remote_id=told.get("remote_id"),
        version_date=told.get("version_date"),
        failed_reason_type=FailedReason(reason) if reason else None,
    )


def report_from(document: Mapping[str, Any], channel_id: int) -> ReportIn:
    """A report; ValidationError by field, for what other channels have too."""
    serializer = ToldReport(data=document)
    serializer.is_valid(raise_exception=True)
    told = serializer.validated_data
    for part in ("action", "target"):
        kind = BY_NUMBER[told[f"{part}_content_type"]]
        number = told[f"{part}_object_id"]
        _refuse_foreign(f"{part}_object_id", channel_id, [(kind, number)])
    return ReportIn(
        action_content_type=BY_NUMBER[told["action_content_type"]],
        action_object_id=told["action_object_id"],
        target_content_type=BY_NUMBER[told["target_content_type"]],
        target_object_id=told["target_object_id"],
        obj_modified_date=told.get("obj_modified_date"),
        error_code=told["error_code"],
        error_desc=told["error_desc"],
        raw_request=told.get("raw_request"),
        raw_response=told.get("raw_response"),
        is_ok=told.get("is_ok", False),
    )


def _refuse_another(channel_id: int, told: Mapping[str, Any]) -> None:
    if told.get("channel", channel_id) != channel_id:
        raise ValidationError({"channel": [_NOT_HERE]})


def _refuse_foreign(field: str, channel_id: int, told: Iterable[tuple[str, int]]) -> None:
    """What the channel does not have is as absent for it as what nobody has."""
    by_kind: dict[str, set[int]] = {}
    for kind, number in told:
        by_kind.setdefault(kind, set()).add(number)
    for kind, numbers in by_kind.items():
        if queries.missing(ContentType(kind), numbers, channel_id):
            raise ValidationError({field: [_NOT_HERE]})


class Uuid(StrictText):
    """A UUID in its usual form."""

    default_error_messages = {"uuid": _("This is not a valid UUID.")}

    def to_internal_value(self, data: Any) -> UUID:  # type: ignore[override]  # a UUID of it
        try:
            return UUID(super().to_internal_value(data))
        except ValueError:
            self.fail("uuid")


class BatchFilters(serializers.Serializer[Any]):
    """Which batches are asked for; `status` may be sent more than once."""

    channel = StrictInteger(required=False)
    channel_id = StrictInteger(required=False)
    content_type = StrictText(max_length=_WORD_MAX, required=False)
    local_batch_id = Uuid(max_length=_WORD_MAX, required=False)
    remote_batch_id = RemoteId(required=False)
    sort = Word(["id", "-id"], required=False)


class ActionFilters(serializers.Serializer[Any]):
    """Which integration actions are asked for."""

    channel = StrictInteger(required=False)
    channel_id = StrictInteger(required=False)
    content_type_name = StrictText(max_length=_WORD_MAX, required=False)
    object_id = StrictInteger(required=False)
    object_id__in = IdList(most=MOST_IDS, required=False)
    remote_id = RemoteId(required=False)
    remote_id__exact = RemoteId(required=False)
    remote_id__in = Listed(RemoteId(allow_blank=True), most=MOST_IDS, required=False)
    local_batch_id = Uuid(max_length=_WORD_MAX, required=False)
    status = Word(ActionStatus, required=False)
    sort = Word(["id", "-id"], required=False)


class ReportFilters(serializers.Serializer[Any]):
    """Which reports are asked for."""

    action_object_id = StrictInteger(required=False)
    error_code = StrictText(max_length=255, required=False)
    is_ok = StrictBoolean(required=False)


class KindFilters(serializers.Serializer[Any]):
    """Which content types are asked for."""

    model = StrictText(max_length=_WORD_MAX, required=False)


def batch_filters(call: Request) -> dict[str, Any]:
    """As `asked` for batches, with every status that is named."""
    word, told = Word(BatchStatus), call.query_params.getlist("status")
    try:
        named = [word.run_validation(value) for value in told if value.strip(" ")]
    except ValidationError as error:
        raise ValidationError({"status": error.detail}) from error
    return validated_filters(call, BatchFilters) | ({"status": named} if named else {})
