"""API keys: their format, and issuing, rotating and revoking them."""

import re
import secrets
import string
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple
from zlib import crc32

from django.db import transaction

from takeback.accounts.channels import existing_channels
from takeback.accounts.models import ApiKey, Channel
from takeback.core.db.bulk import delete_batch

PREFIX = "tkb_live_"
PUBLIC_ID_LENGTH = 8
# 43 characters of an alphabet of 62 are just over 256 bits.
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY = PUBLIC_ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
_KEY = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_BODY}}}", re.ASCII)
_LENGTH = len(PREFIX) + _BODY
# The digest of no known text.
_DUMMY_DIGEST = "0" * 64

# A small batch: SQLite has one write lock.
PRUNED_AT_ONCE = 500
USE_RECORDED_EVERY = timedelta(minutes=1)
ENDED_KEYS_RETENTION = timedelta(days=30)


class AccessError(ValueError):
    """A key or a staff user cannot be created, changed or found; the text gives the reason."""


class NewKey(NamedTuple):
    """A new key; its text is shown once and stored nowhere."""

    text: str
    public_id: str
    digest: str


def generate_key() -> NewKey:
    """A random key; it is not stored."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_ID_LENGTH + SECRET_LENGTH))
    text = PREFIX + drawn + checksum(PREFIX + drawn)
    return NewKey(text, drawn[:PUBLIC_ID_LENGTH], digest(text))


def checksum(text: str) -> str:
    """Six characters that reveal a mistyped key without a database query.

    >>> checksum("tkb_live_")
    '2cKPnI'
    """
    rest, characters = crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        characters = _ALPHABET[digit] + characters
    return characters


def public_id_of(text: str) -> str | None:
    """The public id of a well-formed key, else None; the text may have any length."""
    if len(text) != _LENGTH or not _KEY.fullmatch(text):
        return None
    if not compare_digest(checksum(text[:-CHECKSUM_LENGTH]), text[-CHECKSUM_LENGTH:]):
        return None
    return text[len(PREFIX) : len(PREFIX) + PUBLIC_ID_LENGTH]


def digest(text: str) -> str:
    """The stored digest of a key, 64 hex digits; 256 random bits need no slow hash."""
    return sha256(text.encode()).hexdigest()


def matches(text: str, stored_digest: str | None) -> bool:
    """Whether a key has this digest; without one the comparison takes as long."""
    return compare_digest(digest(text), stored_digest or _DUMMY_DIGEST)


class Rights(NamedTuple):
    """Existing channels and scopes, without duplicates and in their order."""

    channel_ids: list[int]
    scopes: list[str]


def validate_rights(channel_ids: Collection[int], scopes: Collection[str]) -> Rights:
    """Rights to at least one channel and one scope; AccessError when one does not exist."""
    unknown_scopes = sorted(set(scopes) - set(ApiKey.SCOPES))
    if unknown_scopes or not scopes:
        problem = f"There is no scope {_words(unknown_scopes)}" if scopes else "No scope is named"
        raise AccessError(f"{problem}. Scopes: {_words(ApiKey.SCOPES)}.")
    ids = sorted(set(channel_ids))
    known = set(Channel.objects.filter(pk__in=ids).values_list("pk", flat=True))
    if len(known) < len(ids) or not ids:
        unknown = sorted(map(str, set(ids) - known))
        problem = f"There is no channel {_words(unknown)}" if ids else "No channel is named"
        raise AccessError(f"{problem}. {existing_channels()}")
    return Rights(ids, [scope for scope in ApiKey.SCOPES if scope in scopes])


def _words(words: Sequence[str]) -> str:
    return ", ".join(words)


@transaction.atomic
def issue_key(
    name: str,
    *,
    channel_ids: Collection[int],
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
    user_id: int | None = None,
    original_id: int | None = None,
) -> NewKey:
    """Create a key for these channels and scopes; only the caller gets its text."""
    rights = validate_rights(channel_ids, scopes)
    if expires_at is not None and expires_at <= now:
        raise AccessError("The expiry of a key must be in the future.")
    key = generate_key()
    row = ApiKey.objects.create(
        name=name,
        public_id=key.public_id,
        secret_hash=key.digest,
        scopes=rights.scopes,
        user_id=user_id,
        original_id=original_id,
        created_at=now,
        expires_at=expires_at,
    )
    uses = ApiKey.channels.through
    uses.objects.bulk_create(uses(apikey_id=row.pk, channel_id=pk) for pk in rights.channel_ids)
    return key


@transaction.atomic
def rotate_key(
    public_id: str, *, overlap: timedelta, now: datetime, expires_at: datetime | None = None
) -> NewKey:
    """Issue a successor with the same rights and lifetime; the old key works for the overlap."""
    old = ApiKey.objects.select_for_update().filter(public_id=public_id).first()
    if old is None or old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise AccessError(
            f"No active key has the public id {public_id}. `takeback list-keys` shows all."
        )
    if expires_at is None and old.expires_at is not None:
        expires_at = now + (old.expires_at - old.created_at)
    key = issue_key(
        old.name,
        channel_ids=list(Channel.objects.filter(apikey=old).values_list("pk", flat=True)),
        scopes=old.scopes,
        now=now,
        expires_at=expires_at,
        user_id=old.user_id,
        original_id=old.original_id or old.pk,
    )
    ends = now + overlap
    old.expires_at = min(old.expires_at, ends) if old.expires_at else ends
    old.save(update_fields=["expires_at"])
    return key


def revoke_key(public_id: str, *, now: datetime) -> None:
    """End a key at once: every request reads its key from the database, none is cached."""
    if not ApiKey.objects.filter(public_id=public_id, revoked_at=None).update(revoked_at=now):
        raise AccessError(
            f"No active key has the public id {public_id}. `takeback list-keys` shows all."
        )


def prune_keys(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` login keys that expired long ago; returns their number."""
    ended = ApiKey.objects.filter(user__isnull=False, expires_at__lte=now - ENDED_KEYS_RETENTION)
    return delete_batch(ended.order_by("expires_at"), PRUNED_AT_ONCE)


def record_use(key_id: int, last_used_at: datetime | None, now: datetime) -> None:
    """Record that a key is in use, at most once a minute: most reads should not cost a write."""
    if last_used_at is None or now - last_used_at >= USE_RECORDED_EVERY:
        ApiKey.objects.filter(pk=key_id).update(last_used_at=now)
