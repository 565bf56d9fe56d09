"""What it takes to refuse bodies made to be slow to read, as large as pictures may be."""

import time
from contextlib import suppress
from statistics import median

from django.conf import settings

from benchmarks.report import Line

SIZE = 27_000_000
ROUNDS = 5
DEEP_MS, CROWDED_MS = 20, 200
_ASK = b'{"order_item":1,"reason":1,"cancellation_type":"cancel"}'

BODIES: dict[str, tuple[bytes, int | None]] = {
    "J9 opening brackets": (b"[" * SIZE, DEEP_MS),
    "J13 closing brackets": (b"]" * SIZE, CROWDED_MS),
    "J13 empty lists": (b"[]" * (SIZE // 2), CROWDED_MS),
    "J13 empty strings": (b'"' * SIZE, CROWDED_MS),
    "J13 numbers": (b"[1" + b",1" * (SIZE // 2) + b"]", CROWDED_MS),
    "B-3 100,000 items": (b'{"cancel_order_items":[' + b",".join([_ASK] * 100_000) + b"]}", 50),
    "J9 quotes without an end": (b'{"a":' + b'"\\' * (SIZE // 2), None),
    "pictures of 25 MB, which are read": (b'{"a":["' + b"A" * 25_000_000 + b'"]}', None),
}
"""Each with what it may take in milliseconds; there is no promise for what must be read whole."""


def measure() -> list[Line]:
    """The median of each; goals are those of the catalogue of bad input."""
    # The reader asks nothing of our settings, but its base class wants some to be there.
    settings.configure()
    from takeback.api.json_parser import object_from
    from takeback.core.errors import Refused

    lines = []
    for name, (body, limit) in BODIES.items():
        took = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with suppress(Refused):
                object_from(body)
            took.append((time.perf_counter() - begun) * 1000)
        lines.append(Line(name, median(took), "ms", limit=limit))
    return lines
