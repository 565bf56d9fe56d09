"""The files in which worker processes share their metrics: their blocks exist before use.

A page of a memory-mapped file that has no block kills the process with SIGBUS when the disk is
full. prometheus_client maps files that it has only truncated to their size.
"""

import os
from pathlib import Path

from prometheus_client import mmap_dict, values

_INITIAL_BYTES = 65_536
# Length, padding, value and time stamp of an entry, besides its key.
_ENTRY_BYTES = 32


def _create(file: Path) -> None:
    """Create the file with blocks; other processes, which read it, never see it without."""
    new = file.with_suffix(".new")
    try:
        with new.open("wb") as blocks:
            os.posix_fallocate(blocks.fileno(), 0, _INITIAL_BYTES)
        new.rename(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise


class AllocatedFile(mmap_dict.MmapedDict):
    """Raises OSError instead of mapping a page without a block."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        if not Path(filename).exists():
            _create(Path(filename))
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]  # the library's

    def _init_value(self, key: str) -> None:
        capacity, needed = self._capacity, self._used + len(key.encode()) + _ENTRY_BYTES
        while capacity < needed:
            capacity *= 2
        os.posix_fallocate(self._f.fileno(), 0, capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]  # the library's


def allocate_blocks() -> None:
    """Let prometheus_client use allocated files; call it before the first metric has a value."""
    vars(values)["MmapedDict"] = AllocatedFile
