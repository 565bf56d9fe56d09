"""Storing images: re-encoded by a child process, written atomically, discarded if unused."""

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

FOLDER, LOGOS = "cases", "logos"
# For all images of a request.
TIMEOUT_SECONDS = 25

_EXTENSIONS = {b"J": "jpg", b"P": "png"}


class StoredImage(NamedTuple):
    """A stored image: its path in the media folder, and a digest that equal images share."""

    name: str
    digest: str


def store_images(images: Sequence[bytes], *, folder: str = FOLDER) -> list[StoredImage | None]:
    """Write clean copies into the media folder; None for each input that is not an image.

    Call it before the transaction, so that no row names a missing file. A caller that commits no
    row discards the images; the periodic sweep removes those of a crashed process. Besides the
    inputs one clean copy at a time is in memory. Raises Refused: too large for more bytes than a
    request may hold; unavailable for a full disk, a child that cannot start, and a timeout. Then
    no file is left.
    """
    if sum(map(len, images)) > settings.MAX_PICTURES_BYTES_PER_REQUEST:
        raise Refused(errors.PAYLOAD_TOO_LARGE)
    if not images:
        return []
    stored: list[StoredImage | None] = []
    try:
        with TemporaryFile() as output:
            _reencode(images, output)
            # Images after the one that killed the child have no output: they count as no images.
            for copy in islice(_clean_copies(output), len(images)):
                image = write_image(*copy, folder=folder) if copy else None
                stored.append(image)
    except OSError as error:
        discard_images(image.name for image in stored if image)
        raise Refused(errors.UNAVAILABLE, error=error.errno) from error
    return stored + [None] * (len(images) - len(stored))


def discard_images(names: Iterable[str]) -> None:
    """Remove images that no row names; the sweep removes files that cannot be removed here."""
    for name in names:
        with suppress(OSError):
            (settings.MEDIA_ROOT / name).unlink()


def _reencode(images: Sequence[bytes], output: IO[bytes]) -> None:
    """Run one child for all images; it reads and writes files, so neither process blocks."""
    # By path and isolated: the child needs neither our packages nor our environment.
    command = [sys.executable, "-I", sanitizer.__file__]
    with TemporaryFile() as frames:
        for raw in images:
            frames.write(len(raw).to_bytes(sanitizer.LENGTH_BYTES))
            frames.write(raw)
        frames.seek(0)
        try:
            child = subprocess.run(  # noqa: S603 - our own program
                command,
                stdin=frames,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            # Each image has its own limit, so the server is too slow for all of them.
            raise Refused(errors.UNAVAILABLE, images=len(images)) from error
    # A signal means that an image killed the child; an exit code is an error of the program.
    if child.returncode > 0:
        raise Refused(errors.UNAVAILABLE, image_child=child.returncode)
    output.seek(0)


def _clean_copies(stream: IO[bytes]) -> Iterator[tuple[bytes, str] | None]:
    while kind := stream.read(1):
        length = int.from_bytes(stream.read(sanitizer.LENGTH_BYTES))
        # An image may have taken the child over: its lengths do not decide on memory.
        clean = stream.read(min(length, sanitizer.OUTPUT_BYTES))
        is_complete = kind in _EXTENSIONS and len(clean) == length
        yield (clean, _EXTENSIONS[kind]) if is_complete else None


def write_image(
    clean: bytes, extension: str, name: str = "", *, folder: str = FOLDER
) -> StoredImage:
    """Write an image atomically and durably. `name` has 32 hex digits, random by default."""
    name = name or secrets.token_hex(16)
    parent = _create_folder(settings.MEDIA_ROOT / folder / name[:2])
    temporary = parent / f".{secrets.token_hex(16)}"
    try:
        with temporary.open("xb") as file:
            file.write(clean)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(parent / f"{name}.{extension}")
    finally:
        temporary.unlink(missing_ok=True)
    _sync(parent)
    path = f"{folder}/{name[:2]}/{name}.{extension}"
    return StoredImage(path, hashlib.sha256(clean).hexdigest())


def _create_folder(folder: Path) -> Path:
    """Create the folder durably if it is missing, with its parents."""
    if not folder.is_dir():
        _create_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)
    return folder


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
