"""Commands on batches, the objects in them, and error reports."""

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
    LIFE_CYCLE,
    TRANSITION_FOR_STATUS,
    ActionStatus,
    BatchStatus,
    FailedReason,
)
from takeback.core import errors as core_errors
from takeback.core.db.bulk import delete_batch
from takeback.core.encryption import encrypt
from takeback.core.errors import Refused

RETENTION = timedelta(days=90)
RAW_MAX = 65_536
"""Maximum length of the raw request and the raw response in a report, in characters."""

_PRUNE_SIZE = 500
_UPSERT_SIZE = 500


@dataclass(frozen=True, slots=True)
class ObjectIn:
    """An object in a batch; None for a value that the channel's system did not send."""

    content_type: ContentType
    object_id: int
    remote_id: str | None = None
    version_date: datetime | None = None
    failed_reason_type: FailedReason | None = None


@dataclass(frozen=True, slots=True)
class BatchIn:
    """Changes to a batch; None for a value that was not sent."""

    status: BatchStatus | None = None
    content_type: ContentType | None = None
    remote_batch_id: str | None = None
    objects: Sequence[ObjectIn] | None = None


@dataclass(frozen=True, slots=True)
class ReportIn:
    """A request that a channel's system reports, with its raw request and response."""

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
    return BatchRequest.objects.create(
        channel_id=channel_id, created_date=now, modified_date=now
    ).pk


@transaction.atomic
def change_batch(channel_id: int, batch_id: int, changes: BatchIn, now: datetime) -> None:
    """Move a batch to another status and record the results of its objects.

    The current status is no transition: a batch that has ended stays as it is, any other one
    records the objects. Raises Refused: NOT_FOUND for a batch outside the channel,
    INVALID_TRANSITION for a transition that the life cycle does not allow and for a second batch
    of the same content type in commit.
    """
    # One lock for all batches of a channel: two of them never wait for each other.
    locked = Channel.objects.select_for_update(no_key=True).filter(pk=channel_id)
    batch = BatchRequest.objects.filter(channel=locked.get(), pk=batch_id).first()
    if batch is None:
        raise Refused(core_errors.NOT_FOUND)
    before = BatchStatus(batch.status)
    after = changes.status or before
    if LIFE_CYCLE.is_final(before) and (changes.status == before or changes == BatchIn()):
        return
    is_allowed = after in TRANSITION_FOR_STATUS and LIFE_CYCLE.allows(
        before, TRANSITION_FOR_STATUS[after]
    )
    if LIFE_CYCLE.is_final(before) or not (is_allowed or before is after):
        raise Refused(errors.INVALID_TRANSITION, batch=batch_id, before=before, after=after)
    _set_content_type(batch, changes.content_type, after)
    if after is BatchStatus.COMMIT and before is not after:
        _end_batch_in_commit(batch, now)
    batch.status = after
    batch.remote_batch_id = changes.remote_batch_id or batch.remote_batch_id
    batch.modified_date = now
    batch.save()
    _upsert_objects(batch, changes.objects or [], now)
    _close_objects(batch, now)


def _set_content_type(
    batch: BatchRequest, content_type: ContentType | None, after: BatchStatus
) -> None:
    """The first content type is final; committing requires one."""
    if content_type and batch.content_type and content_type != batch.content_type:
        raise Refused(errors.CONTENT_TYPE_IS_FIXED, batch=batch.pk)
    batch.content_type = content_type or batch.content_type
    if after is BatchStatus.COMMIT and batch.content_type is None:
        raise Refused(errors.CONTENT_TYPE_IS_MISSING, batch=batch.pk)


def _end_batch_in_commit(batch: BatchRequest, now: datetime) -> None:
    """End another batch in commit that has no open objects or has been idle for too long.

    Systems do not always end their batches; one such batch would block all later ones.
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


# A missing value leaves the stored one. An object succeeds when its batch sends it again with the
# remote id.
_UPSERT = """
INSERT INTO channel_sync_integrationaction AS stored
  (channel_id, content_type, object_id, remote_id, version_date, status, failed_reason_type,
   batch_request_id, created_date, modified_date) VALUES {rows}
ON CONFLICT (channel_id, content_type, object_id) DO UPDATE SET
  remote_id = COALESCE(excluded.remote_id, stored.remote_id),
  version_date = COALESCE(excluded.version_date, stored.version_date),
  status = CASE WHEN excluded.status = 'processing' AND excluded.remote_id IS NOT NULL
                 AND stored.batch_request_id = excluded.batch_request_id
                THEN 'success' ELSE excluded.status END,
  failed_reason_type = excluded.failed_reason_type,
  batch_request_id = excluded.batch_request_id,
  modified_date = excluded.modified_date
"""


def _upsert_objects(batch: BatchRequest, objects: Sequence[ObjectIn], now: datetime) -> None:
    """Write one row per object, from its last occurrence."""
    last = list({(item.content_type, item.object_id): item for item in objects}.values())
    with connection.cursor() as cursor:
        for start in range(0, len(last), _UPSERT_SIZE):
            rows = [_values(batch, item, now) for item in last[start : start + _UPSERT_SIZE]]
            places = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
            cursor.execute(_UPSERT.format(rows=places), [value for row in rows for value in row])


def _values(batch: BatchRequest, item: ObjectIn, now: datetime) -> list[Any]:
    to_database = connection.ops.adapt_datetimefield_value
    reason = item.failed_reason_type
    return [
        batch.channel_id,
        str(item.content_type),
        item.object_id,
        item.remote_id,
        to_database(item.version_date),
        str(ActionStatus.ERROR if reason else ActionStatus.PROCESSING),
        reason and str(reason),
        batch.pk,
        to_database(now),
        to_database(now),
    ]


_ACTION_STATUS_AT_END = {
    BatchStatus.DONE: ActionStatus.SUCCESS,
    BatchStatus.FAIL: ActionStatus.ERROR,
}


def _close_objects(batch: BatchRequest, now: datetime) -> None:
    """Give the open objects of an ended batch the result of the batch."""
    if status := _ACTION_STATUS_AT_END.get(BatchStatus(batch.status)):
        open_objects = batch.integrationaction_set.filter(status=ActionStatus.PROCESSING)
        open_objects.update(status=status, modified_date=now)


def store_report(channel_id: int, report: ReportIn, now: datetime) -> int:
    """Store an error report with its encrypted, truncated raw traffic; returns its id."""
    uuid = uuid4()
    return ErrorReport.objects.create(
        channel_id=channel_id,
        uuid=uuid,
        action_content_type=report.action_content_type,
        action_object_id=report.action_object_id,
        target_content_type=report.target_content_type,
        target_object_id=report.target_object_id,
        obj_modified_date=report.obj_modified_date,
        error_code=report.error_code,
        error_desc=report.error_desc,
        raw_request_encrypted=_encrypted(report.raw_request, f"{uuid}:request"),
        raw_response_encrypted=_encrypted(report.raw_response, f"{uuid}:response"),
        is_ok=report.is_ok,
        created_date=now,
    ).pk


def _encrypted(raw: str | None, context: str) -> str | None:
    return None if raw is None else encrypt(raw[:RAW_MAX], context)


def prune(now: datetime) -> int:
    """Delete some reports and batches past their retention; returns how many. Repeat until 0."""
    oldest = now - RETENTION
    reports = ErrorReport.objects.filter(created_date__lte=oldest).order_by("created_date")
    batches = BatchRequest.objects.filter(modified_date__lte=oldest).order_by("pk")
    return delete_batch(reports, _PRUNE_SIZE) + delete_batch(batches, _PRUNE_SIZE)
