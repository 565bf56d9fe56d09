"""CPU time and memory of processes, as Linux counts them."""

import os
import platform
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")
# Positions in /proc/<pid>/stat after the program's name.
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM, _RESIDENT = 1, 11, 12, 13, 14, 21


def _stat(pid: int) -> list[str]:
    """The fields after the program's name; none if the process has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children[int(fields[_PARENT])].append(int(entry.name))
    pids, pending = [], [root]
    while pending:
        pid = pending.pop()
        pids.append(pid)
        pending += children[pid]
    return pids


def cpu_seconds(root: int) -> float:
    """User and system time of a tree of processes, including ended children."""
    ticks = 0
    for pid in tree(root):
        if fields := _stat(pid):
            ticks += sum(
                int(fields[at]) for at in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM)
            )
    return ticks / TICKS


def resident_mib(pids: Iterable[int]) -> float:
    """Resident memory; a shared page counts in each process."""
    pages = sum(int(fields[_RESIDENT]) for pid in pids if (fields := _stat(pid)))
    return pages * PAGE / 2**20


def parent_of(pid: int) -> int:
    """The id of the process that started this one."""
    return int(_stat(pid)[_PARENT])


def name_of(pid: int) -> str:
    """The program's short name."""
    return (_PROC / str(pid) / "comm").read_text().strip()


def busy_seconds() -> float:
    """CPU time of all processes of the machine since its start."""
    user, nice, system, _idle, _wait, irq, soft, steal = map(
        int, (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + soft + steal) / TICKS


def machine() -> str:
    """A short description of the machine, without its name."""
    info = (_PROC / "cpuinfo").read_text().splitlines()
    models = {line.partition(":")[2].strip() for line in info if line.startswith("model name")}
    memory = int((_PROC / "meminfo").read_text().split()[1]) / 2**20
    model = ", ".join(sorted(models)) or "unknown processor"
    return f"shared machine, {os.cpu_count()} cores ({model}), {memory:.0f} GiB of memory"


def interpreter() -> str:
    """The version of Python, and whether it was built with profile-guided optimization (PGO).

    Without PGO, pure Python takes a fifth longer; the database driver and PostgreSQL do not.
    """
    version = platform.python_version()
    if "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS")):
        return f"Python {version} built with PGO"
    # Debian builds with PGO, but removes the flags from the configuration variables.
    packaged = sys.base_prefix == "/usr"
    return f"Python {version} " + ("of the distribution" if packaged else "built without PGO")
