"""A small file system without room, for tests of a full disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import CI


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    """A folder on a file system of this size; mounting needs root, or sudo without password."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={kibibytes}k,mode=700,uid={os.geteuid()}"
    command = [*as_root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    can_run = not as_root or shutil.which("sudo") is not None
    if not can_run or subprocess.run(command, capture_output=True, check=False).returncode:
        (pytest.fail if CI else pytest.skip)("full disk: a file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run([*as_root, "umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Use all room of the folder's file system."""
    with (folder / "filler").open("ab", buffering=0) as file:
        for size in (65_536, 512):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
