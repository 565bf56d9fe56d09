"""Cases: lists, one case, new cases, changes, and transitions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channel_conf import channel_conf
from takeback.api.idempotency import has_idempotency_key
from takeback.api.json_parser import StrictJSONParser
from takeback.api.openapi import Operation, PageOf
from takeback.bank_accounts.bank_account import bank_account_of
from takeback.cancellations.commands.edit import edit_case
from takeback.cancellations.commands.open import AutoConfirm, open_cases
from takeback.cancellations.commands.transition import remove, set_status
from takeback.cancellations.commands.turn_into_return import turn_into_return
from takeback.cancellations.statuses import Status
from takeback.channel import changes
from takeback.channel.auth import path_id
from takeback.channel.base import (
    ChannelListView,
    ChannelView,
    etag,
    expected_version,
    row_or_404,
    validated,
)
from takeback.channel.cases import documents, queries
from takeback.channel.cases.documents import (
    ChannelCancellationRequest,
    ChannelChangedCancellationRequest,
    ChannelDetailedCancellationRequest,
)
from takeback.channel.cases.queries import CaseRow
from takeback.channel.cases.serializers import (
    DETAILED_FILTERS,
    FILTERS,
    UPDATE_FILTERS,
    ChangedCaseSerializer,
    NewCaseSerializer,
    NoteSerializer,
    RemarksSerializer,
    case_edit,
    new_case,
    remarks,
    with_stored_account,
)
from takeback.channel.filters import OLDEST_CHANGE, Filters
from takeback.channel.openapi import CASES
from takeback.channel.sync.queries import changed_since_last_sync
from takeback.channel_sync.content_types import ContentType
from takeback.core import clock
from takeback.core.ids import CaseId
from takeback.core.paging import Page
from takeback.orders.scope import OrderScope


def changing(
    name: str, summary: str, request: Any, response: Any = ChannelCancellationRequest
) -> Operation:
    """The operation of a method that changes a case."""
    return Operation(
        f"channel_cancellation_request_{name}",
        CASES,
        response,
        request=request,
        status=200 if response else 204,
        summary=summary,
        has_version=True,
        is_idempotent=name in ("confirm", "approve", "reject", "turn_into_return"),
    )


class BaseCaseView(ChannelView):
    """Finds the case of a route, and responds with it."""

    @property
    def scope(self) -> OrderScope:
        return OrderScope(self.client.channel_id)

    def row(self, pk: str) -> CaseRow:
        return row_or_404(queries.case_by_id(self.client.channel_id, CaseId(path_id(pk))))

    def respond(self, pk: str, status: int = 200) -> Response:
        """The case as it is now, with its version."""
        row = self.row(pk)
        document = documents.case(row, self.client)
        return Response(document, status=status, headers=etag(row.version))


class BaseCaseList(ChannelListView):
    """Lists of cases count at most 10,001 rows and hold no removed case, except that of changes."""

    rows_in_view: ClassVar[Q] = Q(is_hidden=False)

    def condition(self, values: Mapping[str, Any]) -> Q:
        return super().condition(values) & self.rows_in_view

    def load(self, values: Mapping[str, Any], page: Page) -> tuple[int, list[Any]]:
        condition = self.condition(values)
        total, ids = queries.case_ids(self.client.channel_id, condition, page, self.ordering)
        return total, queries.cases_by_id(ids)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.case(row, self.client) for row in rows]


class CaseList(BaseCaseList, BaseCaseView):
    """The channel's cases, newest first; POST opens a case by the rules for customers."""

    filters = FILTERS
    operations = {
        "get": Operation(
            "channel_cancellation_requests",
            CASES,
            PageOf(ChannelCancellationRequest),
            summary="List requests.",
        ),
        "post": Operation(
            "channel_cancellation_request_open",
            CASES,
            ChannelCancellationRequest,
            request=NewCaseSerializer,
            status=201,
            is_idempotent=True,
            summary="Open a request.",
        ),
    }

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._open, body=self.body)

    def _open(self) -> Response:
        conf = channel_conf(self.client.channel_id)
        is_trusted = self.client.can_see_bank_accounts
        [case_id] = open_cases(
            [new_case(self.body, conf, is_account_trusted=is_trusted)],
            self.scope,
            actor=self.actor,
            now=clock.now(),
            auto_confirm=AutoConfirm(with_parts=has_idempotency_key(self.django_request)),
        )
        return self.respond(str(case_id), status=201)


class CaseUpdates(BaseCaseList):
    """The channel's cases that changed since its last sync, the oldest change first.

    With a `modified_date` filter the list holds all cases that changed in that time. A removed
    case is among them, with `is_deleted`: no other list and no look-up shows it any more.
    """

    filters = UPDATE_FILTERS
    rows_in_view = Q()
    ordering = OLDEST_CHANGE
    operations = {
        "get": Operation(
            "channel_cancellation_request_updates",
            CASES,
            PageOf(ChannelChangedCancellationRequest),
            summary="List requests that have changed since the last sync.",
        )
    }

    def condition(self, values: Mapping[str, Any]) -> Q:
        changed = changed_since_last_sync(ContentType.CANCELLATION_REQUEST, values)
        return super().condition(values) & changed

    def load(self, values: Mapping[str, Any], page: Page) -> tuple[int, list[Any]]:
        if not changes.is_followed(self.ordering, values):
            return super().load(values, page)
        return queries.changed_cases(self.client.channel_id, self.condition(values), page)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [documents.changed_case(row, self.client) for row in rows]


class DetailedCaseList(BaseCaseList):
    """The channel's cases with item, order, reason, channel and customer, newest first."""

    filters: ClassVar[Filters] = DETAILED_FILTERS
    operations = {
        "get": Operation(
            "channel_detailed_cancellation_requests",
            CASES,
            PageOf(ChannelDetailedCancellationRequest),
            summary="List requests with their orders and customers.",
        )
    }

    def to_documents(self, rows: list[Any]) -> list[Any]:
        cases = queries.detailed(self.client.channel_id, rows)
        return documents.detailed_cases(cases, self.client)


class DetailedCaseView(BaseCaseView):
    """One case with item, order, reason, channel and customer."""

    operations = {
        "get": Operation(
            "channel_detailed_cancellation_request",
            CASES,
            ChannelDetailedCancellationRequest,
            summary="Read a request with its order and customer.",
        )
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        cases = queries.detailed(self.client.channel_id, [self.row(pk)])
        return Response(documents.detailed_cases(cases, self.client)[0])


class CaseView(BaseCaseView):
    """One case. PUT and PATCH change it, DELETE withdraws and hides it."""

    operations = {
        "get": Operation(
            "channel_cancellation_request",
            CASES,
            ChannelCancellationRequest,
            has_version=True,
            summary="Read a request.",
        ),
        "put": changing("put", "Change a request.", ChangedCaseSerializer),
        "patch": changing("patch", "Change fields of a request.", ChangedCaseSerializer),
        "delete": changing("remove", "Withdraw and hide a request.", None, response=None),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.respond(pk)

    def put(self, request: Request, channel_id: str, pk: str) -> Response:
        return self._edit(pk)

    def patch(self, request: Request, channel_id: str, pk: str) -> Response:
        return self._edit(pk)

    def delete(self, request: Request, channel_id: str, pk: str) -> Response:
        case_id, version = CaseId(path_id(pk)), expected_version(self.django_request)
        remove(case_id, self.scope, actor=self.actor, now=clock.now(), version=version)
        return Response(status=204)

    def _edit(self, pk: str) -> Response:
        row, body = self.row(pk), self.optional_body
        completed = with_stored_account(
            body, bank_account_of(row), documents.case(row, self.client)
        )
        version = expected_version(self.django_request)
        if version is None and completed is not body:
            # The client relies on the account that it was shown.
            version = row.version
        edit_case(
            row.id,
            self.scope,
            case_edit(completed, row, channel_conf(self.client.channel_id)),
            actor=self.actor,
            now=clock.now(),
            version=version,
            is_account_trusted=self.client.can_see_bank_accounts,
        )
        return self.respond(pk)


class NullableJSONParser(StrictJSONParser):
    """For transitions without remarks: some clients send `null` as the body."""

    def read(self, body: bytes) -> dict[str, Any]:
        return {} if body.strip() == b"null" else super().read(body)


class TransitionView(BaseCaseView):
    """Brings a case to a status; a repeated request changes nothing."""

    parser_classes = [NullableJSONParser]
    status: ClassVar[Status]

    def post(self, request: Request, channel_id: str, pk: str) -> HttpResponse:
        return self.idempotent(lambda: self._set_status(pk), body=self.optional_body)

    def _set_status(self, pk: str) -> Response:
        set_status(
            CaseId(path_id(pk)),
            self.scope,
            self.status,
            actor=self.actor,
            now=clock.now(),
            remarks=remarks(validated(RemarksSerializer, self.optional_body), self.status),
            version=expected_version(self.django_request),
        )
        return self.respond(pk)


class RejectCase(TransitionView):
    """Rejects a case; its item can be requested again."""

    status = Status.REJECTED
    operations = {"post": changing("reject", "Reject a request.", RemarksSerializer)}


class ConfirmCase(TransitionView):
    """Confirms a case: its units are reserved, and it joins a plan.

    A case that breaks a rule of the shop needs `override` and a note.
    """

    status = Status.CONFIRMED
    operations = {"post": changing("confirm", "Confirm a request.", RemarksSerializer)}


class TurnIntoReturn(BaseCaseView):
    """Makes a return of a cancellation whose item was reported as shipped meanwhile.

    The return waits for a decision, and the shop's carrier collects the goods. No mail is sent.
    """

    parser_classes = [NullableJSONParser]
    operations = {
        "post": changing("turn_into_return", "Turn a cancellation into a return.", NoteSerializer)
    }

    def post(self, request: Request, channel_id: str, pk: str) -> HttpResponse:
        return self.idempotent(lambda: self._turn(pk), body=self.optional_body)

    def _turn(self, pk: str) -> Response:
        turn_into_return(
            CaseId(path_id(pk)),
            self.scope,
            actor=self.actor,
            now=clock.now(),
            note=validated(NoteSerializer, self.optional_body).get("internal_note") or None,
            version=expected_version(self.django_request),
        )
        return self.respond(pk)


class ApproveCase(TransitionView):
    """Approves the refund of a case; a waiting case is confirmed first.

    A case that breaks a rule of the shop needs `override` and a note. The customer gets a mail.
    """

    status = Status.APPROVED
    operations = {"post": changing("approve", "Approve a refund.", RemarksSerializer)}
