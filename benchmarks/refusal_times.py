"""Checks that the time of a refusal reveals nothing (P19, P23): `./dev check --long`.

Two kinds of refusal are requested in turns, in random order within each pair, over one
persistent connection, with the limits off. The difference within a pair counts, so that drift of
the machine cancels out.
"""

import json
import os
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import median
from tempfile import gettempdir

import django

from benchmarks import database
from benchmarks.report import Line
from benchmarks.server import Server, environment, serving
from benchmarks.shop import Shop, customer_email, guest_email, number_of

MEDIAN_MS, INTERVAL_MS, AUC = 0.25, 0.5, 0.53
_WARM_UP = 500
_RESAMPLED = 1_000

TAKEBACK = Path(sys.executable).with_name("takeback")

Message = tuple[str, str, bytes, dict[str, str]]


def measure(server_url: str, pairs: int) -> list[Line]:
    """For each two kinds of refusal: the median difference, its interval, and the success of
    guessing the kind by time."""
    url = database.loaded(server_url, Shop(orders=2_000, requests=0))
    with serving(url, limits=False) as server:
        return [
            line
            for kinds in (_look_ups(), _keys(url))
            for first, second in combinations(kinds, 2)
            for line in _compare(server, kinds, (first, second), pairs)
        ]


def _look_ups() -> Mapping[str, Message]:
    """Look-ups that match no order: unknown number, wrong e-mail, another guest, a customer."""
    guest, other, customer = 9, 19, 1

    def look_up(number: str, email: str) -> Message:
        body = json.dumps({"number": number, "email": email}).encode()
        return "POST", "/users/orders/anonymous/", body, {"Content-Type": "application/json"}

    return {
        "unknown number": look_up("799999999", guest_email(guest)),
        "wrong e-mail": look_up(number_of(guest), "nobody9@example.com"),
        "another guest's": look_up(number_of(guest), guest_email(other)),
        "a customer's order": look_up(number_of(customer), customer_email(customer)),
    }


def _keys(url: str) -> Mapping[str, Message]:
    """A well-formed key with an unknown id, and a key with a wrong secret."""
    os.environ |= environment(url, gettempdir())
    django.setup()
    from takeback.accounts import api_keys

    key = subprocess.run(
        [TAKEBACK, "issue-key", "--name", "bench", "--channel", "1", "--scope", "read"],
        env=environment(url, gettempdir()),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    public = key[: len(api_keys.PREFIX) + api_keys.PUBLIC_ID_LENGTH]
    unknown = api_keys.generate_key().text
    forged = public + unknown[len(public) : -api_keys.CHECKSUM_LENGTH]

    def list_with(key: str) -> Message:
        return "GET", "/api/v1/channel/1/orders/", b"", {"Authorization": f"Token {key}"}

    return {
        "unknown key": list_with(unknown),
        "wrong secret": list_with(forged + api_keys.checksum(forged)),
    }


def _compare(
    server: Server, kinds: Mapping[str, Message], pair: tuple[str, str], pairs: int
) -> list[Line]:
    dice = Random(f"{pair}")
    connection = HTTPConnection("127.0.0.1", server.port)
    for _ in range(_WARM_UP):
        _timed(connection, kinds[pair[0]])
    first, second = [], []
    for _ in range(pairs):
        if dice.random() < 1 / 2:
            first.append(_timed(connection, kinds[pair[0]]))
            second.append(_timed(connection, kinds[pair[1]]))
        else:
            second.append(_timed(connection, kinds[pair[1]]))
            first.append(_timed(connection, kinds[pair[0]]))
    connection.close()
    differences = [a - b for a, b in zip(first, second, strict=True)]
    low, high = interval(differences, dice)
    name = " / ".join(pair)
    return [
        Line(f"{name}: median", abs(median(differences)), "ms", MEDIAN_MS),
        Line(f"{name}: interval", max(abs(low), abs(high)), "ms", INTERVAL_MS),
        Line(f"{name}: guess by time", guess_rate(first, second), "AUC", AUC),
    ]


def _timed(connection: HTTPConnection, message: Message) -> float:
    method, path, body, headers = message
    started = time.perf_counter_ns()
    connection.request(method, path, body=body or None, headers=headers)
    connection.getresponse().read()
    return (time.perf_counter_ns() - started) / 1e6


def interval(differences: Sequence[float], dice: Random) -> tuple[float, float]:
    """The 95 % interval of resampled medians."""
    medians = sorted(
        median(dice.choices(differences, k=len(differences))) for _ in range(_RESAMPLED)
    )
    return medians[_RESAMPLED // 40], medians[-_RESAMPLED // 40]


def guess_rate(first: Sequence[float], second: Sequence[float]) -> float:
    """How often the slower response tells the kind (AUC): 0.5 is chance, 1 is certainty."""
    ordered = sorted(second)
    below = sum((bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 for value in first)
    share = below / (len(first) * len(second))
    return max(share, 1 - share)
