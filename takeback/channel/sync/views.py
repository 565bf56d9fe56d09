"""Batches that a channel's system works through, what became of their objects, and its reports."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.json_parser import StrictJSONParser
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.filters import validated_filters
from takeback.channel.sync import documents, queries, serializers
from takeback.channel_sync.commands import change_batch, open_batch, store_report
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.paging import Page


class BatchParser(StrictJSONParser):
    """A batch may hold thousands of objects, and a report the traffic of a call."""

    max_values = 200_000

    def limit(self) -> int:
        return int(settings.MAX_ORDER_BODY_BYTES)


class Batches(ChannelView):
    """The channel's batches; a POST begins one."""

    parser_classes = [BatchParser]
    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_batch_requests",
        tags=[openapi.TAG],
        parameters=[
            openapi.CHANNEL_ID,
            serializers.BatchFilters,
            OpenApiParameter("status", str, description="May be sent more than once.", many=True),
            *openapi.page_parameters(),
        ],
        responses={200: openapi.page_of("ChannelBatch")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), serializers.batch_filters(call)
        total, rows = queries.batches(self.caller.channel_id, told, page)
        results = [documents.batch(row, None) for row in rows]
        return Response(envelope(call.path, query, page, total, results))

    @extend_schema(
        operation_id="channel_open_batch_request",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID],
        request=serializers.NewBatch,
        responses={201: openapi.document("ChannelBatch", "It has begun.")} | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._opened, body=self.document)

    def _opened(self) -> Response:
        channel_id = self.caller.channel_id
        serializers.check_new_batch(self.document, channel_id)
        return Response(_batch(channel_id, open_batch(channel_id, clock.now())), status=201)


class Batch(ChannelView):
    """One batch with its objects; a PATCH moves it on."""

    parser_classes = [BatchParser]
    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "PATCH": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_batch_request",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelBatch", "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return Response(_batch(self.caller.channel_id, number_of(pk)))

    @extend_schema(
        operation_id="channel_change_batch_request",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        request=serializers.ToldBatch,
        responses={200: openapi.document("ChannelBatch", "As it is now.")}
        | openapi.REFUSALS
        | openapi.CONFLICT,
    )
    def patch(self, call: Request, channel_id: str, pk: str) -> Response:
        own, number = self.caller.channel_id, number_of(pk)
        told = serializers.batch_from(self.document, own)
        change_batch(own, number, told, clock.now())
        return Response(_batch(own, number))


class Actions(ChannelView):
    """What the channel's systems call our objects."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}

    @extend_schema(
        operation_id="channel_integration_actions",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, serializers.ActionFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelIntegrationAction")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), validated_filters(call, serializers.ActionFilters)
        total, rows = queries.actions(self.caller.channel_id, told, page)
        results = [documents.action(row) for row in rows]
        return Response(envelope(call.path, query, page, total, results))


class Reports(ChannelView):
    """Calls that went wrong on the other side; a POST reports one."""

    parser_classes = [BatchParser]
    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ, "POST": ApiKey.DECIDE}

    @extend_schema(
        operation_id="channel_error_reports",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID, serializers.ReportFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelErrorReport")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), validated_filters(call, serializers.ReportFilters)
        total, rows = queries.reports(self.caller.channel_id, told, page)
        results = [documents.report(row, secrets=self.caller.sees_secrets) for row in rows]
        return Response(envelope(call.path, query, page, total, results))

    @extend_schema(
        operation_id="channel_report_error",
        tags=[openapi.TAG],
        parameters=[openapi.CHANNEL_ID],
        request=serializers.ToldReport,
        responses={201: openapi.document("ChannelErrorReport", "Kept.")} | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._kept, body=self.document)

    def _kept(self) -> Response:
        caller = self.caller
        told = serializers.report_from(self.document, caller.channel_id)
        kept = queries.report(caller.channel_id, store_report(caller.channel_id, told, clock.now()))
        return Response(documents.report(kept, secrets=caller.sees_secrets), status=201)


def _batch(channel_id: int, pk: int) -> object:
    """The document of the channel's batch, or 404."""
    found = queries.batch(channel_id, pk)
    if found is None:
        raise Refused(errors.NOT_FOUND)
    return documents.batch(found.row, found.objects)
