"""Where sealed text is kept, what opens it, and with which keys it is sealed."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db.models import Count, F, Model, QuerySet, Value
from django.db.models.functions import Left, StrIndex

from takeback.accounts.models import StaffMember
from takeback.accounts.staff.commands import totp_context
from takeback.cancellations.models import CancellationRequest
from takeback.core.sealing import newest_key
from takeback.exchange.models import ErrorReport
from takeback.idempotency.commands import Call
from takeback.idempotency.models import Reply

_LONGEST_KEY_ID = 64


class SealedColumn(NamedTuple):
    """A column of sealed texts; `context` makes of a row's `named_by` what its text is bound to."""

    model: type[Model]
    name: str
    named_by: tuple[str, ...]
    context: Callable[..., str]


class SealedText(NamedTuple):
    """What stands in a row, sealed, and what it is bound to."""

    pk: int
    text: str
    context: str


def _of_call(principal: str, route: str, key: str) -> str:
    return Call(principal, route, key, fingerprint="").name


COLUMNS = (
    SealedColumn(CancellationRequest, "iban_sealed", ("uuid",), str),
    SealedColumn(CancellationRequest, "holder_name_sealed", ("uuid",), str),
    SealedColumn(ErrorReport, "raw_request_sealed", ("uuid",), "{}:request".format),
    SealedColumn(ErrorReport, "raw_response_sealed", ("uuid",), "{}:response".format),
    SealedColumn(Reply, "body_sealed", ("principal", "route", "key"), _of_call),
    SealedColumn(StaffMember, "totp_sealed", ("pk",), totp_context),
)
"""All there are; a test compares them with the models."""


def texts_by_key() -> Counter[str]:
    """How many texts each key has sealed, by its id; every column is read once."""
    found = Counter[str]()
    for column in COLUMNS:
        of_a_key = _texts(column).order_by("key_id").values_list("key_id")
        found.update(dict(of_a_key.annotate(count=Count("pk"))))
    return found


def older(column: SealedColumn, *, after: int, most: int) -> list[SealedText]:
    """So many texts of this column that the newest key has not sealed, of rows after this one."""
    rows = _texts(column).filter(pk__gt=after).exclude(key_id=newest_key()).order_by("pk")
    wanted = rows.values_list("pk", column.name, *column.named_by)[:most]
    return [SealedText(pk, text, column.context(*names)) for pk, text, *names in wanted]


def _texts(column: SealedColumn) -> "QuerySet[Any]":
    """The rows that have such a text, and the id of its key: all before the first colon."""
    # Of long texts only the beginning is read from the disk.
    beginning = Left(F(column.name), _LONGEST_KEY_ID + 1)
    key_id = Left(beginning, StrIndex(beginning, Value(":")) - 1)
    every: QuerySet[Any] = column.model._default_manager.all()  # noqa: SLF001 - documented
    rows: QuerySet[Any] = every.exclude(**{column.name: None}).annotate(key_id=key_id)
    return rows
