"""Whether the reference says what we say: both answers parsed, key order included."""

import json
from random import Random
from typing import Any

from benchmarks.client import Caller, list_of
from benchmarks.server import Server
from benchmarks.shop import Shop

ASKED = 30


def differences(ours: Server, reference: Server, shop: Shop) -> list[str]:
    """Where the two lists of some customers differ; empty when they are the same."""
    dice = Random(7)
    one, other = Caller("127.0.0.1", ours.port), Caller("127.0.0.1", reference.port)
    found: list[str] = []
    for customer in (dice.randrange(shop.customers) for _ in range(ASKED)):
        wanted = list_of(customer)
        _compare(json.loads(one.call(wanted)), json.loads(other.call(wanted)), "", found)
    return found


def _compare(one: Any, other: Any, where: str, found: list[str]) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            found.append(f"{where}: keys {list(one)} and {list(other)}")
        for key in one.keys() & other.keys():
            _compare(one[key], other[key], f"{where}.{key}", found)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for position, pair in enumerate(zip(one, other, strict=True)):
            _compare(*pair, f"{where}[{position}]", found)
    elif one != other:
        found.append(f"{where}: {one!r} and {other!r}")
