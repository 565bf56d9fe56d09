"""The child process that opens pictures of strangers: a program of its own, run by its path.

It reads pictures from standard input and writes each anew, without whatever else was in it, to
standard output: a kind (`J`, `P`, or `X` for no picture), a length of four bytes, the bytes. Its
memory and time are bounded by the operating system; what kills it costs a refusal.
"""

import resource
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import IO

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 10
MOST_PIXELS = 50_000_000
LONGEST_RATIO = 20
LONGEST_SIDE = 2560
QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
LENGTH_BYTES = 4


def frames(stream: IO[bytes]) -> Iterator[bytes]:
    """The pictures as they come in, each after its length."""
    while head := stream.read(LENGTH_BYTES):
        yield stream.read(int.from_bytes(head))


def made_anew(raw: bytes) -> tuple[bytes, bytes]:
    """The kind and the bytes of a clean copy; any exception means that it is no picture."""
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(BytesIO(raw), formats=FORMATS)
    width, height = image.size
    if not (0 < width * height <= MOST_PIXELS) or max(width, height) > LONGEST_RATIO * min(
        width, height
    ):
        raise ValueError(image.size)
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # Sixteen bits a pixel: the upper eight are what a screen shows.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    see_through = image.has_transparency_data
    image = image.convert("RGBA" if see_through else "RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    image.info = {}
    written = BytesIO()
    if see_through:
        image.save(written, "PNG", optimize=True)
        return b"P", written.getvalue()
    image.save(written, "JPEG", quality=QUALITY, optimize=True)
    return b"J", written.getvalue()


def main() -> None:
    """Until the pictures end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for raw in frames(sys.stdin.buffer):
        try:
            kind, clean = made_anew(raw)
        except Exception:  # noqa: BLE001 - whatever a decoder stumbles over is no picture
            kind, clean = b"X", b""
        sys.stdout.buffer.write(kind + len(clean).to_bytes(LENGTH_BYTES) + clean)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
