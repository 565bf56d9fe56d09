"""Batches, integration actions, error reports, channels and content types."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channels import update_channel
from takeback.api.channel_settings import ChannelChange
from takeback.api.json_parser import LargeJSONParser
from takeback.api.openapi import Operation, PageOf
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404, validated
from takeback.channel.openapi import ACCESS, CONFLICT, SETTINGS, SYNC
from takeback.channel.sync import documents, queries, serializers
from takeback.channel.sync.documents import (
    ChannelBatch,
    ChannelDocument,
    ChannelErrorReport,
    ChannelIntegrationAction,
    ContentTypeDocument,
)
from takeback.channel_sync.commands import change_batch, open_batch, store_report
from takeback.channel_sync.content_types import ContentType
from takeback.core import clock
from takeback.core.paging import Page


class BaseBatchView(ChannelView):
    """Responds with a batch and its objects."""

    parser_classes = [LargeJSONParser]

    def respond(self, pk: int, status: int = 200) -> Response:
        batch = row_or_404(queries.batch_by_id(self.client.channel_id, pk))
        return Response(documents.batch(batch.batch, batch.objects), status=status)


class BatchList(ChannelListView, BaseBatchView):
    """The channel's batches, newest first by default; POST opens a batch."""

    filters = serializers.BATCH_FILTERS
    rows = queries.batch_rows
    operations = {
        "get": Operation(
            "channel_batch_requests",
            SYNC,
            PageOf(ChannelBatch),
            summary="List batches.",
        ),
        "post": Operation(
            "channel_open_batch_request",
            SYNC,
            ChannelBatch,
            request=serializers.NewBatch,
            status=201,
            is_idempotent=True,
            summary="Open a batch.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.batches_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.batch(row, None) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._open, body=self.body)

    def _open(self) -> Response:
        channel_id = self.client.channel_id
        serializers.check_new_batch(self.body, channel_id)
        return self.respond(open_batch(channel_id, clock.now()), status=201)


class BatchView(BaseBatchView):
    """One batch with its objects; PATCH moves it to its next status."""

    operations = {
        "get": Operation(
            "channel_batch_request",
            SYNC,
            ChannelBatch,
            summary="Read a batch with its objects.",
        ),
        "patch": Operation(
            "channel_change_batch_request",
            SYNC,
            ChannelBatch,
            request=serializers.BatchChange,
            refusals=CONFLICT,
            summary="Move a batch to its next status.",
        ),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.respond(path_id(pk))

    def patch(self, request: Request, channel_id: str, pk: str) -> Response:
        changes = serializers.batch_change(self.body, self.client.channel_id)
        change_batch(self.client.channel_id, path_id(pk), changes, clock.now())
        return self.respond(path_id(pk))


class ActionList(ChannelListView):
    """The ids and versions of our objects in the channel's system, oldest first by default."""

    filters = serializers.ACTION_FILTERS
    ordering = ("id",)
    rows = queries.action_rows
    operations = {
        "get": Operation(
            "channel_integration_actions",
            SYNC,
            PageOf(ChannelIntegrationAction),
            summary="List ids of objects in the channel's system.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.actions_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.action(row) for row in rows]


class ReportList(ChannelListView):
    """Requests that failed in the channel's system, newest first; POST adds a report."""

    parser_classes = [LargeJSONParser]
    filters = serializers.REPORT_FILTERS
    rows = queries.report_rows
    operations = {
        "get": Operation(
            "channel_error_reports",
            SYNC,
            PageOf(ChannelErrorReport),
            summary="List error reports.",
        ),
        "post": Operation(
            "channel_report_error",
            SYNC,
            ChannelErrorReport,
            request=serializers.ReportSerializer,
            status=201,
            is_idempotent=True,
            summary="Report a failed request.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.reports_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        show_secrets = self.client.can_see_secrets
        return [documents.report(row, show_secrets=show_secrets) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._add, body=self.body)

    def _add(self) -> Response:
        channel_id = self.client.channel_id
        data = serializers.error_report(self.body, channel_id)
        row = queries.report_by_id(channel_id, store_report(channel_id, data, clock.now()))
        return Response(self.to_documents([row])[0], status=201)


class ChannelList(ChannelListView):
    """All channels of the key, inactive ones, too."""

    ordering = ("id",)
    rows = queries.channel_rows
    operations = {
        "get": Operation(
            "channels",
            ACCESS,
            PageOf(ChannelDocument),
            summary="List the channels of the key.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return queries.channels_of_key(self.client.key_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.channel(row) for row in rows]


class ChannelDetailView(ChannelView):
    """One channel of the key: whether it is active, and its configuration, which PATCH changes."""

    scopes = ChannelView.ADMIN_CHANGES
    operations = {
        "get": Operation(
            "channel",
            ACCESS,
            ChannelDocument,
            summary="Read a channel.",
        ),
        "patch": Operation(
            "channel_change",
            SETTINGS,
            ChannelDocument,
            request=ChannelChange,
            summary="Change a channel's settings.",
        ),
    }

    def get(self, request: Request, pk: str) -> Response:
        row = row_or_404(queries.channel_by_id(self.client.key_id, path_id(pk)))
        return Response(documents.channel(row))

    def patch(self, request: Request, pk: str) -> Response:
        row = row_or_404(queries.channel_by_id(self.client.key_id, path_id(pk)))
        values = validated(ChannelChange, self.body, context={"channel_id": row.id})
        update_channel(row.id, values, now=clock.now())
        return self.get(request, pk)


class ContentTypeList(ChannelListView):
    """The content types that batches and reports refer to."""

    filters = serializers.CONTENT_TYPE_FILTERS
    operations = {
        "get": Operation(
            "content_types",
            SYNC,
            PageOf(ContentTypeDocument),
            summary="List content types.",
        )
    }

    def load(self, values: Mapping[str, Any], page: Page) -> tuple[int, list[Any]]:
        kinds = [kind for kind in ContentType if values.get("model", kind) == kind]
        return len(kinds), kinds[page.offset : page.offset + page.limit]

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.content_type(kind) for kind in rows]
