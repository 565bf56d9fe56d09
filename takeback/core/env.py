"""Readers of environment variables; each declares a default and a sentence for the docs.

A wrong value is recorded and replaced by the default, so that `require_valid` reports all of them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from takeback.core import setting_kinds
from takeback.core.setting_kinds import Kind

Value = bool | int | str | list[str] | dict[str, str]
T = TypeVar("T")

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    default: Value
    sentence: str
    allowed: str


@dataclass(frozen=True, slots=True)
class WrongSetting:
    """A variable whose value is not allowed; `value` hides secrets."""

    name: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.name} is {self.value}. Allowed: {self.allowed}."


class WrongSettings(Exception):
    """The settings with a value that is not allowed; the text has a line for each."""

    def __init__(self, settings: tuple[WrongSetting, ...]) -> None:
        super().__init__("\n".join(map(str, settings)))
        self.settings = settings


# Every setting, in the order of `settings.py`; docs/write.py prints them.
DECLARED: dict[str, Setting] = {}
_WRONG: dict[str, WrongSetting] = {}


def env_str(name: str, default: str, sentence: str, kind: Kind[str] = setting_kinds.TEXT) -> str:
    return _read(kind, name, default, sentence)


def env_int(
    name: str,
    default: int,
    sentence: str,
    *,
    minimum: int = 0,
    maximum: int = setting_kinds.COUNT,
) -> int:
    """An integer; its name ends with the unit."""
    return _read(setting_kinds.integer(minimum, maximum), name, default, sentence)


def env_bool(name: str, default: bool, sentence: str) -> bool:  # noqa: FBT001 - read as a table row
    return _read(setting_kinds.BOOLEAN, name, default, sentence)


def env_list(
    name: str,
    default: list[str],
    sentence: str,
    kind: Kind[list[str]] | None = None,
) -> list[str]:
    return _read(kind or setting_kinds.list_of(setting_kinds.TEXT), name, default, sentence)


def env_dict(
    name: str, default: dict[str, str], sentence: str, kind: Kind[dict[str, str]]
) -> dict[str, str]:
    """Keys and values: `a=1,b=2`."""
    return _read(kind, name, default, sentence)


def env_amounts(name: str, default: dict[str, int], sentence: str) -> dict[str, int]:
    """Amounts in minor units by currency, in lower case: `eur=50000,jpy=80000`."""
    return _read(setting_kinds.AMOUNTS, name, default, sentence)


def env_database(name: str, default: str, sentence: str) -> dict[str, object]:
    kind = setting_kinds.DATABASE
    return _read(kind, name, kind.parse(default), sentence, shown_default=default)


def env_mail_server(name: str, default: str, sentence: str) -> dict[str, object]:
    """A mail server URL as Django's `EMAIL_*` settings; no settings when it is empty."""
    kind = setting_kinds.MAIL_SERVER
    return _read(kind, name, kind.parse(default), sentence, shown_default=default)


def require_valid() -> None:
    """WrongSettings if a variable read so far has a value that is not allowed."""
    if _WRONG:
        wrong = tuple(_WRONG.values())
        _WRONG.clear()
        raise WrongSettings(wrong)


def _read(
    kind: Kind[T], name: str, default: T, sentence: str, *, shown_default: Value | None = None
) -> T:
    shown = default if shown_default is None else shown_default
    DECLARED[name] = Setting(name, shown, sentence, kind.allowed)  # type: ignore[arg-type]
    if file := os.environ.get(f"{name}_FILE"):
        try:
            text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError):
            _WRONG[name] = WrongSetting(f"{name}_FILE", repr(file), "a file that can be read")
            return default
    elif name in os.environ:
        text = os.environ[name]
    else:
        return default
    try:
        return kind.parse(text)
    except Exception:  # noqa: BLE001 - of any parser: a value that it cannot read is wrong
        value = kind.show(text)
        shown_value = value if value == "(hidden)" else repr(value[:_SHOWN_CHARACTERS])
        _WRONG[name] = WrongSetting(name, shown_value, kind.allowed)
        return default
