"""Keeping pictures: made anew by a child process, written whole, swept away when unclaimed."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from django.conf import settings

from takeback.cancellations.models import CancellationRequestImage
from takeback.cancellations.pictures import child
from takeback.core import problems
from takeback.core.problems import Refused

FOLDER = "cases"
PATIENCE_SECONDS = 30
UNCLAIMED_FOR = timedelta(days=1)
_ENDINGS = {b"J": "jpg", b"P": "png"}


def store(pictures: Sequence[bytes]) -> list[str | None]:
    """Write clean copies into the media folder; the name of each, None for what is no picture.

    Call it before the transaction: a row never names a file that is not there, and a file that no
    row names is swept away. A disk that takes nothing more is refused as unavailable.
    """
    try:
        return [_write(*found) if found else None for found in _made_anew(pictures)]
    except OSError as error:
        raise Refused(problems.UNAVAILABLE, error=error.errno) from error


def _made_anew(pictures: Sequence[bytes]) -> list[tuple[bytes, str] | None]:
    """One child for all; pictures that it did not live to answer for are none."""
    if not pictures:
        return []
    told = b"".join(len(raw).to_bytes(child.LENGTH_BYTES) + raw for raw in pictures)
    # By path and isolated: it needs nothing of ours, and starts in a tenth of the time.
    command = [sys.executable, "-I", child.__file__]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )
    try:
        answer, _ = process.communicate(told, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        answer, _ = process.communicate()
    found = list(_answers(BytesIO(answer)))
    return found + [None] * (len(pictures) - len(found))


def _answers(stream: BytesIO) -> Iterator[tuple[bytes, str] | None]:
    while kind := stream.read(1):
        length = int.from_bytes(stream.read(child.LENGTH_BYTES))
        clean = stream.read(length)
        whole = kind in _ENDINGS and len(clean) == length
        yield (clean, _ENDINGS[kind]) if whole else None


def _write(clean: bytes, ending: str) -> str:
    """All of it or nothing, and on the disk before anybody speaks of it."""
    name = secrets.token_hex(16)
    folder = settings.MEDIA_ROOT / FOLDER / name[:2]
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}"
    try:
        with aside.open("xb") as file:
            file.write(clean)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(folder / f"{name}.{ending}")
    finally:
        aside.unlink(missing_ok=True)
    _sync(folder)
    return f"{FOLDER}/{name[:2]}/{name}.{ending}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(now: datetime) -> int:
    """Remove files that no case names, a day after they were written; how many.

    They are left by calls that were refused, or that died, between file and row.
    """
    return sum(_sweep_folder(folder, now) for folder in (settings.MEDIA_ROOT / FOLDER).glob("??"))


def _sweep_folder(folder: Path, now: datetime) -> int:
    before = (now - UNCLAIMED_FOR).timestamp()
    written = {f"{FOLDER}/{folder.name}/{path.name}": path for path in folder.iterdir()}
    old = {name for name, path in written.items() if path.stat().st_mtime < before}
    if not old:
        return 0
    claimed = CancellationRequestImage.objects.filter(image__startswith=f"{FOLDER}/{folder.name}/")
    unclaimed = old.difference(claimed.values_list("image", flat=True))
    for name in unclaimed:
        written[name].unlink(missing_ok=True)
    return len(unclaimed)
