"""The child process that opens untrusted images: a separate program, started by its path.

It reads images from standard input and writes a re-encoded copy of each, without metadata, to
standard output: a format (`J`, `P`, or `X` for no image), a length of four bytes, the bytes. The
operating system limits its memory and time; an image that kills it is refused.
"""

import math
import resource
import signal
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import IO

MEMORY_BYTES = 512 * 1024 * 1024
# The limit of one image: images of the same request do not share it.
CPU_SECONDS = 5
# The hard limit of the process, above the parent's timeout; it ends a child without a parent.
CPU_SECONDS_OF_ALL = 30
OUTPUT_BYTES = 64 * 1024 * 1024
# A phone's 24 megapixels are 24.47 million.
MAX_PIXELS = 24_500_000
MAX_RATIO = 20
MAX_SIDE = 2048
QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
LENGTH_BYTES = 4


def frames(stream: IO[bytes]) -> Iterator[bytes]:
    """The images of the stream; each follows its length."""
    while head := stream.read(LENGTH_BYTES):
        yield stream.read(int.from_bytes(head))


def reencode(raw: bytes) -> tuple[bytes, bytes]:
    """The format and the bytes of a clean copy; any exception means that it is not an image."""
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(BytesIO(raw), formats=FORMATS)
    short, long = sorted(image.size)
    if short * long > MAX_PIXELS or long > MAX_RATIO * short:
        raise ValueError(image.size)
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    image.load()
    if image.mode.startswith("I"):
        # Of sixteen bits per pixel a screen shows the upper eight.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    is_transparent = image.has_transparency_data
    image = image.convert("RGBA" if is_transparent else "RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    image = ImageOps.exif_transpose(image)
    image.info = {}
    output = BytesIO()
    image.save(output, "PNG" if is_transparent else "JPEG", quality=QUALITY)
    return b"P" if is_transparent else b"J", output.getvalue()


def limit_process() -> None:
    """Set the hard limits of this process; exceeding one kills it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS_OF_ALL),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def limit_next_image() -> None:
    """Give the next image `CPU_SECONDS` from now; exceeding them kills the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (min(limit, CPU_SECONDS_OF_ALL), CPU_SECONDS_OF_ALL))


def main() -> None:
    limit_process()
    for raw in frames(sys.stdin.buffer):
        limit_next_image()
        try:
            kind, clean = reencode(raw)
        except Exception:  # noqa: BLE001 - decoders raise anything for a file that is not an image
            kind, clean = b"X", b""
        sys.stdout.buffer.write(kind + len(clean).to_bytes(LENGTH_BYTES) + clean)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
