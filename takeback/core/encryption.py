"""Text that is stored sealed: AES-256-GCM under a key of ours, bound to the row it belongs to."""

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from takeback.core import errors
from takeback.core.errors import Refused

_NONCE_BYTES = 12


def newest_key_id() -> str:
    """The id of the key that seals; the others only open."""
    return str(next(iter(settings.DATA_KEYS)))


def encrypt(text: str, context: str) -> str:
    """`key-id:base64`; opens only with the same context (the row's uuid)."""
    key_id, nonce = newest_key_id(), os.urandom(_NONCE_BYTES)
    sealed = _cipher(key_id).encrypt(nonce, text.encode(), context.encode())
    return f"{key_id}:{b64encode(nonce + sealed).decode()}"


def decrypt(sealed: str, context: str) -> str:
    """The text again; older keys stay usable as long as they are in the settings.

    Raises Refused (`unavailable`) when its key is not, and `InvalidTag` or ValueError for what was
    not sealed by it in this context.
    """
    key_id, _, packed = sealed.partition(":")
    if key_id not in settings.DATA_KEYS:
        raise Refused(errors.UNAVAILABLE, missing_data_key=key_id)
    raw = b64decode(packed)
    opened = _cipher(key_id).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
    return opened.decode()


def _cipher(key_id: str) -> "AESGCM":
    # Loaded when first needed: 6 MiB that most workers never use.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(b64decode(settings.DATA_KEYS[key_id]))
