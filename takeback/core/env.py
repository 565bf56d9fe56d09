"""Readers of environment variables; each declares a default and a sentence for the docs."""

import re
from dataclasses import dataclass

import environ

Value = bool | int | str | list[str] | dict[str, str]

_env = environ.FileAwareEnv()


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the settings page."""

    name: str
    default: Value
    sentence: str


DECLARED: dict[str, Setting] = {}
"""Every setting, in the order of `settings.py`; docs/write.py prints them."""


def env_str(name: str, default: str, sentence: str) -> str:
    _declare(name, default, sentence)
    return str(_env.str(name, default=default))


def env_int(name: str, default: int, sentence: str) -> int:
    """An integer; its name ends with the unit."""
    _declare(name, default, sentence)
    return int(_env.int(name, default=default))


def env_bool(name: str, default: bool, sentence: str) -> bool:  # noqa: FBT001 - read as a table row
    _declare(name, default, sentence)
    return bool(_env.bool(name, default=default))


def env_list(name: str, default: list[str], sentence: str) -> list[str]:
    """A comma-separated list."""
    _declare(name, default, sentence)
    return [str(word).strip() for word in _env.list(name, default=default)]


def env_dict(name: str, default: dict[str, str], sentence: str) -> dict[str, str]:
    """Keys and values: `a=1,b=2`."""
    _declare(name, default, sentence)
    return {str(key): str(value) for key, value in _env.dict(name, default=default).items()}


def env_database(name: str, default: str, sentence: str) -> dict[str, object]:
    """A database URL as an entry of Django's `DATABASES`."""
    _declare(name, default, sentence)
    return dict(_env.db_url(name, default=default))


def env_mail_server(name: str, default: str, sentence: str) -> dict[str, object]:
    """A mail server URL as Django's `EMAIL_*` settings; no settings when it is empty."""
    _declare(name, default, sentence)
    # django-environ reads `smtps` as STARTTLS; everywhere else it means TLS from the first byte.
    url = re.sub("^smtps:", "smtp+ssl:", str(_env.str(name, default=default)))
    return dict(environ.Env.email_url_config(url)) if url else {}


def _declare(name: str, default: Value, sentence: str) -> None:
    DECLARED[name] = Setting(name, default, sentence)
