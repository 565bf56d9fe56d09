"""Documented examples, and what it means that an answer is like one."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

# An id, a word in the caller's language, a time of our own clock: an example can only show the
# kind of value, the answer has its own.
_OURS = {"id", "label", "hash_data", "uuid", "user", "order_item", "reason", "count", "key",
         "csrf_token", "hashed_email", "form"}  # fmt: skip
_TOLD_WITH_A_NUMBER = {"product", "payment_option", "bank"}
_LINES = {"orderitem_set", "discountitem_set"}
_PLACES = {"country", "city", "township", "district"}


def example(name: str) -> dict[str, Any]:
    """An example by the name of its operation."""
    found: dict[str, Any] = json.loads((_HERE / f"{name}.json").read_text())
    return found


def schema(name: str) -> dict[str, Any]:
    """A shape of the OpenAPI document with all its properties made required, at every depth."""
    document = json.loads((_HERE / "guest_orders.schema.json").read_text())
    for node in _nodes(document):
        if "properties" in node:
            node["required"] = list(node["properties"])
    return {"$defs": document["$defs"], "$ref": f"#/$defs/{name}"}


def _nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for element in value for node in _nodes(element)]
    if not isinstance(value, dict):
        return []
    return [value, *(node for child in value.values() for node in _nodes(child))]


def differences(shown: Any, given: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Where an answer lacks a key, has another type or another value than its example.

    `{}` and `[]` in an example stand for what it left out; an answer may say more, and lists
    may go on.
    """
    if isinstance(shown, dict) and isinstance(given, dict):
        missing = [f"{_at(path)}: no {key}" for key in shown if key not in given]
        found = (differences(shown[k], given[k], (*path, k)) for k in shown if k in given)
        return missing + [text for texts in found for text in texts]
    if isinstance(shown, list) and isinstance(given, list):
        short = [f"{_at(path)}: too short"] if len(given) < len(shown) else []
        found = (
            differences(one, other, (*path, str(index)))
            for index, (one, other) in enumerate(zip(shown, given, strict=False))
        )
        return short + [text for texts in found for text in texts]
    if _is_ours(path, shown):
        return [] if type(shown) is type(given) else [f"{_at(path)}: {given!r} is no {shown!r}"]
    return [] if shown == given else [f"{_at(path)}: {given!r} is not {shown!r}"]


def _is_ours(path: tuple[str, ...], shown: Any) -> bool:
    name, parent = path[-1], path[-2] if len(path) > 1 else ""
    if name == "pk":
        return parent not in _TOLD_WITH_A_NUMBER
    if name in _PLACES:
        return isinstance(shown, int)
    if name == "order":
        return "orderitem_set" in path
    if name == "created_date":
        return bool(_LINES.intersection(path))
    if name == "modified_date":
        return "user" not in path
    return name in _OURS


def _at(path: tuple[str, ...]) -> str:
    return ".".join(path) or "the answer"
