"""The child process that opens pictures of strangers: a program of its own, run by its path.

It reads pictures from standard input and writes each anew, without whatever else was in it, to
standard output: a kind (`J`, `P`, or `X` for no picture), a length of four bytes, the bytes. Its
memory and time are bounded by the operating system; what kills it costs a refusal.
"""

import math
import resource
import signal
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import IO

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 5
"""Of one picture: many may come at once, and none is to pay for its neighbours."""
CPU_SECONDS_OF_ALL = 30
"""For good. More than anybody waits for: it ends a child whose parent has died."""
ANSWER_BYTES = 64 * 1024 * 1024
MOST_PIXELS = 24_500_000
"""A phone's 24 megapixels are 24.47 million."""
LONGEST_RATIO = 20
LONGEST_SIDE = 2048
QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
LENGTH_BYTES = 4


def frames(stream: IO[bytes]) -> Iterator[bytes]:
    """The pictures as they come in, each after its length."""
    while head := stream.read(LENGTH_BYTES):
        yield stream.read(int.from_bytes(head))


def reencode(raw: bytes) -> tuple[bytes, bytes]:
    """The kind and the bytes of a clean copy; any exception means that it is no picture."""
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(BytesIO(raw), formats=FORMATS)
    short, long = sorted(image.size)
    if short * long > MOST_PIXELS or long > LONGEST_RATIO * short:
        raise ValueError(image.size)
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    if image.mode.startswith("I"):
        # Sixteen bits a pixel: the upper eight are what a screen shows.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    see_through = image.has_transparency_data
    image = image.convert("RGBA" if see_through else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    image = ImageOps.exif_transpose(image)
    image.info = {}
    written = BytesIO()
    image.save(written, "PNG" if see_through else "JPEG", quality=QUALITY)
    return b"P" if see_through else b"J", written.getvalue()


def bound() -> None:
    """What this process may use up, for good; whoever takes more is killed."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS_OF_ALL),
        (resource.RLIMIT_FSIZE, ANSWER_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def allow_one_more() -> None:
    """The next picture has its own time, beginning now; whichever takes more kills the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (min(most, CPU_SECONDS_OF_ALL), CPU_SECONDS_OF_ALL))


def main() -> None:
    """Until the pictures end."""
    bound()
    for raw in frames(sys.stdin.buffer):
        allow_one_more()
        try:
            kind, clean = reencode(raw)
        except Exception:  # noqa: BLE001 - whatever a decoder stumbles over is no picture
            kind, clean = b"X", b""
        sys.stdout.buffer.write(kind + len(clean).to_bytes(LENGTH_BYTES) + clean)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
