"""All hosts of a database have the same keys: it keeps a fingerprint of each (decision 0030)."""

import hmac
from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.conf import settings

from takeback.accounts.models import KeyFingerprint

_SECRET_KEY: Final = "SECRET_KEY"  # noqa: S105 - its name
_DATA_KEY: Final = "DATA_KEYS "
_CONSTANT: Final = b"takeback.key_fingerprint"


def own_fingerprints() -> dict[str, str]:
    """The fingerprints of this host's keys, by name."""
    keys = {_DATA_KEY + key_id: b64decode(key) for key_id, key in settings.DATA_KEYS.items()}
    keys[_SECRET_KEY] = settings.SECRET_KEY.encode()
    return {name: hmac.digest(key, _CONSTANT, "sha256").hex() for name, key in keys.items()}


def stored_fingerprints() -> dict[str, str]:
    """The fingerprints of the keys that the database knows, by name."""
    return dict(KeyFingerprint.objects.order_by("name").values_list("name", "fingerprint"))


def register_keys(now: datetime) -> list[str]:
    """Store the fingerprints of new keys, unless a key of this host is wrong: returns why.

    Of two hosts that start together the first insert wins, and the other host is wrong.
    """
    own, stored = own_fingerprints(), stored_fingerprints()
    problems = _problems(own, stored)
    new = own.keys() - stored.keys()
    if problems or not new:
        return problems
    KeyFingerprint.objects.bulk_create(
        (KeyFingerprint(name=name, fingerprint=own[name], created_at=now) for name in sorted(new)),
        ignore_conflicts=True,
    )
    return wrong_keys()


def wrong_keys() -> list[str]:
    """A sentence for each key of this host that differs from the database's; writes nothing."""
    return _problems(own_fingerprints(), stored_fingerprints())


def accept_secret_key(now: datetime) -> bool:
    """Replace the fingerprint of SECRET_KEY by that of this host; False if they are equal."""
    own = own_fingerprints()[_SECRET_KEY]
    if stored_fingerprints().get(_SECRET_KEY) == own:
        return False
    KeyFingerprint.objects.update_or_create(
        name=_SECRET_KEY, defaults={"fingerprint": own, "created_at": now}
    )
    return True


def forget_unused_data_keys(used: Iterable[str]) -> None:
    """Delete the fingerprints of data keys that encrypt no text and that this host has not."""
    protected = {_SECRET_KEY} | {_DATA_KEY + key_id for key_id in used}
    own = own_fingerprints()
    others = {name for name, known in stored_fingerprints().items() if own.get(name) != known}
    KeyFingerprint.objects.filter(name__in=others - protected).delete()


def _problems(own: dict[str, str], stored: dict[str, str]) -> list[str]:
    wrong = [name for name, known in stored.items() if own.get(name, known) != known]
    data_keys = [name for name in stored if name != _SECRET_KEY]
    sentences = [_data_key_sentence(name) for name in wrong if name != _SECRET_KEY]
    if data_keys and own.keys().isdisjoint(data_keys):
        numbers = ", ".join(name.removeprefix(_DATA_KEY) for name in data_keys)
        sentences.append(
            f"DATA_KEYS has none of the keys that this database knows ({numbers}): copy DATA_KEYS, "
            "or the file data_key in DATA_DIR, from the first host."
        )
    if _SECRET_KEY in wrong:
        sentences.append(
            "SECRET_KEY is not the key of this database: copy SECRET_KEY, or the file secret_key "
            "in DATA_DIR, from the first host; run `takeback rotate-secret-key` only to replace it."
        )
    return sentences


def _data_key_sentence(name: str) -> str:
    key_id = name.removeprefix(_DATA_KEY)
    return (
        f"Key {key_id} of DATA_KEYS is not the key {key_id} of this database: copy DATA_KEYS, or "
        "the file data_key in DATA_DIR, from the first host; a new key needs an unused number."
    )
