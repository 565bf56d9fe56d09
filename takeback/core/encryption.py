"""Encryption of stored text: AES-256-GCM, bound to its row by a context string."""

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from django.conf import settings

from takeback.core import errors
from takeback.core.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def newest_key_id() -> str:
    """The id of the key that encrypts; older keys only decrypt."""
    return str(next(iter(settings.DATA_KEYS)))


def encrypt(text: str, context: str) -> str:
    """Encrypt to `key-id:base64`; only the same context (such as the row's uuid) decrypts it."""
    key_id, nonce = newest_key_id(), os.urandom(_NONCE_BYTES)
    ciphertext = _cipher(key_id).encrypt(nonce, text.encode(), context.encode())
    return f"{key_id}:{b64encode(nonce + ciphertext).decode()}"


def decrypt(encrypted: str, context: str) -> str:
    """Decrypt with the key that encrypted the text, as long as `DATA_KEYS` has it.

    Raises Refused (`unavailable`) when that key is missing, and when another key of this number,
    the text or the context is wrong; ValueError when the text is damaged.
    """
    key_id, _, packed = encrypted.partition(":")
    if key_id not in settings.DATA_KEYS:
        raise Refused(errors.UNAVAILABLE, missing_data_key=key_id)
    raw = b64decode(packed)
    cipher = _cipher(key_id)
    from cryptography.exceptions import InvalidTag  # loaded with the cipher

    try:
        text = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
    except InvalidTag:
        raise Refused(errors.UNAVAILABLE, wrong_data_key=key_id) from None
    return text.decode()


def _cipher(key_id: str) -> "AESGCM":
    # Imported at the first use: 6 MiB that most workers never need.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(b64decode(settings.DATA_KEYS[key_id]))
