"""From the wire's base64 to the bytes of what claims to be a picture."""

import binascii
import re
from base64 import b64decode

from django.conf import settings

_DATA_URI = re.compile(r"data:(image/[a-z]{3,4});base64,", re.ASCII)
_KINDS = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_SPELLINGS = {"image/jpg": "image/jpeg"}


class NotAnImage(ValueError):
    """Not base64, not of a kind that we take, or not of the kind that it says."""


class ImageTooLarge(ValueError):
    """More bytes than a picture may have."""


def decode_image(text: str) -> bytes:
    """What the text stands for, with or without a data URI in front; nothing is decoded yet.

    Raises NotAPicture, or TooLarge before anything is made of the text.
    """
    declared, packed = _parts(text)
    if len(packed) > settings.MAX_PICTURE_BYTES * 4 // 3 + 4:
        raise ImageTooLarge
    try:
        raw = b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAnImage from error
    if len(raw) > settings.MAX_PICTURE_BYTES:
        raise ImageTooLarge
    real = next((kind for kind, mark in _KINDS.items() if mark.match(raw)), None)
    if real is None or declared not in (None, real):
        raise NotAnImage
    return raw


def _parts(text: str) -> tuple[str | None, str]:
    head = _DATA_URI.match(text)
    if head is None:
        return None, text
    return _SPELLINGS.get(head[1], head[1]), text[head.end() :]
