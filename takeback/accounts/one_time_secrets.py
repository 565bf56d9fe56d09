"""Secrets that are accepted once: mailed codes, and tokens that open a session."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from django.db.models import F
from django.utils.crypto import constant_time_compare

from takeback.accounts.models import OneTimeSecret
from takeback.core.db.bulk import delete_batch

PRUNED_AT_ONCE = 1_000
CODE_DIGITS = 6


def issue_code(key: str, *, tries: int, expires_at: datetime) -> str:
    """A code of six digits for this key; it replaces an earlier one."""
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    return _issue(key, code, tries, expires_at)


def issue_token(key: str, *, expires_at: datetime) -> str:
    """A token of 43 URL-safe characters for this key; it replaces an earlier one."""
    return _issue(key, secrets.token_urlsafe(32), 1, expires_at)


def consume(key: str, secret: str, now: datetime) -> bool:
    """Whether the secret of this key is right; a right secret is deleted.

    Each call uses up one of its tries before the comparison, so that concurrent guesses cannot
    exceed them. Of concurrent calls with the right secret one returns True.
    """
    rows = OneTimeSecret.objects.filter(key=key, expires_at__gt=now)
    if not rows.filter(tries_left__gt=0).update(tries_left=F("tries_left") - 1):
        return False
    expected = rows.values_list("secret_hash", flat=True).first() or ""
    digest = _hash(key, secret)
    return constant_time_compare(digest, expected) and bool(
        OneTimeSecret.objects.filter(key=key, secret_hash=digest).delete()[0]
    )


def matching_key(keys: Sequence[str], secret: str, now: datetime) -> str | None:
    """The key, of several, whose secret is right; None if there is none.

    It uses up no try and no secret: the caller limits the attempts, and then calls `use_up`.
    """
    rows = OneTimeSecret.objects.filter(key__in=keys, expires_at__gt=now)
    secrets_of = dict(rows.values_list("key", "secret_hash"))
    right = [
        key for key in keys if constant_time_compare(_hash(key, secret), secrets_of.get(key, ""))
    ]
    return right[0] if right else None


def is_live(key: str, now: datetime) -> bool:
    """Whether the key has a secret that was neither used nor has expired."""
    return OneTimeSecret.objects.filter(key=key, expires_at__gt=now).exists()


def use_up(key: str, now: datetime) -> bool:
    """Delete the secret of the key; of concurrent calls one returns True."""
    return bool(OneTimeSecret.objects.filter(key=key, expires_at__gt=now).delete()[0])


def prune(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` expired secrets; returns their number, 0 when done."""
    expired = OneTimeSecret.objects.filter(expires_at__lte=now).order_by("expires_at")
    return delete_batch(expired, PRUNED_AT_ONCE)


def _issue(key: str, secret: str, tries: int, expires_at: datetime) -> str:
    OneTimeSecret.objects.update_or_create(
        key=key,
        defaults={
            "secret_hash": _hash(key, secret),
            "tries_left": tries,
            "expires_at": expires_at,
        },
    )
    return secret


def _hash(key: str, secret: str) -> str:
    return sha256(f"{key}:{secret}".encode()).hexdigest()
