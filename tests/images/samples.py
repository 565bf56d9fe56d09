"""Pictures as phones send them, and things that only look like one."""

import struct
import zlib
from base64 import b64encode
from io import BytesIO
from typing import Any

from PIL import Image

CANARY = b"CANARY"
CAMERA, GPS, GPS_DAY, ORIENTATION = 0x010F, 0x8825, 29, 0x0112


def photo(
    kind: str = "JPEG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any
) -> bytes:
    """A picture of one colour."""
    written = BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 1).save(written, kind, **options)
    return written.getvalue()


def gif_of(frames: int) -> bytes:
    """The first frame is black, the others are not."""
    pictures = [Image.new("P", (8, 8), number % 250) for number in range(frames)]
    written = BytesIO()
    pictures[0].save(written, "GIF", save_all=True, append_images=pictures[1:])
    return written.getvalue()


def telling_exif() -> Image.Exif:
    """Who made it, where and when."""
    exif = Image.Exif()
    exif[CAMERA] = CANARY.decode()
    exif.get_ifd(GPS)[GPS_DAY] = CANARY.decode()
    return exif


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    """Twice as wide as high, blue on the left and red on the right, and a mark how to turn it."""
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    written = BytesIO()
    image.save(written, kind, exif=exif)
    return written.getvalue()


def after_start(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """A JPEG with one more segment."""
    segment = b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content
    return jpeg[:2] + segment + jpeg[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG."""
    told = struct.pack(">I", len(content)) + kind + content
    return told + struct.pack(">I", zlib.crc32(kind + content))


def png_with(*chunks: bytes) -> bytes:
    """A small PNG with these parts after its header."""
    plain = photo("PNG")
    end_of_header = 33
    return plain[:end_of_header] + b"".join(chunks) + plain[end_of_header:]


def png_of(width: int, height: int) -> bytes:
    """A header that says so, and hardly a pixel."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def png_chunks(png: bytes) -> list[bytes]:
    """The names of its parts."""
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        found.append(png[at + 4 : at + 8])
        at += 12 + length
    return found


def jpeg_markers(jpeg: bytes) -> list[int]:
    """The segments before the pixels."""
    found, at = [], 2
    while True:
        marker = jpeg[at + 1]
        found.append(marker)
        if marker == 0xDA:
            return found
        at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]


def as_text(raw: bytes, declared: str = "") -> str:
    """Base64, as a data URI when a type is declared."""
    head = f"data:{declared};base64," if declared else ""
    return head + b64encode(raw).decode()
