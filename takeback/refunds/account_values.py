"""The values that a payment account may have, and their columns."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from takeback.core.encryption import encrypt
from takeback.core.errors import Refused
from takeback.core.money import is_currency
from takeback.refunds import account_errors as errors
from takeback.refunds.access import is_safe_url

MAX_CREDENTIALS: Final = 20
MAX_KINDS: Final = 20
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_PROVIDER = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_TEXT_MAX, _KIND_MAX, _URL_MAX, _SECRET_MAX = 255, 32, 500, 8_192


def account_columns(uuid: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for these values of the account with this `uuid`.

    `Refused` for the first invalid value. Credentials become a text bound to the account.
    """
    columns = dict(values)
    for name, clean in _CLEANERS.items():
        if name in columns:
            columns[name] = clean(columns[name])
    if "credentials" in columns:
        text = _credentials_text(columns.pop("credentials"))
        columns["credentials_encrypted"] = encrypt(text, str(uuid))
    return columns


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise Refused(errors.CODE_INVALID)
    return text


def _provider(text: str) -> str:
    if not _PROVIDER.fullmatch(text):
        raise Refused(errors.PROVIDER_INVALID)
    return text


def _provider_account(text: str) -> str:
    text = text.strip()
    if not (0 < len(text) <= _TEXT_MAX and text.isprintable()):
        raise Refused(errors.PROVIDER_ACCOUNT_INVALID)
    return text


def _currency(text: str) -> str:
    code = text.strip().lower()
    if not is_currency(code):
        raise Refused(errors.CURRENCY_UNKNOWN.with_values(currency=text[:20]))
    return code


def _payment_kinds(texts: Collection[str]) -> list[str]:
    kinds = sorted({text.strip() for text in texts})
    is_valid = all(0 < len(kind) <= _KIND_MAX and kind.isprintable() for kind in kinds)
    if len(kinds) > MAX_KINDS or not is_valid:
        raise Refused(errors.KIND_INVALID.with_values(max=MAX_KINDS))
    return kinds


def _base_url(text: str) -> str:
    text = text.strip().rstrip("/")
    if text and not (len(text) <= _URL_MAX and is_safe_url(text)):
        raise Refused(errors.BASE_URL_INVALID)
    return text


def _limit(minor: int | None) -> int | None:
    if minor is not None and minor < 0:
        raise Refused(errors.LIMIT_INVALID)
    return minor or None


def _credentials_text(credentials: Mapping[str, object]) -> str:
    is_valid = len(credentials) <= MAX_CREDENTIALS and all(
        isinstance(text, str) and 0 < len(text) <= _SECRET_MAX
        for pair in credentials.items()
        for text in pair
    )
    if not is_valid:
        raise Refused(errors.CREDENTIALS_INVALID.with_values(max=MAX_CREDENTIALS))
    return msgspec.json.encode(dict(credentials)).decode()


_CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "code": _code,
    "provider": _provider,
    "provider_account": _provider_account,
    "currency": _currency,
    "payment_kinds": _payment_kinds,
    "base_url": _base_url,
    "limit_each_minor": _limit,
    "limit_day_minor": _limit,
}
"""Each checks a value and returns it as it is stored, in the order of the options."""
