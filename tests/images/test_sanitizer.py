"""Promise P26, the child process: its limits, and the consequences of its death."""

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
from tests.images.samples import image_bytes, png_of

MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def fake_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that runs in place of the child's program."""
    path = tmp_path / "child.py"
    monkeypatch.setattr(sanitizer, "__file__", str(path))
    return path


def run(code: str, frames: bytes = b"") -> tuple[int, bytes]:
    """The exit code and output of a program that has the child's names in `ours`."""
    program = f"import runpy; ours = runpy.run_path({sanitizer.__file__!r})\n{code}"
    process = subprocess.run(
        [sys.executable, "-I", "-c", program], input=frames, capture_output=True, check=False
    )
    return process.returncode, process.stdout


def test_child_limits_itself() -> None:
    exit_code, output = run(
        "import resource; ours['limit_process']()\n"
        "print([resource.getrlimit(what)[1] for what in (resource.RLIMIT_AS,"
        " resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)])\n"
        "try: bytearray(600 * 2**20)\n"
        "except MemoryError: print('no more')"
    )
    assert (exit_code, output) == (0, b"[536870912, 30, 67108864, 0]\nno more\n")
    assert sanitizer.CPU_SECONDS_OF_ALL > images_store.TIMEOUT_SECONDS


# Simulated use of CPU time: each image takes 1.5 seconds, a fifth of them in the kernel.
CPU_USE = """
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


def test_each_image_has_its_own_cpu_limit() -> None:
    exit_code, output = run(CPU_USE, b"\0\0\0\1x" * 18)
    limits = output.replace(b"J\0\0\0\4", b"\n").replace(b"J\0\0\0\5", b"\n").split(b"\n")[1:]
    expected = [5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29, 30]
    assert (exit_code, limits) == (0, [b"%d 30" % limit for limit in expected])


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
def test_image_that_exceeds_its_cpu_limit_kills_the_child() -> None:
    exit_code, output = run(ENDLESS, b"\0\0\0\1x\0\0\0\1y")
    assert (exit_code, output) == (-signal.SIGXCPU, b"J\0\0\0\1x")


ONE_IMAGE = "import os, sys, time; sys.stdin.buffer.read(); os.write(1, b'J\\0\\0\\0\\1x');"
FAILURES = {
    "killed": "os.kill(os.getpid(), 9)",
    "in the middle of an image": "os.write(1, b'J\\0\\0\\1\\0xyz')",
    "with fewer images": "",
    "with a length above any image": "os.write(1, b'J\\xff\\xff\\xff\\xffxyz')",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_dead_child_loses_only_the_images_it_did_not_return(
    failure: str, media: Path, fake_child: Path
) -> None:
    # I25
    fake_child.write_text(ONE_IMAGE + FAILURES[failure])
    tracemalloc.start()
    first, second = store_images([b"a", b"b"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert first
    assert (media / first.name).read_bytes() == b"x"
    assert second is None
    assert peak < 2 * sanitizer.OUTPUT_BYTES


def test_surplus_images_of_the_child_are_not_stored(media: Path, fake_child: Path) -> None:
    fake_child.write_text(ONE_IMAGE * 3)
    first, second = store_images([b"a", b"b"])
    assert first
    assert second
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


def test_timeout_of_the_child_is_refused_and_leaves_no_file(
    media: Path, fake_child: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I25
    fake_child.write_text(ONE_IMAGE + "time.sleep(60)")
    monkeypatch.setattr(images_store, "TIMEOUT_SECONDS", 1)
    with pytest.raises(Refused) as refused:
        store_images([b"a", b"b"])
    assert refused.value.problem is errors.UNAVAILABLE
    assert not media.exists()


def test_child_that_fails_to_start_is_refused_as_unavailable(fake_child: Path) -> None:
    with pytest.raises(Refused) as refused:
        store_images([image_bytes()])
    assert refused.value.problem is errors.UNAVAILABLE


def test_child_has_an_empty_environment(
    fake_child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "environment"
    fake_child.write_text(
        f"import os; open({str(environment)!r}, 'w').write(repr(sorted(os.environ)))"
    )
    monkeypatch.setenv("SECRET_KEY", "secret")
    store_images([image_bytes()])
    assert set(eval(environment.read_text())) <= {"LC_CTYPE"}


def test_images_are_not_in_memory_twice(fake_child: Path) -> None:
    # The child returns the 20 MiB that it reads.
    fake_child.write_text(
        "import sys\n"
        "while head := sys.stdin.buffer.read(4):\n"
        "    raw = sys.stdin.buffer.read(int.from_bytes(head))\n"
        "    sys.stdout.buffer.write(b'J' + head + raw)"
    )
    images = [os.urandom(2 * MEBIBYTE) for _ in range(10)]
    tracemalloc.start()
    stored = store_images(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(stored)
    assert peak < 5 * MEBIBYTE


@pytest.mark.parametrize("size", [(4_951, 4_950), (1_000, 20_001)])
def test_size_is_refused_before_the_image_is_decoded(size: tuple[int, int]) -> None:
    """The file has no pixels: decoding it would end with another error."""
    with pytest.raises(ValueError, match=r"\d+, \d+") as refusal:
        sanitizer.reencode(png_of(*size))

    assert refusal.value.args == (size,)
