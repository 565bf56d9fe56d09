"""Checks that the DRF reference returns the same documents, key order included."""

import json
from random import Random
from typing import Any

from benchmarks.client import Connection, list_of
from benchmarks.server import Server
from benchmarks.shop import Shop

CUSTOMERS = 30


def differences(ours: Server, reference: Server, shop: Shop) -> list[str]:
    """The differences between the order lists of some customers; empty if they are equal."""
    dice = Random(7)
    first = Connection("127.0.0.1", ours.port)
    second = Connection("127.0.0.1", reference.port)
    different: list[str] = []
    for customer in (dice.randrange(shop.customers) for _ in range(CUSTOMERS)):
        request = list_of(customer)
        _compare(json.loads(first.send(request)), json.loads(second.send(request)), "", different)
    return different


def _compare(first: Any, second: Any, place: str, different: list[str]) -> None:
    if isinstance(first, dict) and isinstance(second, dict):
        if list(first) != list(second):
            different.append(f"{place}: keys {list(first)} and {list(second)}")
        for key in first.keys() & second.keys():
            _compare(first[key], second[key], f"{place}.{key}", different)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for position, pair in enumerate(zip(first, second, strict=True)):
            _compare(*pair, f"{place}[{position}]", different)
    elif first != second:
        different.append(f"{place}: {first!r} and {second!r}")
