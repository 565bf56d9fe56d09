"""Batches of a channel's system, the objects in them, and error reports."""

import uuid

from django.db import models
from django.db.models import Q

from takeback.accounts.models import Channel
from takeback.channel_sync.statuses import ActionStatus, BatchStatus


class BatchRequest(models.Model):
    """A synchronization run over objects of one content type; one at a time is in commit."""

    channel = models.ForeignKey(Channel, models.PROTECT)
    local_batch_id = models.UUIDField(unique=True, default=uuid.uuid4)
    remote_batch_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    content_type = models.CharField(max_length=32, null=True)  # noqa: DJ001 - null until commit
    status = models.CharField(max_length=16, default=BatchStatus.INITIALIZED.value)
    created_date = models.DateTimeField()
    modified_date = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in BatchStatus]),
                name="known_batch_status",
            ),
            models.CheckConstraint(
                condition=~Q(status=BatchStatus.COMMIT.value) | Q(content_type__isnull=False),
                name="commit_is_of_a_kind",
            ),
            models.UniqueConstraint(
                fields=["channel", "content_type"],
                condition=Q(status=BatchStatus.COMMIT.value),
                name="one_batch_in_commit",
            ),
        ]
        indexes = [models.Index(fields=["channel", "status", "-id"], name="batches_by_status")]

    def __str__(self) -> str:
        return str(self.local_batch_id)


class IntegrationAction(models.Model):
    """Maps one of our objects to its id and version in the channel's system."""

    channel = models.ForeignKey(Channel, models.PROTECT)
    content_type = models.CharField(max_length=32)
    object_id = models.BigIntegerField()
    remote_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null on the wire
    version_date = models.DateTimeField(null=True)
    status = models.CharField(max_length=16, default=ActionStatus.PROCESSING.value)
    failed_reason_type = models.CharField(max_length=16, null=True)  # noqa: DJ001 - null on the wire
    batch_request = models.ForeignKey(BatchRequest, models.SET_NULL, null=True)
    created_date = models.DateTimeField()
    modified_date = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in ActionStatus]),
                name="known_action_status",
            ),
            models.UniqueConstraint(
                fields=["channel", "content_type", "object_id"], name="one_action_per_object"
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "content_type", "remote_id"], name="actions_by_remote_id"
            ),
            models.Index(fields=["channel", "status"], name="actions_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.content_type} {self.object_id}"


class ErrorReport(models.Model):
    """A request reported by a channel's system; its raw traffic may be personal: encrypted."""

    channel = models.ForeignKey(Channel, models.PROTECT)
    uuid = models.UUIDField(default=uuid.uuid4)
    action_content_type = models.CharField(max_length=32)
    action_object_id = models.BigIntegerField()
    target_content_type = models.CharField(max_length=32)
    target_object_id = models.BigIntegerField()
    obj_modified_date = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=255)
    error_desc = models.CharField(max_length=2000)
    raw_request_encrypted = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    raw_response_encrypted = models.TextField(null=True)  # noqa: DJ001 - null on the wire
    is_ok = models.BooleanField()
    created_date = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["channel", "-id"], name="reports_of_a_channel")]

    def __str__(self) -> str:
        return self.error_code
