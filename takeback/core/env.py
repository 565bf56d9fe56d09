"""Readers of environment variables; each declares a default and a sentence for the docs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import environ

Value = bool | int | str | list[str] | dict[str, str]

_env = environ.FileAwareEnv()


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    default: Value
    sentence: str


# Every setting, in the order of `settings.py`; docs/write.py prints them.
DECLARED: dict[str, Setting] = {}


def env_str(name: str, default: str, sentence: str) -> str:
    return str(_read(_env.str, name, default, sentence))


def env_int(name: str, default: int, sentence: str) -> int:
    """An integer; its name ends with the unit."""
    return int(_read(_env.int, name, default, sentence))


def env_bool(name: str, default: bool, sentence: str) -> bool:  # noqa: FBT001 - read as a table row
    return bool(_read(_env.bool, name, default, sentence))


def env_list(name: str, default: list[str], sentence: str) -> list[str]:
    return [str(word).strip() for word in _read(_env.list, name, default, sentence)]


def env_dict(name: str, default: dict[str, str], sentence: str) -> dict[str, str]:
    """Keys and values: `a=1,b=2`."""
    return {
        str(key): str(value) for key, value in _read(_env.dict, name, default, sentence).items()
    }


def env_database(name: str, default: str, sentence: str) -> dict[str, object]:
    return dict(_read(_env.db_url, name, default, sentence))


def env_mail_server(name: str, default: str, sentence: str) -> dict[str, object]:
    """A mail server URL as Django's `EMAIL_*` settings; no settings when it is empty."""
    # django-environ reads `smtps` as STARTTLS; everywhere else it means TLS from the first byte.
    url = re.sub("^smtps:", "smtp+ssl:", env_str(name, default, sentence))
    return dict(environ.Env.email_url_config(url)) if url else {}


def _read(reader: Callable[..., Any], name: str, default: Value, sentence: str) -> Any:
    DECLARED[name] = Setting(name, default, sentence)
    return reader(name, default=default)
