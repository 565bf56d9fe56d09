"""Which data keys encrypt which columns, and encrypting them with the newest key."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from django.db.models import Count, F, Model, QuerySet, Value
from django.db.models.functions import Left, StrIndex

from takeback.accounts.models import StaffMember
from takeback.accounts.totp import totp_context
from takeback.cancellations.models import CancellationRequest
from takeback.channel_sync.models import ErrorReport
from takeback.core.encryption import decrypt, encrypt, newest_key_id
from takeback.core.errors import Refused
from takeback.idempotency.commands import IdempotentCall
from takeback.idempotency.models import Reply

_LONGEST_KEY_ID = 64


class EncryptedColumn(NamedTuple):
    """A column of sealed texts; `context` makes of a row's `named_by` what its text is bound to."""

    model: type[Model]
    name: str
    named_by: tuple[str, ...]
    context: Callable[..., str]


class EncryptedText(NamedTuple):
    """What stands in a row, sealed, and what it is bound to."""

    pk: int
    text: str
    context: str


def _of_call(principal: str, route: str, key: str) -> str:
    return IdempotentCall(principal, route, key, fingerprint="").name


COLUMNS = (
    EncryptedColumn(CancellationRequest, "iban_encrypted", ("uuid",), str),
    EncryptedColumn(CancellationRequest, "holder_name_encrypted", ("uuid",), str),
    EncryptedColumn(ErrorReport, "raw_request_encrypted", ("uuid",), "{}:request".format),
    EncryptedColumn(ErrorReport, "raw_response_encrypted", ("uuid",), "{}:response".format),
    EncryptedColumn(Reply, "body_encrypted", ("principal", "route", "key"), _of_call),
    EncryptedColumn(StaffMember, "totp_encrypted", ("pk",), totp_context),
)
"""All there are; a test compares them with the models."""


def texts_by_key() -> Counter[str]:
    """How many texts each key has sealed, by its id; every column is read once."""
    found = Counter[str]()
    for column in COLUMNS:
        of_a_key = _texts(column).order_by("key_id").values_list("key_id")
        found.update(dict(of_a_key.annotate(count=Count("pk"))))
    return found


def older(column: EncryptedColumn, *, after: int, most: int) -> list[EncryptedText]:
    """So many texts of this column that the newest key has not sealed, of rows after this one."""
    rows = _texts(column).filter(pk__gt=after).exclude(key_id=newest_key_id()).order_by("pk")
    wanted = rows.values_list("pk", column.name, *column.named_by)[:most]
    return [EncryptedText(pk, text, column.context(*names)) for pk, text, *names in wanted]


def _texts(column: EncryptedColumn) -> "QuerySet[Any]":
    """The rows that have such a text, and the id of its key: all before the first colon."""
    # Of long texts only the beginning is read from the disk.
    beginning = Left(F(column.name), _LONGEST_KEY_ID + 1)
    key_id = Left(beginning, StrIndex(beginning, Value(":")) - 1)
    every: QuerySet[Any] = column.model._default_manager.all()  # noqa: SLF001 - documented
    rows: QuerySet[Any] = every.exclude(**{column.name: None}).annotate(key_id=key_id)
    return rows


AT_ONCE = 100
"""Texts held in memory together; the longest have some hundred thousand characters."""


class Reencrypted(NamedTuple):
    """How many texts were sealed anew, and how many nobody can open."""

    done: int
    unreadable: int


def reencrypt() -> Reencrypted:
    """Seal with the newest key what an older one has sealed; may be stopped, and repeated.

    Each text is a transaction of its own, so that nobody waits long for it beside a running
    service. What is told stays what it was: no version and no date changes, and no history is
    written. A text whose key is gone, or that is damaged, is left.
    """
    done = unreadable = 0
    for column in COLUMNS:
        last = 0
        while batch := older(column, after=last, most=AT_ONCE):
            for found in batch:
                try:
                    done += reencrypt_text(column, found)
                except (Refused, InvalidTag, ValueError):
                    unreadable += 1
            last = batch[-1].pk
    return Reencrypted(done, unreadable)


def reencrypt_text(column: EncryptedColumn, found: EncryptedText) -> bool:
    """Seal one text anew; False when somebody has changed it since it was found.

    Raises Refused when its key is gone, InvalidTag or ValueError when it is damaged.
    """
    fresh = encrypt(decrypt(found.text, found.context), found.context)
    unchanged = {"pk": found.pk, column.name: found.text}
    rows = column.model._default_manager.filter(**unchanged)  # noqa: SLF001 - documented
    return bool(rows.update(**{column.name: fresh}))
