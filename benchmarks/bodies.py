"""The time to refuse bodies that are slow to parse, as large as a request with images."""

import time
from contextlib import suppress
from statistics import median

from django.conf import settings

from benchmarks.report import Line

SIZE = 27_000_000
ROUNDS = 5
DEEP_MS, CROWDED_MS = 20, 200
_CASE = b'{"order_item":1,"reason":1,"cancellation_type":"cancel"}'

BODIES: dict[str, tuple[bytes, int | None]] = {
    "opening brackets": (b"[" * SIZE, DEEP_MS),
    "closing brackets": (b"]" * SIZE, CROWDED_MS),
    "empty lists": (b"[]" * (SIZE // 2), CROWDED_MS),
    "empty strings": (b'"' * SIZE, CROWDED_MS),
    "numbers": (b"[1" + b",1" * (SIZE // 2) + b"]", CROWDED_MS),
    "100,000 items": (b'{"cancel_order_items":[' + b",".join([_CASE] * 100_000) + b"]}", 50),
    "unclosed strings": (b'{"a":' + b'"\\' * (SIZE // 2), None),
    "images of 25 MB (valid)": (b'{"a":["' + b"A" * 25_000_000 + b'"]}', None),
}
"""Each body with its limit in milliseconds; None where the whole body must be parsed."""


def measure() -> list[Line]:
    """The median time of each body."""
    # The parser reads no setting, but its base class needs configured settings.
    if not settings.configured:
        settings.configure()
    from takeback.api.json_parser import object_from
    from takeback.core.errors import Refused

    lines = []
    for name, (body, limit) in BODIES.items():
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            with suppress(Refused):
                object_from(body)
            times.append((time.perf_counter() - started) * 1000)
        lines.append(Line(name, median(times), "ms", limit=limit))
    return lines
