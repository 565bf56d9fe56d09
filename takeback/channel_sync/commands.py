"""Writing batches, what becomes of the objects in them, and reports of errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from takeback.accounts.models import Channel
from takeback.channel_sync import errors
from takeback.channel_sync.content_types import ContentType
from takeback.channel_sync.models import BatchRequest, ErrorReport
from takeback.channel_sync.statuses import (
    EVENT_FOR_STATUS,
    LIFE_CYCLE,
    ActionStatus,
    BatchStatus,
    FailedReason,
)
from takeback.core import errors as core_errors
from takeback.core.encryption import encrypt
from takeback.core.errors import Refused

KEPT = timedelta(days=90)
PRUNED_AT_ONCE = 500
RAW_KEPT = 65_536
"""Characters of a call's request and of its answer that a report keeps."""

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ObjectIn:
    """An object in a batch, as the channel's system has it; None is what it did not say."""

    content_type: ContentType
    object_id: int
    remote_id: str | None = None
    version_date: datetime | None = None
    failed_reason_type: FailedReason | None = None


@dataclass(frozen=True, slots=True)
class BatchIn:
    """What is told of a batch; None is what was not told."""

    status: BatchStatus | None = None
    content_type: ContentType | None = None
    remote_batch_id: str | None = None
    objects: Sequence[ObjectIn] | None = None


@dataclass(frozen=True, slots=True)
class ReportIn:
    """A call that a channel's system reports, with the traffic as it was."""

    action_content_type: ContentType
    action_object_id: int
    target_content_type: ContentType
    target_object_id: int
    obj_modified_date: datetime | None
    error_code: str
    error_desc: str
    raw_request: str | None
    raw_response: str | None
    is_ok: bool


def open_batch(channel_id: int, now: datetime) -> int:
    """A new batch of the channel, with nothing in it; its id."""
    made = BatchRequest.objects.create(channel_id=channel_id, created_date=now, modified_date=now)
    return made.pk


@transaction.atomic
def change_batch(channel_id: int, batch_id: int, told: BatchIn, now: datetime) -> None:
    """Move a batch on, and note what became of the objects in it.

    The present status is no step: an ended batch stays as it is, another takes in the objects told.
    Raises Refused when the channel has no such batch, for a step that the life cycle does not know,
    and for a second batch of the same kind in commit.
    """
    # The channel's row is the lock of all its batches: two of them never wait for each other.
    locked = Channel.objects.select_for_update(no_key=True).filter(pk=channel_id)
    batch = BatchRequest.objects.filter(channel=locked.get(), pk=batch_id).first()
    if batch is None:
        raise Refused(core_errors.NOT_FOUND)
    before = BatchStatus(batch.status)
    after = told.status or before
    if LIFE_CYCLE.is_final(before) and (told.status == before or told == BatchIn()):
        return
    if LIFE_CYCLE.is_final(before) or not _may_go(before, after):
        raise Refused(errors.INVALID_TRANSITION, batch=batch_id, before=before, after=after)
    _settle_kind(batch, told.content_type, after)
    if after is BatchStatus.COMMIT and before is not after:
        _make_way(batch, now)
    batch.status = after
    batch.remote_batch_id = told.remote_batch_id or batch.remote_batch_id
    batch.modified_date = now
    batch.save()
    _note(batch, told.objects or [], now)
    _close_objects(batch, now)


def _may_go(before: BatchStatus, after: BatchStatus) -> bool:
    return before is after or (
        after in EVENT_FOR_STATUS and LIFE_CYCLE.allows(before, EVENT_FOR_STATUS[after])
    )


def _settle_kind(batch: BatchRequest, told: ContentType | None, after: BatchStatus) -> None:
    """A batch is of the kind that it names first, at the latest in commit."""
    if told and batch.content_type and told != batch.content_type:
        raise Refused(errors.KIND_IS_FIXED, batch=batch.pk)
    batch.content_type = told or batch.content_type
    if after is BatchStatus.COMMIT and batch.content_type is None:
        raise Refused(errors.KIND_IS_MISSING, batch=batch.pk)


def _make_way(batch: BatchRequest, now: datetime) -> None:
    """End the batch that is in commit, if nothing in it is open or nobody has moved it for long.

    Systems do not always end what they began; without this one such run would stop all others.
    """
    holder = BatchRequest.objects.filter(
        channel_id=batch.channel_id, content_type=batch.content_type, status=BatchStatus.COMMIT
    ).first()
    if holder is None:
        return
    is_open = holder.integrationaction_set.filter(status=ActionStatus.PROCESSING).exists()
    idle = now - holder.modified_date
    if is_open and idle < timedelta(minutes=settings.BATCH_COMMIT_MINUTES):
        raise Refused(errors.INVALID_TRANSITION, batch=batch.pk, in_commit=holder.pk)
    holder.status = BatchStatus.FAIL if is_open else BatchStatus.DONE
    holder.modified_date = now
    holder.save(update_fields=["status", "modified_date"])
    _close_objects(holder, now)


# What was not said is kept. Named again by the same batch, with its id there, an object is through.
_NOTE = """
INSERT INTO channel_sync_integrationaction AS kept
  (channel_id, content_type, object_id, remote_id, version_date, status, failed_reason_type,
   batch_request_id, created_date, modified_date) VALUES {rows}
ON CONFLICT (channel_id, content_type, object_id) DO UPDATE SET
  remote_id = COALESCE(excluded.remote_id, kept.remote_id),
  version_date = COALESCE(excluded.version_date, kept.version_date),
  status = CASE WHEN excluded.status = 'processing' AND excluded.remote_id IS NOT NULL
                 AND kept.batch_request_id = excluded.batch_request_id
                THEN 'success' ELSE excluded.status END,
  failed_reason_type = excluded.failed_reason_type,
  batch_request_id = excluded.batch_request_id,
  modified_date = excluded.modified_date
"""


def _note(batch: BatchRequest, told: Sequence[ObjectIn], now: datetime) -> None:
    """One row per object, the last word about it."""
    last = list({(each.content_type, each.object_id): each for each in told}.values())
    with connection.cursor() as cursor:
        for start in range(0, len(last), _ROWS_AT_ONCE):
            rows = [_values(batch, each, now) for each in last[start : start + _ROWS_AT_ONCE]]
            places = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
            cursor.execute(_NOTE.format(rows=places), [value for row in rows for value in row])


def _values(batch: BatchRequest, told: ObjectIn, now: datetime) -> list[Any]:
    moment = connection.ops.adapt_datetimefield_value
    failed = told.failed_reason_type is not None
    return [
        batch.channel_id,
        str(told.content_type),
        told.object_id,
        told.remote_id,
        moment(told.version_date),
        str(ActionStatus.ERROR if failed else ActionStatus.PROCESSING),
        told.failed_reason_type and str(told.failed_reason_type),
        batch.pk,
        moment(now),
        moment(now),
    ]


_END_OF = {BatchStatus.DONE: ActionStatus.SUCCESS, BatchStatus.FAIL: ActionStatus.ERROR}


def _close_objects(batch: BatchRequest, now: datetime) -> None:
    """What was open when the batch ended went as the batch did."""
    if end := _END_OF.get(BatchStatus(batch.status)):
        still_open = batch.integrationaction_set.filter(status=ActionStatus.PROCESSING)
        still_open.update(status=end, modified_date=now)


def report(channel_id: int, told: ReportIn, now: datetime) -> int:
    """Keep a report; its id. Of long traffic the beginning is kept, and all of it sealed."""
    number = uuid4()
    made = ErrorReport.objects.create(
        channel_id=channel_id,
        uuid=number,
        action_content_type=told.action_content_type,
        action_object_id=told.action_object_id,
        target_content_type=told.target_content_type,
        target_object_id=told.target_object_id,
        obj_modified_date=told.obj_modified_date,
        error_code=told.error_code,
        error_desc=told.error_desc,
        raw_request_encrypted=_sealed(told.raw_request, f"{number}:request"),
        raw_response_encrypted=_sealed(told.raw_response, f"{number}:response"),
        is_ok=told.is_ok,
        created_date=now,
    )
    return made.pk


def _sealed(raw: str | None, context: str) -> str | None:
    return None if raw is None else encrypt(raw[:RAW_KEPT], context)


def prune(now: datetime) -> int:
    """Forget reports and batches of long ago, some at once; how many. Repeat until it is 0."""
    reports = ErrorReport.objects.filter(created_date__lte=now - KEPT).order_by("created_date")
    batches = BatchRequest.objects.filter(modified_date__lte=now - KEPT).order_by("pk")
    return sum(
        model.objects.filter(
            pk__in=list(over.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
        ).delete()[0]
        for model, over in ((ErrorReport, reports), (BatchRequest, batches))
    )
