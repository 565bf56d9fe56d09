"""Keeping pictures: made anew by a child process, written whole, removed when unclaimed."""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from django.conf import settings

from takeback.core import errors
from takeback.core.errors import Refused
from takeback.images import sanitizer

FOLDER = "cases"
PATIENCE_SECONDS = 25
"""With all pictures of a call."""


_ENDINGS = {b"J": "jpg", b"P": "png"}


class StoredImage(NamedTuple):
    """A picture of ours: its path in the media folder, and a digest that equal ones share."""

    name: str
    digest: str


def store_images(pictures: Sequence[bytes]) -> list[StoredImage | None]:
    """Write clean copies into the media folder; None for what is no picture.

    Call it before the transaction: a row never names a file that is not there. Whoever then
    commits no row discards them; what a crash leaves behind is swept away. Beside the pictures it
    holds one clean copy at a time. More of them than a request may hold are refused as too large;
    a disk that takes nothing more, no room for a child, or more work than `PATIENCE_SECONDS` allow
    as unavailable: then nothing is left.
    """
    if sum(map(len, pictures)) > settings.MAX_PICTURES_BYTES_PER_REQUEST:
        raise Refused(errors.PAYLOAD_TOO_LARGE)
    if not pictures:
        return []
    files: list[StoredImage | None] = []
    try:
        with TemporaryFile() as answer:
            _make_anew(pictures, answer)
            # Pictures that the child did not live to answer for are none.
            for found in islice(_answers(answer), len(pictures)):
                file = write_image(*found) if found else None
                files.append(file)
    except OSError as error:
        discard_images(file.name for file in files if file)
        raise Refused(errors.UNAVAILABLE, error=error.errno) from error
    return files + [None] * (len(pictures) - len(files))


def discard_images(names: Iterable[str]) -> None:
    """Remove pictures that no row will name; one that cannot be removed is left to the sweep."""
    for name in names:
        with suppress(OSError):
            (settings.MEDIA_ROOT / name).unlink()


def _make_anew(pictures: Sequence[bytes], answer: IO[bytes]) -> None:
    """One child for all; it answers into this file, and reads from one, so neither waits."""
    # By path and isolated: it needs nothing of ours, not even our environment, and starts quickly.
    command = [sys.executable, "-I", sanitizer.__file__]
    with TemporaryFile() as told:
        for raw in pictures:
            told.write(len(raw).to_bytes(sanitizer.LENGTH_BYTES))
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
            raise Refused(errors.UNAVAILABLE, pictures=len(pictures)) from error
    # Killed, it died of a picture; an end of its own choice is a fault on our side.
    if done.returncode > 0:
        raise Refused(errors.UNAVAILABLE, picture_child=done.returncode)
    answer.seek(0)


def _answers(stream: IO[bytes]) -> Iterator[tuple[bytes, str] | None]:
    while kind := stream.read(1):
        length = int.from_bytes(stream.read(sanitizer.LENGTH_BYTES))
        # The child may be a stranger's by now: no room is made for what it merely announces.
        clean = stream.read(min(length, sanitizer.ANSWER_BYTES))
        whole = kind in _ENDINGS and len(clean) == length
        yield (clean, _ENDINGS[kind]) if whole else None


def write_image(clean: bytes, ending: str, name: str = "") -> StoredImage:
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
    return StoredImage(f"{FOLDER}/{name[:2]}/{name}.{ending}", hashlib.sha256(clean).hexdigest())


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
