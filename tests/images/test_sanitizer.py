"""Promise P26, the child process: what it may use up, and what its end costs."""

import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from takeback.core import errors
from takeback.core.errors import Refused
from takeback.images import sanitizer
from takeback.images import store as images_store
from takeback.images.store import store_images
from tests.images.samples import photo

MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is run in place of the child's."""
    path = tmp_path / "child.py"
    monkeypatch.setattr(sanitizer, "__file__", str(path))
    return path


def run(told: str, pictures: bytes = b"") -> tuple[int, bytes]:
    """How a process ends, and what it says, whose program has the child's names in `ours`."""
    program = f"import runpy; ours = runpy.run_path({sanitizer.__file__!r})\n{told}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], input=pictures, capture_output=True, check=False
    )
    return done.returncode, done.stdout


def test_the_child_bounds_itself() -> None:
    ended, said = run(
        "import resource; ours['bound']()\n"
        "print([resource.getrlimit(what)[1] for what in (resource.RLIMIT_AS,"
        " resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)])\n"
        "try: bytearray(600 * 2**20)\n"
        "except MemoryError: print('no more')"
    )
    assert (ended, said) == (0, b"[536870912, 30, 67108864, 0]\nno more\n")
    assert sanitizer.CPU_SECONDS_OF_ALL > images_store.PATIENCE_SECONDS


# What was used is told, not used: 1.5 seconds, of which a fifth in the kernel, by each picture.
USING = """
import resource, types
used = 0
def getrusage(whose):
    assert whose == resource.RUSAGE_SELF
    return types.SimpleNamespace(ru_utime=used * 1.2, ru_stime=used * 0.3)
resource.getrusage = getrusage
def reencode(raw):
    global used
    used += 1
    return b"J", b"%d %d" % resource.getrlimit(resource.RLIMIT_CPU)
names = ours["main"].__globals__
names["reencode"] = reencode
ours["main"]()
"""


def test_each_picture_has_time_of_its_own() -> None:
    ended, said = run(USING, b"\0\0\0\1x" * 18)
    limits = said.replace(b"J\0\0\0\4", b"\n").replace(b"J\0\0\0\5", b"\n").split(b"\n")[1:]
    wanted = [5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29, 30]
    assert (ended, limits) == (0, [b"%d 30" % limit for limit in wanted])


ENDLESS = """
names = ours["main"].__globals__
names["CPU_SECONDS"] = 1
def reencode(raw):
    while raw == b"y":
        pass
    return b"J", raw
names["reencode"] = reencode
ours["main"]()
"""


@pytest.mark.thorough
def test_a_picture_that_takes_more_time_than_its_own_kills_the_child() -> None:
    ended, said = run(ENDLESS, b"\0\0\0\1x\0\0\0\1y")
    assert (ended, said) == (-signal.SIGXCPU, b"J\0\0\0\1x")


ANSWER = "import os, sys, time; sys.stdin.buffer.read(); os.write(1, b'J\\0\\0\\0\\1x');"
ENDS = {
    "killed": "os.kill(os.getpid(), 9)",
    "in the middle of an answer": "os.write(1, b'J\\0\\0\\1\\0xyz')",
    "with less than it was asked for": "",
    "announcing more than there could be": "os.write(1, b'J\\xff\\xff\\xff\\xffxyz')",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_child_that_dies_costs_its_pictures_and_nothing_else(
    end: str, media: Path, stand_in: Path
) -> None:
    # I25
    stand_in.write_text(ANSWER + ENDS[end])
    tracemalloc.start()
    first, second = store_images([b"a", b"b"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert first
    assert (media / first.name).read_bytes() == b"x"
    assert second is None
    assert most < 2 * sanitizer.ANSWER_BYTES


def test_answers_that_nobody_asked_for_are_not_kept(media: Path, stand_in: Path) -> None:
    stand_in.write_text(ANSWER * 3)
    first, second = store_images([b"a", b"b"])
    assert first
    assert second
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


def test_a_child_that_takes_too_long_for_all_is_our_fault_and_leaves_nothing(
    media: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I25
    stand_in.write_text(ANSWER + "time.sleep(60)")
    monkeypatch.setattr(images_store, "PATIENCE_SECONDS", 1)
    with pytest.raises(Refused) as refused:
        store_images([b"a", b"b"])
    assert refused.value.problem is errors.UNAVAILABLE
    assert not media.exists()


def test_a_child_that_cannot_work_is_our_fault(stand_in: Path) -> None:
    with pytest.raises(Refused) as refused:
        store_images([photo()])
    assert refused.value.problem is errors.UNAVAILABLE


def test_the_child_knows_none_of_our_secrets(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    stand_in.write_text(f"import os; open({str(told)!r}, 'w').write(repr(sorted(os.environ)))")
    monkeypatch.setenv("SECRET_KEY", "secret")
    store_images([photo()])
    assert set(eval(told.read_text())) <= {"LC_CTYPE"}


def test_pictures_are_not_held_a_second_time(stand_in: Path) -> None:
    # 20 MiB go in, and 20 MiB come out again.
    stand_in.write_text(
        "import sys\n"
        "while head := sys.stdin.buffer.read(4):\n"
        "    raw = sys.stdin.buffer.read(int.from_bytes(head))\n"
        "    sys.stdout.buffer.write(b'J' + head + raw)"
    )
    pictures = [os.urandom(2 * MEBIBYTE) for _ in range(10)]
    tracemalloc.start()
    found = store_images(pictures)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(found)
    assert most < 5 * MEBIBYTE
