"""Decoding base64 images of requests; the image itself stays unopened."""

import binascii
import re
import string
from base64 import b64decode, b64encode

from django.conf import settings

_DATA_URI = re.compile(
    r"data:(image/[a-z]{3,4})(?:;charset=[a-z0-9_.:\"-]{1,40})?;base64,", re.ASCII | re.IGNORECASE
)
# Encoders of MIME and of Android break lines, of which some end with a blank.
_WHITE_SPACE = str.maketrans("", "", string.whitespace)
_SIGNATURES = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_ALIASES = {"image/jpg": "image/jpeg"}


class NotAnImage(ValueError):
    """The text is not base64, or its content is not a supported or not the declared format."""


class ImageTooLarge(ValueError):
    """The image has more than `MAX_PICTURE_BYTES`."""


def decode_image(text: str) -> bytes:
    """The bytes of a base64 text, with or without a data URI prefix; their format is supported.

    ASCII white space is ignored, as is the `charset` of a prefix. Everything else is strict: the
    text must be the one that encoding its bytes gives, with exactly the padding that they need.
    Raises NotAnImage, and ImageTooLarge before the text is decoded.
    """
    declared, base64 = _split_data_uri(text.translate(_WHITE_SPACE))
    if len(base64) > settings.MAX_PICTURE_BYTES * 4 // 3 + 4:
        raise ImageTooLarge
    try:
        raw = b64decode(base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAnImage from error
    # The decoder ignores superfluous padding and the last bits that belong to no byte.
    if b64encode(raw).decode() != base64:
        raise NotAnImage
    if len(raw) > settings.MAX_PICTURE_BYTES:
        raise ImageTooLarge
    actual = next((kind for kind, pattern in _SIGNATURES.items() if pattern.match(raw)), None)
    if actual is None or declared not in (None, actual):
        raise NotAnImage
    return raw


def _split_data_uri(text: str) -> tuple[str | None, str]:
    prefix = _DATA_URI.match(text)
    if prefix is None:
        return None, text
    kind = prefix[1].lower()
    return _ALIASES.get(kind, kind), text[prefix.end() :]
