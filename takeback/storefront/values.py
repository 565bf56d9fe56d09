"""The small values that documents are made of."""

from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Raw

from takeback.core.errors import Problem
from takeback.storefront import labels
from takeback.storefront.addresses_shapes import Choice
from takeback.storefront.document_context import DocumentContext
from takeback.storefront.shapes import Closed

decode = msgspec.json.Decoder().decode


def sha256_of(text: str) -> str:
    """64 hex digits, for systems that recognise a customer without knowing the address."""
    return sha256(text.encode()).hexdigest()


def choice(value: str, label: str) -> Choice:
    """A value and its word."""
    return {"value": value, "label": label}


@lru_cache(maxsize=256)
def status(code: int, language: str) -> Choice:
    """An order's or item's status in the caller's language; the value is the code in digits."""
    return {"value": str(code), "label": labels.status(code)}


@lru_cache(maxsize=256)
def currency(code: str) -> Choice:
    """A currency."""
    return {"value": code, "label": labels.currency(code)}


@lru_cache(maxsize=256)
def carrier(slug: str | None) -> Choice | None:
    """A carrier by its slug."""
    return choice(slug, labels.label(labels.CARRIERS, slug)) if slug else None


def text_choice(words: Any, value: str, view: DocumentContext) -> str | Choice:
    """Plain in the classic dialect, with its word in v3."""
    return value if view.is_classic else choice(value, labels.label(words, value))


@lru_cache(maxsize=256)
def closed(problem: Problem | None, language: str) -> Closed | None:
    """Why nothing can be asked for an item, in the caller's language."""
    return {"code": problem.code, "message": str(problem.message)} if problem else None


def loads(text: str | None) -> Any:
    """A JSON column's value, where somebody looks inside."""
    return None if text is None else decode(text)


def embedded(text: str | None) -> Any:
    """A JSON column's value, where nobody does: the text as it stands, never read."""
    return None if text is None else Raw(text)


def rate(percent: Any) -> str | None:
    """A tax rate with two decimals."""
    return None if percent is None else f"{percent:.2f}"


@lru_cache(maxsize=256)
def order_type(value: str | None, language: str) -> Choice | None:
    """Regular, addition or replacement; nothing for orders older than the distinction."""
    return choice(value, labels.label(labels.ORDER_TYPES, value)) if value else None
