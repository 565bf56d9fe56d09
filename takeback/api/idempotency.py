"""Runs a request once per `Idempotency-Key` header."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils.crypto import salted_hmac
from rest_framework.response import Response

from takeback.api.renderer import JSON, encode
from takeback.core import clock
from takeback.core.errors import Refused
from takeback.idempotency import errors
from takeback.idempotency.commands import IdempotentCall, IdempotentResponse, run_idempotent

REPLAYED = "Idempotent-Replayed"
"""The header of a stored response."""

_HEADER = "Idempotency-Key"
# Without the comma: two headers arrive as one value, joined by a comma.
_KEY = re.compile(r"[!-+\--~]{1,255}", re.ASCII)
# The order of keys does not matter; numbers keep their spelling.
_canonical_json = json.JSONEncoder(sort_keys=True, default=str).iterencode


def idempotent_response(
    request: HttpRequest, action: Callable[[], Response], *, principal: str, body: Any
) -> HttpResponse:
    """The response of `action`, run once per key; a request without a key always runs.

    `principal` names the requester and is the same in a retry (`user:7`, `order:9`, `staff:3`,
    `key:5`); `body` is the parsed body. Only status and body of a response are stored. Count
    limits and authenticate before: a refusal rolls back everything that `action` writes. Raises
    Refused as `run_idempotent` does, and for an invalid key.
    """

    def run() -> IdempotentResponse:
        response = action()
        return IdempotentResponse(response.status_code, encode(response.data))

    idempotent_call = _idempotent_call(request, principal, body)
    reply = run_idempotent(idempotent_call, run, clock.now()) if idempotent_call else run()
    headers = {REPLAYED: "true"} if reply.is_replayed else {}
    return HttpResponse(reply.body, status=reply.status, content_type=JSON, headers=headers)


def has_idempotency_key(request: HttpRequest) -> bool:
    """Whether a retry of this request returns the stored response."""
    return _HEADER in request.headers


def _idempotent_call(request: HttpRequest, principal: str, body: Any) -> IdempotentCall | None:
    key = request.headers.get(_HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(errors.KEY_INVALID)
    match = request.resolver_match
    # The arguments of the route, not the path: its prefix varies, its final slash is optional.
    content = [match.kwargs if match else {}, body]
    return IdempotentCall(
        principal=_digest("principal", [principal]),
        route=f"{request.method} {_operation(match)}"[:255],
        key=key,
        fingerprint=_digest("said", _canonical_json(content)),
    )


def _operation(match: ResolverMatch | None) -> str:
    """The view class: several prefixes and routes lead to one operation."""
    view = getattr(match.func, "cls", match.func) if match else None
    return getattr(view, "__qualname__", "")


def _digest(kind: str, chunks: Iterable[str]) -> str:
    """A keyed hash: IBANs are few enough to be guessed from a plain hash of a body.

    Chunk by chunk: a body with images is never serialized as a whole.
    """
    digest = salted_hmac(f"takeback.idempotency.{kind}", "", algorithm="sha256")
    for chunk in chunks:
        digest.update(chunk.encode())
    return digest.hexdigest()
