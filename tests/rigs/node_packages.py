"""Node packages that tests use; `tests/rigs/install_node_packages` installs them."""

import os
import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import CI

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "takeback"


def node_packages(source: Path) -> Path:
    """The folder with the packages of a lock file. Skips the test if they are not installed.

    In CI the test fails instead.
    """
    name = f"{source.name.replace('_', '-')}-{digest([source / 'package-lock.json'])}"
    folder = _CACHE / name
    if shutil.which("node") is None or not (folder / "node_modules").exists():
        missing = f"{name} is not installed: tests/rigs/install_node_packages"
        pytest.fail(missing) if CI else pytest.skip(missing)
    return folder


def digest(files: Sequence[Path]) -> str:
    """A name for the content of these files."""
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
