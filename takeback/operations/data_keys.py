"""Which data keys encrypt which columns, and re-encryption with the newest key."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, F, Model, Q, QuerySet, Value
from django.db.models.functions import Left, StrIndex

from takeback.accounts.models import StaffMember
from takeback.accounts.totp import totp_context
from takeback.cancellations.models import CancellationRequest
from takeback.channel_sync.models import ErrorReport
from takeback.core.encryption import decrypt, encrypt, newest_key_id
from takeback.core.errors import Refused
from takeback.idempotency.commands import IdempotentCall
from takeback.idempotency.models import Reply
from takeback.refunds.models import PaymentAccount

BATCH_SIZE = 100
"""Texts in memory at a time; the longest have some hundred thousand characters."""
_MAX_KEY_ID = 64


class EncryptedColumn(NamedTuple):
    """A column of encrypted texts; `context` takes the row's `context_columns`."""

    model: type[Model]
    name: str
    context_columns: tuple[str, ...]
    context: Callable[..., str]


class EncryptedText(NamedTuple):
    """An encrypted text of a row, and the context that it is bound to."""

    pk: int
    text: str
    context: str


def _reply_context(principal: str, route: str, key: str) -> str:
    return IdempotentCall(principal, route, key, fingerprint="").name


COLUMNS = (
    EncryptedColumn(CancellationRequest, "iban_encrypted", ("uuid",), str),
    EncryptedColumn(CancellationRequest, "holder_name_encrypted", ("uuid",), str),
    EncryptedColumn(PaymentAccount, "credentials_encrypted", ("uuid",), str),
    EncryptedColumn(ErrorReport, "raw_request_encrypted", ("uuid",), "{}:request".format),
    EncryptedColumn(ErrorReport, "raw_response_encrypted", ("uuid",), "{}:response".format),
    EncryptedColumn(Reply, "body_encrypted", ("principal", "route", "key"), _reply_context),
    EncryptedColumn(StaffMember, "totp_encrypted", ("pk",), totp_context),
)
"""All encrypted columns; a test compares them with the models."""


def count_texts_by_key() -> Counter[str]:
    """The number of texts by the id of their key; reads every column once."""
    counts = Counter[str]()
    for column in COLUMNS:
        keys = _texts(column).order_by("key_id").values_list("key_id")
        counts.update(dict(keys.annotate(count=Count("pk"))))
    return counts


def unreadable_keys() -> list[str]:
    """The keys of this host that do not decrypt the newest text of a column; a small sample."""
    wrong = set()
    for column in COLUMNS:
        for key_id in settings.DATA_KEYS:
            newest = _texts(column).filter(key_id=key_id).order_by("-pk")
            for text in _with_contexts(column, newest[:1]):
                try:
                    decrypt(text.text, text.context)
                except (Refused, ValueError):
                    wrong.add(key_id)
    return sorted(wrong)


def texts_with_older_keys(
    column: EncryptedColumn, *, after: int, limit: int
) -> list[EncryptedText]:
    """The next texts, by row id, that the newest key has not encrypted."""
    rows = _texts(column).filter(pk__gt=after).exclude(key_id=newest_key_id()).order_by("pk")
    return _with_contexts(column, rows[:limit])


def _with_contexts(column: EncryptedColumn, rows: "QuerySet[Any]") -> list[EncryptedText]:
    columns = ("pk", column.name, *column.context_columns)
    return [
        EncryptedText(pk, text, column.context(*values))
        for pk, text, *values in rows.values_list(*columns)
    ]


def _texts(column: EncryptedColumn) -> "QuerySet[Any]":
    """The rows with a text, and its `key_id`: all before the first colon."""
    # Left() reads only the first part of a long text from the disk.
    prefix = Left(F(column.name), _MAX_KEY_ID + 1)
    key_id = Left(prefix, StrIndex(prefix, Value(":")) - 1)
    is_empty = Q(**{column.name: None}) | Q(**{column.name: ""})
    rows = column.model._default_manager.exclude(is_empty)  # noqa: SLF001 - documented
    texts: QuerySet[Any] = rows.annotate(key_id=key_id)
    return texts


def reencrypt() -> tuple[int, int]:
    """Encrypt with the newest key all texts of older keys; safe to stop and to repeat.

    Returns the number of texts that were re-encrypted, and of those that cannot be decrypted.

    Each text has its own transaction, so that a running service hardly waits. Versions, dates and
    history of the rows do not change. Texts that are damaged or whose key is missing stay as they
    are.
    """
    done = unreadable = 0
    for column in COLUMNS:
        last = 0
        while batch := texts_with_older_keys(column, after=last, limit=BATCH_SIZE):
            for text in batch:
                try:
                    done += reencrypt_text(column, text)
                except (Refused, ValueError):
                    unreadable += 1
            last = batch[-1].pk
    return done, unreadable


def reencrypt_text(column: EncryptedColumn, old: EncryptedText) -> bool:
    """Re-encrypt one text; False when it has changed since it was read.

    Raises Refused when its key is missing or wrong, ValueError when it is damaged.
    """
    text = encrypt(decrypt(old.text, old.context), old.context)
    unchanged = {"pk": old.pk, column.name: old.text}
    rows = column.model._default_manager.filter(**unchanged)  # noqa: SLF001 - documented
    return bool(rows.update(**{column.name: text}))
