"""The reasons that a channel offers: bodies, filters, look-ups and views in one small module."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.case_fields import KindField
from takeback.api.complete_errors import CompleteErrors
from takeback.api.fields import StrictBoolean, StrictInteger, StrictText
from takeback.api.openapi import Operation, PageOf
from takeback.cancellations.commands.reasons import add_reason, change_reason
from takeback.cancellations.models import CancellationReason
from takeback.cancellations.statuses import Kind
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404, validated
from takeback.channel.cases.documents import CaseReason, reason
from takeback.channel.cases.queries import ReasonRow
from takeback.channel.filters import Filter, Flag, equal
from takeback.channel.openapi import CASES
from takeback.core import clock
from takeback.core.db.compiled_query import RowQuery

SUBJECT_MAX = 100
NO_SUBJECT = _("Send a subject, or translations with a subject in at least one language.")
MAX_LANGUAGES = 50
_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,2}", re.ASCII)
_SUBJECT = StrictText(max_length=SUBJECT_MAX)
_TRANSLATIONS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"subject": {"type": "string", "maxLength": SUBJECT_MAX}},
        "required": ["subject"],
    },
    "example": {"tr": {"subject": "Fikrimi değiştirdim"}},
}


@extend_schema_field(_TRANSLATIONS)
class Translations(serializers.Field[dict[str, dict[str, str]], Any, Any, Any]):
    """The subject by language tag; it replaces all earlier translations."""

    default_error_messages = {
        "invalid": _("Send an object of language tags, each with a subject."),
    }

    def to_internal_value(self, data: Any) -> dict[str, dict[str, str]]:
        if not isinstance(data, dict) or len(data) > MAX_LANGUAGES:
            self.fail("invalid")
        translations = {}
        for key, value in data.items():
            tag = key.lower().replace("_", "-")
            is_tag = _LANGUAGE_TAG.fullmatch(tag)
            if not is_tag or not isinstance(value, dict) or "subject" not in value:
                self.fail("invalid")
            translations[tag] = {"subject": _SUBJECT.run_validation(value["subject"])}
        return translations


class ReasonEntry(CompleteErrors):
    """A reason; other keys are ignored."""

    example = {"cancellation_type": "refund", "subject": "Does not fit", "order": 3}

    cancellation_type = KindField(default=Kind.CANCEL)
    subject = StrictText(max_length=SUBJECT_MAX, required=False)
    translations = Translations(required=False)
    extra_information_needed = StrictBoolean(required=False)
    order = StrictInteger(min_value=0, max_value=2**31 - 1, required=False)
    is_active = StrictBoolean(required=False)
    send_to_remote = StrictBoolean(required=False)
    send_to_oms = StrictBoolean(required=False)

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        has_subject = data.get("subject") is not None or data.get("translations")
        return {} if self.partial or has_subject else {"subject": [NO_SUBJECT]}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not self.partial and "subject" not in attrs:
            subject = subject_of(attrs.get("translations") or {})
            if not subject:
                raise ValidationError({"subject": [NO_SUBJECT]})
            attrs["subject"] = subject
        return attrs


def subject_of(translations: Mapping[str, Mapping[str, str]]) -> str | None:
    """The subject of a reason that is sent in languages only: in the site's, else the first."""
    site = translations.get(settings.LANGUAGE_CODE.partition("-")[0])
    first = site or next(iter(translations.values()), None)
    return first["subject"] if first else None


def _reasons_in_channel(channel_id: int) -> "QuerySet[CancellationReason]":
    """The channel's own reasons, and those that all channels share."""
    return CancellationReason.objects.filter(Q(channel_id=channel_id) | Q(channel_id=None))


_reason_rows = RowQuery(ReasonRow)


class BaseReasonView(ChannelView):
    """Responds with a reason."""

    def respond(self, reason_id: int, status: int = 200) -> Response:
        """The reason as it is now."""
        reasons = _reasons_in_channel(self.client.channel_id).filter(pk=reason_id)
        row = row_or_404(_reason_rows.first(reasons))
        return Response(reason(row), status=status)


class ReasonList(ChannelListView, BaseReasonView):
    """The reasons that the channel offers, in display order."""

    filters = {
        "cancellation_type": Filter(KindField(required=False), equal("cancellation_type")),
        "is_active": Filter(Flag(required=False), equal("is_active")),
    }
    ordering = ("order", "id")
    rows = _reason_rows
    operations = {
        "get": Operation(
            "channel_cancellation_reasons",
            CASES,
            PageOf(CaseReason),
            summary="List cancellation reasons.",
        ),
        "post": Operation(
            "channel_cancellation_reason_add",
            CASES,
            CaseReason,
            request=ReasonEntry,
            status=201,
            is_idempotent=True,
            summary="Add a cancellation reason.",
        ),
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return _reasons_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [reason(row) for row in rows]

    def post(self, request: Request, channel_id: str) -> HttpResponse:
        return self.idempotent(self._add, body=self.body)

    def _add(self) -> Response:
        columns = validated(ReasonEntry, self.body)
        reason_id = add_reason(self.client.channel_id, columns, now=clock.now())
        return self.respond(reason_id, status=201)


class ReasonView(BaseReasonView):
    """One reason; one that all channels share needs an admin's key for all active channels."""

    operations = {
        "get": Operation(
            "channel_cancellation_reason",
            CASES,
            CaseReason,
            summary="Read a cancellation reason.",
        ),
        "put": Operation(
            "channel_cancellation_reason_put",
            CASES,
            CaseReason,
            request=ReasonEntry,
            summary="Change a cancellation reason.",
        ),
        "patch": Operation(
            "channel_cancellation_reason_patch",
            CASES,
            CaseReason,
            request=ReasonEntry,
            summary="Change fields of a cancellation reason.",
        ),
        "delete": Operation(
            "channel_cancellation_reason_remove",
            CASES,
            status=204,
            summary="Deactivate a cancellation reason.",
        ),
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return self.respond(path_id(pk))

    def put(self, request: Request, channel_id: str, pk: str) -> Response:
        reason_id = path_id(pk)
        self._change(reason_id, validated(ReasonEntry, self.optional_body, partial=True))
        return self.respond(reason_id)

    patch = put

    def delete(self, request: Request, channel_id: str, pk: str) -> Response:
        """Deactivates the reason; existing cases keep it."""
        self._change(path_id(pk), {"is_active": False})
        return Response(status=204)

    def _change(self, reason_id: int, columns: dict[str, Any]) -> None:
        change_reason(
            self.client.channel_id,
            reason_id,
            columns,
            now=clock.now(),
            may_change_shared=self.may_change_shared,
        )
