"""What a channel's routes have in common: their caller and the form of a refusal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.queries import KeyRow
from takeback.api import base_view
from takeback.api import errors as api_errors
from takeback.api.base_view import ApiView
from takeback.api.idempotency import idempotent_response
from takeback.channel import errors
from takeback.channel.auth import ApiKeyAuthentication, Caller, HasScope
from takeback.core import errors as core_errors
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused, RuleProblem


class ChannelView(ApiView):
    """A route for the holder of a key; `scopes` says which scope a method needs."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    metadata_class = None
    scopes: ClassVar[Mapping[str, str]] = {}
    request: Request

    @property
    def caller(self) -> Caller:
        """The system that calls, let in by `KeyHolder`."""
        caller = self.request.user
        assert isinstance(caller, Caller)
        return caller

    @property
    def actor(self) -> Actor:
        """Who acts: the member of staff to whom the key belongs, else the system itself."""
        key = self.request.auth
        assert isinstance(key, KeyRow)
        if key.user:
            return Actor(ActorKind.STAFF, key.user.id)
        return Actor(ActorKind.CHANNEL, key.id)

    def answer_once(self, act: Callable[[], Response], *, body: Any) -> HttpResponse:
        """Answer by `act`, once per key of the caller's and `Idempotency-Key`."""
        principal = f"key:{self.caller.key_id}"
        return idempotent_response(self.plain, act, principal=principal, body=body)

    @property
    def plain(self) -> HttpRequest:
        """Django's own request."""
        return base_view.django_request(self.request)

    @property
    def document(self) -> dict[str, Any]:
        """The body, an object by our parser; none at all is no JSON either."""
        if self.request.stream is None:
            raise Refused(core_errors.MALFORMED_JSON)
        told = self.request.data
        assert isinstance(told, dict)
        return told

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return refusal


def refusal(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Fields with lists of texts and one code; all else is the same everywhere."""
    if isinstance(error, exceptions.ValidationError):
        detail = error.detail
        fields = detail if isinstance(detail, dict) else {"non_field_errors": detail}
        return Response({**fields, "code": errors.FIELDS_INVALID}, status=400)
    if isinstance(error, Refused) and error.problem.field:
        problem = error.problem
        reasons = [str(error.context["reason"])] if "reason" in error.context else []
        texts = [problem.message, *reasons]
        return Response({problem.field: texts, "code": problem.code}, status=problem.status)
    if isinstance(error, Refused) and isinstance(error.problem, RuleProblem):
        # Its own status is the storefront's.
        return api_errors.problem_response(replace(error.problem, status=400))
    return api_errors.exception_handler(error, context)
