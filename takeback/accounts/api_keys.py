"""API keys: their form, and issuing, rotating and revoking them."""

import re
import secrets
import string
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple
from zlib import crc32

from django.db import transaction

from takeback.accounts.models import ApiKey, Channel

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


# Few enough that nobody waits long for SQLite's one write lock.
PRUNED_AT_ONCE = 500
USE_NOTED_EVERY = timedelta(minutes=1)
ENDED_KEYS_KEPT = timedelta(days=30)


class KeyRefused(ValueError):
    """A key, or somebody who may have one, cannot be made, changed or found like that.

    The text says why.
    """


class Rights(NamedTuple):
    """Channels and scopes that exist, each once and in their order."""

    channel_ids: list[int]
    scopes: list[str]


def rights(channel_ids: Collection[int], scopes: Collection[str]) -> Rights:
    """These channels and scopes, at least one of each; KeyRefused when one is unknown."""
    unknown = set(scopes) - set(ApiKey.SCOPES)
    if unknown or not scopes:
        raise KeyRefused(f"scopes are {', '.join(ApiKey.SCOPES)}; not {sorted(unknown) or 'none'}")
    wanted = sorted(set(channel_ids))
    known = set(Channel.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if len(known) < len(wanted) or not wanted:
        raise KeyRefused(f"no such channel: {sorted(set(wanted) - known) or 'none named'}")
    return Rights(wanted, [scope for scope in ApiKey.SCOPES if scope in scopes])


@transaction.atomic
def issue_key(
    name: str,
    *,
    channel_ids: Collection[int],
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
    user_id: int | None = None,
) -> NewKey:
    """Make a key for these channels and scopes; its text is known to the caller alone."""
    allowed = rights(channel_ids, scopes)
    if expires_at is not None and expires_at <= now:
        raise KeyRefused("a key must not be born expired")
    made = new_key()
    kept = ApiKey.objects.create(
        name=name,
        public_id=made.public_id,
        secret_hash=made.digest,
        scopes=allowed.scopes,
        user_id=user_id,
        created_at=now,
        expires_at=expires_at,
    )
    uses = ApiKey.channels.through
    uses.objects.bulk_create(uses(apikey_id=kept.pk, channel_id=pk) for pk in allowed.channel_ids)
    return made


@transaction.atomic
def rotate_key(
    public_id: str, *, overlap: timedelta, now: datetime, expires_at: datetime | None = None
) -> NewKey:
    """A successor that may do the same for as long; the old key works until the overlap is over."""
    old = ApiKey.objects.select_for_update().filter(public_id=public_id).first()
    if old is None or old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise KeyRefused(f"no live key is called {public_id}")
    if expires_at is None and old.expires_at is not None:
        expires_at = now + (old.expires_at - old.created_at)
    made = issue_key(
        old.name,
        channel_ids=list(Channel.objects.filter(apikey=old).values_list("pk", flat=True)),
        scopes=old.scopes,
        now=now,
        expires_at=expires_at,
        user_id=old.user_id,
    )
    ends = now + overlap
    old.expires_at = min(old.expires_at, ends) if old.expires_at else ends
    old.save(update_fields=["expires_at"])
    return made


def revoke_key(public_id: str, *, now: datetime) -> None:
    """End a key at once; keys are asked for at every request and remembered nowhere."""
    live = ApiKey.objects.filter(public_id=public_id, revoked_at=None)
    if not live.update(revoked_at=now):
        raise KeyRefused(f"no live key is called {public_id}")


def prune_keys(now: datetime) -> int:
    """Forget up to `PRUNED_AT_ONCE` keys of logins that ended long ago; how many."""
    over = ApiKey.objects.filter(user__isnull=False, expires_at__lte=now - ENDED_KEYS_KEPT)
    batch = list(over.order_by("expires_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    ApiKey.objects.filter(pk__in=batch).delete()
    return len(batch)


def note_use(key_id: int, last_used_at: datetime | None, now: datetime) -> None:
    """Remember that a key is in use, at most once a minute: a read is not to cost a write."""
    if last_used_at is None or now - last_used_at >= USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key_id).update(last_used_at=now)
