"""Reading a channel's cases: lists, one case, and what has changed last."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.cases import documents, queries
from takeback.channel.cases.filters import (
    CaseFilters,
    ChangedCaseFilters,
    DetailedCaseFilters,
    wanted,
)
from takeback.channel.cases.queries import CaseRow
from takeback.channel.etag import etag
from takeback.channel.filters import AS_THEY_CHANGED, NEWEST, validated_filters
from takeback.channel.sync.queries import unreported
from takeback.channel_sync.content_types import ContentType
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.paging import Page

READING = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}


class _Listing(ChannelView):
    """A page of cases; what is shown of them is the route's."""

    scopes = READING
    filters: ClassVar[type[serializers.Serializer[Any]]] = CaseFilters
    order: ClassVar[Sequence[str]] = NEWEST

    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        condition = self.condition(validated_filters(call, self.filters))
        total, ids = queries.case_ids(self.caller.channel_id, condition, page, self.order)
        return Response(envelope(call.path, query, page, total, self.shown(queries.cases(ids))))

    def condition(self, told: Mapping[str, Any]) -> Q:
        """Which cases are listed."""
        return wanted(told)

    def shown(self, rows: list[CaseRow]) -> list[Any]:
        """The documents of these cases."""
        return [documents.case(row, self.caller) for row in rows]


class CancellationRequests(_Listing):
    """A channel's cases, newest first."""

    @extend_schema(
        operation_id="channel_cancellation_requests",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, CaseFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelCancellationRequest")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        return super().get(call, channel_id)


class CancellationRequestUpdates(_Listing):
    """A channel's cases that its system does not have as they are, the longest ago changed first.

    With `modified_date__gt` all that have changed since: go on from the last row's moment.
    """

    filters = ChangedCaseFilters
    order = AS_THEY_CHANGED

    @extend_schema(
        operation_id="channel_cancellation_request_updates",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, ChangedCaseFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelCancellationRequest")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        return super().get(call, channel_id)

    def condition(self, told: Mapping[str, Any]) -> Q:
        return super().condition(told) & unreported(ContentType.CANCELLATION_REQUEST, told)


class DetailedCancellationRequests(_Listing):
    """A channel's cases with everything that belongs to them, newest first."""

    filters = DetailedCaseFilters

    @extend_schema(
        operation_id="channel_detailed_cancellation_requests",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, DetailedCaseFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of("ChannelDetailedCancellationRequest")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        return super().get(call, channel_id)

    def shown(self, rows: list[CaseRow]) -> list[Any]:
        found = queries.detailed(self.caller.channel_id, rows)
        return list(documents.detailed_cases(found, self.caller))


class OneCase(ChannelView):
    """What routes of one case have in common."""

    def row(self, pk: str) -> CaseRow:
        """The case; another channel's is as absent as none."""
        row = queries.case_by_id(self.caller.channel_id, number_of(pk))
        if row is None:
            raise Refused(errors.NOT_FOUND)
        return row

    def whole(self, pk: str) -> Response:
        """The case as it is now, with its version."""
        row = self.row(pk)
        return Response(documents.case(row, self.caller), headers=etag(row.version))


class CaseView(OneCase):
    """One case."""

    scopes = READING

    @extend_schema(
        operation_id="channel_cancellation_request",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelCancellationRequest", "The case.")}
        | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return self.whole(pk)


class DetailedCancellationRequest(OneCase):
    """One case with everything that belongs to it."""

    scopes = READING

    @extend_schema(
        operation_id="channel_detailed_cancellation_request",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document("ChannelDetailedCancellationRequest", "The case.")}
        | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        found = queries.detailed(self.caller.channel_id, [self.row(pk)])
        return Response(documents.detailed_cases(found, self.caller)[0])
