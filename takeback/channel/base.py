"""Base views of the channel API: one row, lists, refusals, and versions in headers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import structlog
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.settings import api_settings

from takeback.accounts.api_keys import Rights
from takeback.accounts.models import ApiKey
from takeback.accounts.queries import KeyRow, rights_of_key
from takeback.accounts.staff_rights import has_all_channels
from takeback.api import base_view
from takeback.api import errors as api_errors
from takeback.api.base_view import ApiView
from takeback.api.idempotency import idempotent_response
from takeback.api.paginator import envelope
from takeback.channel import changes, errors, openapi
from takeback.channel.auth import ApiClient, ApiKeyAuthentication, HasScope
from takeback.channel.filters import NEWEST, Filters, build_filter, validated_filters
from takeback.core import errors as core_errors
from takeback.core.actor import Actor, ActorKind
from takeback.core.db.compiled_query import RowQuery
from takeback.core.errors import Problem, Refused, RuleProblem
from takeback.core.paging import Page

log = structlog.get_logger(__name__)

R = TypeVar("R")

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,18})"', re.ASCII)
_NO_VERSION = 0
"""Versions count from 1."""


class ChannelView(ApiView):
    """A route for API keys."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    metadata_class = None
    schema = openapi.ChannelSchema()
    request: Request

    scopes: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("GET", "HEAD"), ApiKey.READ),
        **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), ApiKey.DECIDE),
    }
    """The scope that each method needs."""
    ADMIN_CHANGES: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("GET", "HEAD"), ApiKey.READ),
        **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), ApiKey.ADMIN),
    }
    """The scopes of views that change settings."""
    refusals: ClassVar[Mapping[int, OpenApiResponse]] = openapi.REFUSALS
    """For the API page: the refusals that all operations of the view share."""
    operation_prefix: ClassVar[str] = ""
    """For the API page: distinguishes the routes of a view that has several."""

    @property
    def client(self) -> ApiClient:
        """The system that sends the request."""
        client = self.request.user
        assert isinstance(client, ApiClient)
        return client

    @property
    def actor(self) -> Actor:
        """The staff member who owns the key, or the system itself."""
        key = self.request.auth
        assert isinstance(key, KeyRow)
        if key.user:
            return Actor(ActorKind.STAFF, key.user.id)
        return Actor(ActorKind.CHANNEL, key.id)

    @property
    def key_rights(self) -> Rights:
        """The rights of the key, in all its channels: it passes on no others."""
        return rights_of_key(self.client.key_id, self.client.scopes)

    @property
    def may_change_shared(self) -> bool:
        """Whether the key may change what all channels share."""
        is_admin = ApiKey.ADMIN in self.client.scopes
        return is_admin and has_all_channels(self.key_rights.channel_ids)

    @property
    def django_request(self) -> HttpRequest:
        return base_view.django_request(self.request)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in the body; a missing body is malformed JSON."""
        if self.request.stream is None:
            raise Refused(core_errors.MALFORMED_JSON)
        data = self.request.data
        assert isinstance(data, dict)
        return data

    @property
    def optional_body(self) -> dict[str, Any]:
        """The JSON object in the body; a missing body is an empty object."""
        return {} if self.request.stream is None else self.body

    def idempotent(self, act: Callable[[], Response], *, body: Any) -> HttpResponse:
        """The response of `act`, which runs once per principal and `Idempotency-Key`."""
        key = self.request.auth
        assert isinstance(key, KeyRow)
        return idempotent_response(self.django_request, act, principal=key.principal, body=body)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return refusal


class ChannelListView(ChannelView):
    """A page of documents.

    A subclass gives the rows in view and builds their documents. The base reads the filters,
    counts, orders, cuts out the page and adds the envelope.
    """

    filters: ClassVar[Filters] = {}
    ordering: ClassVar[Sequence[str]] = NEWEST
    rows: ClassVar[RowQuery[Any] | None] = None
    """Reads the rows; None for model instances."""
    has_envelope: ClassVar[bool] = True
    """Whether the response carries count and links; the contract also has bare lists."""

    def get(self, request: Request, channel_id: str = "") -> Response:
        query = request.query_params.dict()
        page, values = Page.of(query), validated_filters(request, self.filters)
        total, rows = self.load(values, page)
        documents = self.to_documents(rows)
        if not self.has_envelope:
            return Response(documents)
        response = envelope(request.path, query, page, total, documents)
        if changes.is_followed(self.ordering, values) and response["next"]:
            response["next"] = changes.next_link(request.path, query, rows[-1].modified_date)
        return Response(response)

    def load(self, values: Mapping[str, Any], page: Page) -> tuple[int, list[Any]]:
        """The number of matching rows, and those of the page: one statement each."""
        ordering = [values["sort"]] if "sort" in values else self.ordering
        matches = self.queryset().filter(self.condition(values)).order_by(*ordering)
        total = matches.count() if self.has_envelope else 0
        if self.rows and changes.is_followed(self.ordering, values):
            return total, changes.page_of_changes(self.rows, matches, page)
        window = matches[page.offset : page.offset + page.limit]
        return total, list(window) if self.rows is None else self.rows.fetch(window)

    def condition(self, values: Mapping[str, Any]) -> Q:
        """The rows that match the filters; a list of changes ends where others may follow."""
        condition = build_filter(self.filters, values)
        return condition & changes.visible(self.ordering, values)

    def queryset(self) -> "QuerySet[Any, Any]":
        """All rows in view."""
        raise NotImplementedError

    def to_documents(self, rows: list[Any]) -> list[Any]:
        """The documents of a page's rows."""
        raise NotImplementedError


def validated(
    form: type[Serializer[Any]], body: Mapping[str, Any], **options: Any
) -> dict[str, Any]:
    """The validated data of a body; DRF's ValidationError names all invalid fields."""
    serializer = form(data=body, **options)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def errors_by_path(detail: Mapping[Any, Any]) -> dict[str, Any]:
    """The errors of nested fields by path, `objects.0.pk`; those of an element by `objects.0`."""
    return dict(_paths(detail, ()))


def _paths(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_whole = bool(path) and name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _paths(inner, path if is_whole else (*path, str(name)))
    else:
        yield ".".join(path), detail


class FieldsRefused(Exception):
    """Several fields are refused, each by its path with its own problem."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


def row_or_404(row: R | None) -> R:
    """The row; a row of another channel is reported like a missing one."""
    if row is None:
        raise Refused(core_errors.NOT_FOUND)
    return row


def refusal(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The response to an exception: field errors and one code, or the API's plain form."""
    if isinstance(error, exceptions.ValidationError):
        detail = error.detail
        fields = detail if isinstance(detail, dict) else {"non_field_errors": detail}
        return Response({**fields, "code": errors.FIELDS_INVALID}, status=400)
    if isinstance(error, FieldsRefused):
        return _fields_refused(error.problems)
    if isinstance(error, Refused) and error.problem.field:
        api_errors.log_refusal(error)
        problem = error.problem
        reasons = [str(error.context["reason"])] if "reason" in error.context else []
        texts = [problem.message, *reasons]
        return Response({problem.field: texts, "code": problem.code}, status=problem.status)
    if isinstance(error, Refused) and isinstance(error.problem, RuleProblem):
        api_errors.log_refusal(error)
        # The status of a RuleProblem is the storefront's.
        return api_errors.problem_response(replace(error.problem, status=400))
    return api_errors.exception_handler(error, context)


def _fields_refused(problems: Mapping[str, Problem]) -> Response:
    """The text of every field; status and code are those of the first."""
    first = next(iter(problems.values()))
    log.info("refused", code=first.code, fields=sorted(problems))
    fields = {path: [problem.message] for path, problem in problems.items()}
    return Response({**fields, "code": first.code}, status=first.status)


def etag(version: int) -> dict[str, str]:
    """The header with the version of a document."""
    return {"ETag": f'"{version}"'}


def expected_version(request: HttpRequest) -> int | None:
    """The version in `If-Match`; None where every version is accepted.

    A tag that is not ours becomes a version that no document has, so that the command refuses
    it. Proxies that compress responses weaken tags, so weak tags count as well.
    """
    tag = request.headers.get("If-Match", "*").strip()
    if tag == "*":
        return None
    match = _ETAG.fullmatch(tag)
    return int(match[1]) if match else _NO_VERSION
