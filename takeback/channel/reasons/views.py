"""The list of reasons, kept by other systems."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.paginator import envelope
from takeback.cancellations.commands.reasons import add_reason, change_reason
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.cases.documents import reason as document
from takeback.channel.filters import validated_filters
from takeback.channel.reasons import queries
from takeback.channel.reasons.serializers import ReasonEntry, ReasonFilters
from takeback.core import clock, errors
from takeback.core.errors import Refused
from takeback.core.paging import Page

SHAPE = "CaseReason"
ONE = [openapi.CHANNEL_ID, openapi.PK]


class _Reasons(ChannelView):
    """Who reads may see them all, who decides may keep the list."""

    scopes = dict.fromkeys(("GET", "HEAD"), ApiKey.READ) | dict.fromkeys(
        ("POST", "PUT", "PATCH", "DELETE"), ApiKey.DECIDE
    )

    def shown(self, reason_id: int, status: int = 200) -> Response:
        """A reason's document; another channel's is as absent as none."""
        row = queries.reason(self.caller.channel_id, reason_id)
        if row is None:
            raise Refused(errors.NOT_FOUND)
        return Response(document(row), status=status)

    def columns(self, *, partial: bool) -> dict[str, Any]:
        """What the body says of a reason, as columns."""
        body = {} if partial and self.request.stream is None else self.document
        entry = ReasonEntry(data=body, partial=partial)
        entry.is_valid(raise_exception=True)
        return dict(entry.validated_data)


class Reasons(_Reasons):
    """A channel's reasons with those of all channels, in the order in which they are offered."""

    @extend_schema(
        operation_id="channel_cancellation_reasons",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, ReasonFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page = Page.of(query)
        total, rows = queries.reasons(
            self.caller.channel_id, validated_filters(call, ReasonFilters), page
        )
        return Response(envelope(call.path, query, page, total, [document(row) for row in rows]))

    @extend_schema(
        operation_id="channel_cancellation_reason_add",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID],
        request=ReasonEntry,
        responses={201: openapi.document(SHAPE, "Added.")} | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._added, body=self.document)

    def _added(self) -> Response:
        told = self.columns(partial=False)
        added = add_reason(self.caller.channel_id, told, now=clock.now())
        return self.shown(added, status=201)


class Reason(_Reasons):
    """One reason; those of all channels are read only."""

    @extend_schema(
        operation_id="channel_cancellation_reason",
        tags=[openapi.CASES],
        parameters=ONE,
        responses={200: openapi.document(SHAPE, "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return self.shown(number_of(pk))

    @extend_schema(
        operation_id="channel_cancellation_reason_put",
        tags=[openapi.CASES],
        parameters=ONE,
        request=ReasonEntry,
        responses={200: openapi.document(SHAPE, "As it is now.")} | openapi.REFUSALS,
    )
    def put(self, call: Request, channel_id: str, pk: str) -> Response:
        return self._changed(number_of(pk))

    @extend_schema(
        operation_id="channel_cancellation_reason_patch",
        tags=[openapi.CASES],
        parameters=ONE,
        request=ReasonEntry,
        responses={200: openapi.document(SHAPE, "As it is now.")} | openapi.REFUSALS,
    )
    def patch(self, call: Request, channel_id: str, pk: str) -> Response:
        return self._changed(number_of(pk))

    @extend_schema(
        operation_id="channel_cancellation_reason_remove",
        tags=[openapi.CASES],
        parameters=ONE,
        responses={204: None} | openapi.REFUSALS,
    )
    def delete(self, call: Request, channel_id: str, pk: str) -> Response:
        """Takes it off the list that shoppers choose from; cases keep it."""
        self._change(number_of(pk), {"is_active": False})
        return Response(status=204)

    def _changed(self, reason_id: int) -> Response:
        self._change(reason_id, self.columns(partial=True))
        return self.shown(reason_id)

    def _change(self, reason_id: int, told: dict[str, Any]) -> None:
        change_reason(self.caller.channel_id, reason_id, told, now=clock.now())
