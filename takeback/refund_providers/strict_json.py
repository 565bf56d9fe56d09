"""Reads JSON of a provider: an object of the expected types without a duplicate key."""

import json
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Unreadable(ValueError):
    """The body is not the expected document; the text names the reason without its content."""


class DocumentReader(Generic[T]):
    """Reads documents of a kind. Make it when a module is loaded, never in a thread.

    msgspec prepares a class when it is first used, and crashes the process if several threads then
    decode it: so the senders of refunds must find it prepared.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        msgspec.json.Decoder(kind)

    def read(self, body: bytes) -> T:
        """The document in a body. Raises Unreadable; keys that the kind lacks are ignored."""
        try:
            value = json.loads(
                body.decode(),
                object_pairs_hook=_object,
                parse_float=_refuse,
                parse_constant=_refuse,
            )
            return msgspec.convert(value, type=self._kind, strict=True)
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            raise Unreadable(type(error).__name__) from error


def _object(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    for key, value in members:
        if key in parsed:
            raise ValueError("duplicate key")
        parsed[key] = value
    return parsed


def _refuse(literal: str) -> None:
    """Numbers with a point never stand for an amount: amounts are strings."""
    raise ValueError("not an integer")
