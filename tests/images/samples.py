"""Images as phones send them, and files that only resemble one."""

import struct
import zlib
from base64 import b64encode
from io import BytesIO
from typing import Any

from PIL import Image

CANARY = b"CANARY"
CAMERA, GPS, GPS_DAY, ORIENTATION = 0x010F, 0x8825, 29, 0x0112


def image_bytes(
    kind: str = "JPEG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any
) -> bytes:
    """An image of one colour."""
    output = BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 1).save(output, kind, **options)
    return output.getvalue()


def gif_of(frames: int) -> bytes:
    """A GIF whose first frame is black and whose other frames are not."""
    images = [Image.new("P", (8, 8), number % 250) for number in range(frames)]
    output = BytesIO()
    images[0].save(output, "GIF", save_all=True, append_images=images[1:])
    return output.getvalue()


def personal_exif() -> Image.Exif:
    """EXIF with the camera, the place and the day."""
    exif = Image.Exif()
    exif[CAMERA] = CANARY.decode()
    exif.get_ifd(GPS)[GPS_DAY] = CANARY.decode()
    return exif


def oriented(orientation: int, kind: str = "JPEG") -> bytes:
    """An image 64 by 32, blue on the left and red on the right, with an EXIF orientation."""
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    output = BytesIO()
    image.save(output, kind, exif=exif)
    return output.getvalue()


def jpeg_with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """A JPEG with one more segment at its start."""
    segment = b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content
    return jpeg[:2] + segment + jpeg[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    body = struct.pack(">I", len(content)) + kind + content
    return body + struct.pack(">I", zlib.crc32(kind + content))


def png_with(*chunks: bytes) -> bytes:
    """A small PNG with these chunks after its header."""
    plain = image_bytes("PNG")
    end_of_header = 33
    return plain[:end_of_header] + b"".join(chunks) + plain[end_of_header:]


def png_of(width: int, height: int) -> bytes:
    """A PNG that declares this size and holds hardly a pixel."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def png_chunks(png: bytes) -> list[bytes]:
    """The types of the chunks of a PNG."""
    kinds, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kinds.append(png[at + 4 : at + 8])
        at += 12 + length
    return kinds


def jpeg_markers(jpeg: bytes) -> list[int]:
    """The markers of a JPEG up to its pixels."""
    kinds, at = [], 2
    while True:
        marker = jpeg[at + 1]
        kinds.append(marker)
        if marker == 0xDA:
            return kinds
        at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]


def as_text(raw: bytes, declared: str = "") -> str:
    """Base64, as a data URI when a type is declared."""
    prefix = f"data:{declared};base64," if declared else ""
    return prefix + b64encode(raw).decode()
