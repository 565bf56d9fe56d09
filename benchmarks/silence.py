"""Whether the time of a refusal tells anything (promises P19 and P23): `./dev check --long`.

Two kinds of refusal are asked for in turn, in an order drawn anew for each pair, over one
kept-alive connection, with the limits off. What counts is the difference within a pair, so that
the machine's drift falls out.
"""

import json
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

from benchmarks import database
from benchmarks.report import Line
from benchmarks.server import Server, environment, serving
from benchmarks.shop import Shop, customer_email, guest_email, number_of
from takeback.accounts import api_keys

MEDIAN_MS, INTERVAL_MS, AUC = 0.25, 0.5, 0.53
_WARM_UP = 500
_RESAMPLED = 1_000

TAKEBACK = Path(sys.executable).with_name("takeback")

Call = tuple[str, str, bytes, dict[str, str]]


def measure(server_url: str, pairs: int) -> list[Line]:
    """For every two kinds of refusal: the median difference, its interval, and how well
    a guess by time alone would do."""
    url = database.loaded(server_url, Shop(orders=2_000, requests=0))
    with serving(url, limits=False) as server:
        return [
            line
            for kinds in (_look_ups(), _keys(url))
            for first, second in combinations(kinds, 2)
            for line in _compare(server, kinds, (first, second), pairs)
        ]


def _look_ups() -> Mapping[str, Call]:
    """Whatever does not match: unknown, another's, a customer's."""
    guest, other, customer = 9, 19, 1

    def look_up(number: str, email: str) -> Call:
        body = json.dumps({"number": number, "email": email}).encode()
        return "POST", "/users/orders/anonymous/", body, {"Content-Type": "application/json"}

    return {
        "unknown number": look_up("799999999", guest_email(guest)),
        "wrong e-mail": look_up(number_of(guest), "nobody9@example.com"),
        "another guest's": look_up(number_of(guest), guest_email(other)),
        "a customer's order": look_up(number_of(customer), customer_email(customer)),
    }


def _keys(url: str) -> Mapping[str, Call]:
    """A well-formed key whose name is unknown, and one whose secret is wrong."""
    made = subprocess.run(
        [TAKEBACK, "issue-key", "--name", "bench", "--channel", "1", "--scope", "read"],
        env=environment(url, gettempdir()),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    name = made[: len(api_keys.PREFIX) + api_keys.PUBLIC_ID_LENGTH]
    unknown = api_keys.generate_key().text
    forged = name + unknown[len(name) : -api_keys.CHECKSUM_LENGTH]

    def list_with(key: str) -> Call:
        return "GET", "/api/v1/channel/1/orders/", b"", {"Authorization": f"Token {key}"}

    return {
        "unknown key": list_with(unknown),
        "wrong secret": list_with(forged + api_keys.checksum(forged)),
    }


def _compare(
    server: Server, kinds: Mapping[str, Call], pair: tuple[str, str], pairs: int
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
        Line(f"{name}: guessed by time", guessed(first, second), "AUC", AUC),
    ]


def _timed(connection: HTTPConnection, call: Call) -> float:
    method, path, body, headers = call
    started = time.perf_counter_ns()
    connection.request(method, path, body=body or None, headers=headers)
    connection.getresponse().read()
    return (time.perf_counter_ns() - started) / 1e6


def interval(differences: Sequence[float], dice: Random) -> tuple[float, float]:
    """95 of 100 resampled medians lie within."""
    medians = sorted(
        median(dice.choices(differences, k=len(differences))) for _ in range(_RESAMPLED)
    )
    return medians[_RESAMPLED // 40], medians[-_RESAMPLED // 40]


def guessed(first: Sequence[float], second: Sequence[float]) -> float:
    """How often the slower one is of the same kind: a half is pure chance, one is certainty."""
    ordered = sorted(second)
    below = sum((bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 for value in first)
    share = below / (len(first) * len(second))
    return max(share, 1 - share)
