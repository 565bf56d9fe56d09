"""The form of an API key: a prefix that scanners find, a public name, a secret, a checksum."""

import re
import secrets
import string
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple
from zlib import crc32

PREFIX = "tkb_live_"
PUBLIC_ID_LENGTH = 8
SECRET_LENGTH = 43
"""43 characters of 62 are just over 256 bits."""
CHECKSUM_LENGTH = 6

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY = PUBLIC_ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
_KEY = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_BODY}}}", re.ASCII)
_LENGTH = len(PREFIX) + _BODY


class NewKey(NamedTuple):
    """A key that was just made; `text` is shown once and kept nowhere."""

    text: str
    public_id: str
    digest: str


def new_key() -> NewKey:
    """A key nobody can guess."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_ID_LENGTH + SECRET_LENGTH))
    text = PREFIX + drawn + checksum(PREFIX + drawn)
    return NewKey(text, drawn[:PUBLIC_ID_LENGTH], digest(text))


def checksum(text: str) -> str:
    """Six characters that tell a mistyped key without asking the database.

    >>> checksum("tkb_live_")
    '2cKPnI'
    """
    rest, characters = crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        characters = _ALPHABET[digit] + characters
    return characters


def public_id_of(text: str) -> str | None:
    """The public name inside a well-formed key, else None; the text may be of any length."""
    if len(text) != _LENGTH or not _KEY.fullmatch(text):
        return None
    if not compare_digest(checksum(text[:-CHECKSUM_LENGTH]), text[-CHECKSUM_LENGTH:]):
        return None
    return text[len(PREFIX) : len(PREFIX) + PUBLIC_ID_LENGTH]


def digest(text: str) -> str:
    """What is kept of a key: 64 hex digits. 256 random bits need no slow hash."""
    return sha256(text.encode()).hexdigest()


def matches(text: str, kept: str | None) -> bool:
    """Whether this is the key whose digest is kept; where none is, it takes as long to say no."""
    return compare_digest(digest(text), kept or _NOBODYS)


_NOBODYS = "0" * 64
"""A digest that no text is known to have."""
