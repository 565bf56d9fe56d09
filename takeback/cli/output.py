"""Files that commands write: complete, or not there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_STANDARD_OUTPUT = "-"


@contextmanager
def open_output(target: str) -> Iterator[TextIO]:
    """A file to write in UTF-8; `-` is the standard output.

    The file appears once it is complete: an interrupted export leaves none, and an older one stays.
    """
    path = Path(target)
    if target == _STANDARD_OUTPUT:
        yield sys.stdout
        sys.stdout.flush()
    elif path.exists() and not path.is_file():  # a pipe or a device
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    else:
        partial = path.with_name(f"{path.name}.partial")
        try:
            with partial.open("w", encoding="utf-8", newline="") as file:
                yield file
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
