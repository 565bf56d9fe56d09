"""Versions on the wire: an answer's `ETag`, and the `If-Match` that sends it back."""

import re

from django.http import HttpRequest

_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)
_NOBODYS = 0
"""Versions count from one."""


def etag(version: int) -> dict[str, str]:
    """The header that names a version."""
    return {"ETag": f'"{version}"'}


def expected_version(request: HttpRequest) -> int | None:
    """The version that a caller saw; None where it does not matter.

    A tag that is none of ours is no version of anything, and so the step is refused. A proxy that
    compresses answers makes tags weak; ours mean the same then.
    """
    told = request.headers.get("If-Match", "*").strip()
    if told == "*":
        return None
    found = _TAG.fullmatch(told)
    return int(found[1]) if found else _NOBODYS
