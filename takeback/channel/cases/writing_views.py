"""Opening cases, correcting them and deciding about them."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.idempotency import has_idempotency_key
from takeback.api.json_parser import StrictJSONParser
from takeback.cancellations.commands.edit import edit_case
from takeback.cancellations.commands.open import AutoConfirm, open_cases
from takeback.cancellations.commands.transition import remove, set_status
from takeback.cancellations.statuses import Status
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.cases import documents
from takeback.channel.cases.serializers import (
    ChangedCaseSerializer,
    NewCaseSerializer,
    Note,
    ask_in,
    change_in,
    note_in,
)
from takeback.channel.cases.views import READING, CancellationRequests, CaseView, OneCase
from takeback.channel.etag import expected_version
from takeback.core import clock
from takeback.core.types import CaseId
from takeback.orders.scope import OrderScope

SAW = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the version that was seen: refused with 412 when it is not the last.",
)
ONE = [openapi.CHANNEL_ID, openapi.PK, SAW]
CASE = "ChannelCancellationRequest"
WRITING = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), ApiKey.DECIDE)


class NothingIsFine(StrictJSONParser):
    """For steps that need no words: clients send `null` where they have nothing to say."""

    def read(self, body: bytes) -> dict[str, Any]:
        return {} if body.strip() == b"null" else super().read(body)


class DecidingView(OneCase):
    """What routes that change cases have in common."""

    scopes = WRITING

    @property
    def scope(self) -> OrderScope:
        """The channel's cases, whosever they are."""
        return OrderScope(self.caller.channel_id)

    @property
    def told(self) -> dict[str, Any]:
        """The body; none at all says nothing."""
        return {} if self.request.stream is None else self.document


class OpenCase(DecidingView):
    """Asks in the name of a customer, by the rules that hold for customers."""

    @extend_schema(
        operation_id="channel_cancellation_request_open",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID],
        request=NewCaseSerializer,
        responses={201: openapi.document(CASE, "Opened.")} | openapi.REFUSALS,
    )
    def post(self, call: Request, channel_id: str) -> HttpResponse:
        return self.answer_once(self._opened, body=self.document)

    def _opened(self) -> Response:
        ask = ask_in(self.document, is_account_trusted=self.caller.sees_accounts)
        auto_confirm = AutoConfirm(with_parts=has_idempotency_key(self.plain))
        [request_id] = open_cases(
            [ask], self.scope, actor=self.actor, now=clock.now(), auto_confirm=auto_confirm
        )
        answer = self.whole(str(request_id))
        answer.status_code = 201
        return answer


class Cases(CancellationRequests, OpenCase):
    """A channel's cases, and one more."""

    scopes = READING | WRITING


class ChangeCase(DecidingView):
    """Corrects a case, brings it to a status, or takes it away."""

    @extend_schema(
        operation_id="channel_cancellation_request_put",
        tags=[openapi.CASES],
        parameters=ONE,
        request=ChangedCaseSerializer,
        responses={200: openapi.document(CASE, "As it is now.")} | openapi.REFUSALS | openapi.STALE,
    )
    def put(self, call: Request, channel_id: str, pk: str) -> Response:
        return self._edited(pk)

    @extend_schema(
        operation_id="channel_cancellation_request_patch",
        tags=[openapi.CASES],
        parameters=ONE,
        request=ChangedCaseSerializer,
        responses={200: openapi.document(CASE, "As it is now.")} | openapi.REFUSALS | openapi.STALE,
    )
    def patch(self, call: Request, channel_id: str, pk: str) -> Response:
        return self._edited(pk)

    @extend_schema(
        operation_id="channel_cancellation_request_remove",
        tags=[openapi.CASES],
        parameters=ONE,
        responses={204: None} | openapi.REFUSALS | openapi.STALE,
    )
    def delete(self, call: Request, channel_id: str, pk: str) -> Response:
        version = expected_version(self.plain)
        remove(
            CaseId(number_of(pk)), self.scope, actor=self.actor, now=clock.now(), version=version
        )
        return Response(status=204)

    def _edited(self, pk: str) -> Response:
        row = self.row(pk)
        change = change_in(self.told, row, documents.case(row, self.caller))
        seen = expected_version(self.plain)
        edit_case(
            CaseId(row.id),
            self.scope,
            change.edit,
            actor=self.actor,
            now=clock.now(),
            version=row.version if seen is None and change.leans_on_account else seen,
            is_account_trusted=self.caller.sees_accounts,
        )
        return self.whole(pk)


class Case(CaseView, ChangeCase):
    """One case, to be looked at and to be changed."""

    scopes = READING | WRITING


class StepView(DecidingView):
    """A decision about one case; made again it changes nothing."""

    parser_classes = [NothingIsFine]

    def decided(self, pk: str, wanted: Status) -> HttpResponse:
        """The case after this step."""

        def act() -> Response:
            set_status(
                CaseId(number_of(pk)),
                self.scope,
                wanted,
                actor=self.actor,
                now=clock.now(),
                message=note_in(self.told),
                version=expected_version(self.plain),
            )
            return self.whole(pk)

        return self.answer_once(act, body=self.told)


class RejectCase(StepView):
    """The shop says no."""

    @extend_schema(
        operation_id="channel_cancellation_request_reject",
        tags=[openapi.CASES],
        parameters=ONE,
        request=Note,
        responses={200: openapi.document(CASE, "Rejected.")} | openapi.REFUSALS | openapi.STALE,
    )
    def post(self, call: Request, channel_id: str, pk: str) -> HttpResponse:
        return self.decided(pk, Status.REJECTED)


class ConfirmCase(StepView):
    """The shop says yes: the units are set apart, and a plan takes the case up."""

    @extend_schema(
        operation_id="channel_cancellation_request_confirm",
        tags=[openapi.CASES],
        parameters=ONE,
        request=Note,
        responses={200: openapi.document(CASE, "Confirmed.")} | openapi.REFUSALS | openapi.STALE,
    )
    def post(self, call: Request, channel_id: str, pk: str) -> HttpResponse:
        return self.decided(pk, Status.CONFIRMED)


class ApproveCase(StepView):
    """The money may go back; a case that waits is confirmed on the way."""

    @extend_schema(
        operation_id="channel_cancellation_request_approve",
        tags=[openapi.CASES],
        parameters=ONE,
        request=Note,
        responses={200: openapi.document(CASE, "Approved.")} | openapi.REFUSALS | openapi.STALE,
    )
    def post(self, call: Request, channel_id: str, pk: str) -> HttpResponse:
        return self.decided(pk, Status.APPROVED)
