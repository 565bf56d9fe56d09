"""Idempotency keys on the wire: the header of a request and the answer to it."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from rest_framework.response import Response

from takeback.api.renderer import JSON, encode
from takeback.core import clock
from takeback.core.errors import Refused
from takeback.idempotency import errors
from takeback.idempotency.commands import IdempotentCall, IdempotentResponse, run_idempotent

REPLAYED = "Idempotent-Replayed"
"""The header that an answer has when it was given before."""

_HEADER = "Idempotency-Key"
# Two headers arrive as one, joined by a comma: it is no part of a key.
_KEY = re.compile(r"[!-+\--~]{1,255}", re.ASCII)
# Equal bodies are equal however their keys are ordered; numbers stay what they were.
_spelled = json.JSONEncoder(sort_keys=True, default=str).iterencode


def idempotent_response(
    request: HttpRequest, act: Callable[[], Response], *, principal: str, body: Any
) -> HttpResponse:
    """Answer by `act`, once per `Idempotency-Key`; a call without one just acts.

    `principal` says who calls and survives a retry (`user:7`, `order:9`, `key:ab12`); `body` is
    what was sent, parsed. Of the answer only status and body are kept. Limits are to be counted and
    callers to be proved before: `act` is undone when it refuses. Raises Refused as `once` does, and
    for a key that is none.
    """

    def acted() -> IdempotentResponse:
        response = act()
        return IdempotentResponse(response.status_code, encode(response.data))

    call = _call(request, principal, body)
    answer = run_idempotent(call, acted, clock.now()) if call else acted()
    headers = {REPLAYED: "true"} if answer.is_replayed else {}
    return HttpResponse(answer.body, status=answer.status, content_type=JSON, headers=headers)


def has_idempotency_key(request: HttpRequest) -> bool:
    """Whether the call comes with a key, and so acts once however often it is sent."""
    return _HEADER in request.headers


def _call(request: HttpRequest, principal: str, body: Any) -> IdempotentCall | None:
    key = request.headers.get(_HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(errors.KEY_INVALID)
    match = request.resolver_match
    # What the route left open, not the path: with and without its last slash it is one call.
    said = [match.kwargs if match else {}, body]
    return IdempotentCall(
        principal=_digest("principal", [principal]),
        route=f"{request.method} {match.route if match else ''}"[:255],
        key=key,
        fingerprint=_digest("said", _spelled(said)),
    )


def _digest(kind: str, text: Iterable[str]) -> str:
    """With a secret: a body may hold a bank account, and there are not so many of those.

    Piece by piece: a body of pictures is not spelled out a second time.
    """
    digest = salted_hmac(f"takeback.idempotency.{kind}", "", algorithm="sha256")
    for piece in text:
        digest.update(piece.encode())
    return digest.hexdigest()
