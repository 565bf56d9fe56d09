"""Text that is stored sealed: AES-256-GCM under a key of ours, bound to the row it belongs to."""

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def seal(text: str, context: str) -> str:
    """`key-id:base64`; opens only with the same context (the row's uuid)."""
    key_id, key = next(iter(settings.DATA_KEYS.items()))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher(key).encrypt(nonce, text.encode(), context.encode())
    return f"{key_id}:{b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, context: str) -> str:
    """The text again; older keys stay usable as long as they are in the settings."""
    key_id, _, packed = sealed.partition(":")
    raw = b64decode(packed)
    cipher = _cipher(settings.DATA_KEYS[key_id])
    return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()


def _cipher(key: str) -> "AESGCM":
    # Loaded when first needed: 6 MiB that most workers never use.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(b64decode(key))
