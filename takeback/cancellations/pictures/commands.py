"""Keeping pictures: made anew by a child process, written whole, removed when unclaimed."""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from django.conf import settings

from takeback.cancellations.models import CancellationRequestImage
from takeback.cancellations.pictures import child
from takeback.core import problems
from takeback.core.problems import Refused

FOLDER = "cases"
PATIENCE_SECONDS = 25
"""With all pictures of a call."""
UNCLAIMED_FOR = timedelta(days=1)
ASKED_AT_ONCE = 500
_ENDINGS = {b"J": "jpg", b"P": "png"}


class Kept(NamedTuple):
    """A picture of ours: its path in the media folder, and a digest that equal ones share."""

    name: str
    digest: str


def store(pictures: Sequence[bytes]) -> list[Kept | None]:
    """Write clean copies into the media folder; None for what is no picture.

    Call it before the transaction: a row never names a file that is not there. Whoever then
    commits no row discards them; what a crash leaves behind is swept away. Beside the pictures it
    holds one clean copy at a time. More of them than a request may hold are refused as too large;
    a disk that takes nothing more, no room for a child, or more work than `PATIENCE_SECONDS` allow
    as unavailable: then nothing is left.
    """
    if sum(map(len, pictures)) > settings.MAX_PICTURES_BYTES_PER_REQUEST:
        raise Refused(problems.PAYLOAD_TOO_LARGE)
    if not pictures:
        return []
    files: list[Kept | None] = []
    try:
        with TemporaryFile() as answer:
            _make_anew(pictures, answer)
            # Pictures that the child did not live to answer for are none.
            for found in islice(_answers(answer), len(pictures)):
                file = keep(*found) if found else None
                files.append(file)
    except OSError as error:
        discard(file.name for file in files if file)
        raise Refused(problems.UNAVAILABLE, error=error.errno) from error
    return files + [None] * (len(pictures) - len(files))


def discard(names: Iterable[str]) -> None:
    """Remove pictures that no row will name; one that cannot be removed is left to the sweep."""
    for name in names:
        with suppress(OSError):
            (settings.MEDIA_ROOT / name).unlink()


def _make_anew(pictures: Sequence[bytes], answer: IO[bytes]) -> None:
    """One child for all; it answers into this file, and reads from one, so neither waits."""
    # By path and isolated: it needs nothing of ours, not even our environment, and starts quickly.
    command = [sys.executable, "-I", child.__file__]
    with TemporaryFile() as told:
        for raw in pictures:
            told.write(len(raw).to_bytes(child.LENGTH_BYTES))
            told.write(raw)
        told.seek(0)
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                command,
                stdin=told,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            # Each picture has its own limit: it is we who are too slow for all of them.
            raise Refused(problems.UNAVAILABLE, pictures=len(pictures)) from error
    # Killed, it died of a picture; an end of its own choice is a fault on our side.
    if done.returncode > 0:
        raise Refused(problems.UNAVAILABLE, picture_child=done.returncode)
    answer.seek(0)


def _answers(stream: IO[bytes]) -> Iterator[tuple[bytes, str] | None]:
    while kind := stream.read(1):
        length = int.from_bytes(stream.read(child.LENGTH_BYTES))
        # The child may be a stranger's by now: no room is made for what it merely announces.
        clean = stream.read(min(length, child.ANSWER_BYTES))
        whole = kind in _ENDINGS and len(clean) == length
        yield (clean, _ENDINGS[kind]) if whole else None


def keep(clean: bytes, ending: str, name: str = "") -> Kept:
    """Write a picture of ours, all of it or nothing, and on the disk before anybody speaks of it.

    `name` is 32 hex digits, and random unless told.
    """
    name = name or secrets.token_hex(16)
    folder = _made(settings.MEDIA_ROOT / FOLDER / name[:2])
    aside = folder / f".{secrets.token_hex(16)}"
    try:
        with aside.open("xb") as file:
            file.write(clean)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(folder / f"{name}.{ending}")
    finally:
        aside.unlink(missing_ok=True)
    _sync(folder)
    return Kept(f"{FOLDER}/{name[:2]}/{name}.{ending}", hashlib.sha256(clean).hexdigest())


def _made(folder: Path) -> Path:
    """The folder, and when it is new the entry that leads to it is on the disk, too."""
    if not folder.is_dir():
        _made(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)
    return folder


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(now: datetime) -> int:
    """Remove files that no case names and that are older than a day; how many.

    They are left by calls that died between file and row.
    """
    return sum(_sweep_folder(folder, now) for folder in (settings.MEDIA_ROOT / FOLDER).glob("??"))


def _sweep_folder(folder: Path, now: datetime) -> int:
    before = (now - UNCLAIMED_FOR).timestamp()
    old = {
        f"{FOLDER}/{folder.name}/{path.name}": path
        for path in folder.iterdir()
        if _written(path) < before
    }
    swept = 0
    for names in _batches(list(old)):
        for name in unclaimed(names):
            old[name].unlink(missing_ok=True)
            swept += 1
    return swept


def unclaimed(names: Collection[str]) -> set[str]:
    """Those that no case names."""
    claimed = CancellationRequestImage.objects.filter(image__in=names)
    return set(names).difference(claimed.values_list("image", flat=True))


def _written(path: Path) -> float:
    """When; a file that was set aside and has its name by now is as young as can be."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _batches(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + ASKED_AT_ONCE] for start in range(0, len(names), ASKED_AT_ONCE))
