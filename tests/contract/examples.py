"""Documented examples, and the comparison of responses with them."""

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

# Ids, labels and times of our clock: only their types are compared, because values are generated.
_GENERATED = {"id", "label", "hash_data", "uuid", "user", "order_item", "reason", "count", "key",
         "csrf_token", "hashed_email", "form"}  # fmt: skip
_WITH_PK_OF_THE_CHANNEL = {"product", "payment_option", "bank"}
_LINES = {"orderitem_set", "discountitem_set"}
_PLACES = {"country", "city", "township", "district"}


def example(name: str) -> dict[str, Any]:
    """The example of an operation."""
    content: dict[str, Any] = json.loads((_HERE / f"{name}.json").read_text())
    return content


def schema(name: str) -> dict[str, Any]:
    """A schema of the OpenAPI document with all properties required, at all depths."""
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


def differences(documented: Any, actual: Any, path: tuple[str, ...] = ()) -> list[str]:
    """The paths where a response lacks a key of its example, or has another type or value.

    `{}` and `[]` in an example stand for omitted content; responses may have more keys and
    elements.
    """
    if isinstance(documented, dict) and isinstance(actual, dict):
        missing = [f"{_path(path)}: no {key}" for key in documented if key not in actual]
        nested = (
            differences(documented[k], actual[k], (*path, k)) for k in documented if k in actual
        )
        return missing + [text for texts in nested for text in texts]
    if isinstance(documented, list) and isinstance(actual, list):
        short = [f"{_path(path)}: too short"] if len(actual) < len(documented) else []
        nested = (
            differences(first, second, (*path, str(index)))
            for index, (first, second) in enumerate(zip(documented, actual, strict=False))
        )
        return short + [text for texts in nested for text in texts]
    if _is_generated(path, documented):
        return (
            []
            if type(documented) is type(actual)
            else [f"{_path(path)}: {actual!r} is no {documented!r}"]
        )
    return [] if documented == actual else [f"{_path(path)}: {actual!r} is not {documented!r}"]


def _is_generated(path: tuple[str, ...], documented: Any) -> bool:
    name, parent = path[-1], path[-2] if len(path) > 1 else ""
    if name == "pk":
        return parent not in _WITH_PK_OF_THE_CHANNEL
    if name in _PLACES:
        return isinstance(documented, int)
    if name == "order":
        return "orderitem_set" in path
    if name == "created_date":
        return bool(_LINES.intersection(path))
    if name == "modified_date":
        return "user" not in path
    return name in _GENERATED


def _path(path: tuple[str, ...]) -> str:
    return ".".join(path) or "the response"
