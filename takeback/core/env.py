"""Settings come from the environment; each has a default and says in a sentence what it does."""

import re
from dataclasses import dataclass

import environ

Value = bool | int | str | list[str] | dict[str, str]

_env = environ.FileAwareEnv()


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the settings page."""

    name: str
    default: Value
    sentence: str


DECLARED: dict[str, Setting] = {}
"""Every setting that was read, in the order of the settings file; the documentation prints it."""


def env_str(name: str, default: str, sentence: str) -> str:
    """A string."""
    _declare(name, default, sentence)
    return str(_env.str(name, default=default))


def env_int(name: str, default: int, sentence: str) -> int:
    """A whole number; the unit is the end of its name."""
    _declare(name, default, sentence)
    return int(_env.int(name, default=default))


def env_bool(name: str, default: bool, sentence: str) -> bool:  # noqa: FBT001 - read as a table row
    """On or off."""
    _declare(name, default, sentence)
    return bool(_env.bool(name, default=default))


def env_list(name: str, default: list[str], sentence: str) -> list[str]:
    """A list, separated by commas."""
    _declare(name, default, sentence)
    return [str(word).strip() for word in _env.list(name, default=default)]


def env_dict(name: str, default: dict[str, str], sentence: str) -> dict[str, str]:
    """Names and values: `a=1,b=2`."""
    _declare(name, default, sentence)
    return {str(key): str(value) for key, value in _env.dict(name, default=default).items()}


def env_database(name: str, default: str, sentence: str) -> dict[str, object]:
    """A database address as Django wants it."""
    _declare(name, default, sentence)
    return dict(_env.db_url(name, default=default))


def env_mail_server(name: str, default: str, sentence: str) -> dict[str, object]:
    """A mail server's address as Django's own settings; none of them when it is empty."""
    _declare(name, default, sentence)
    # `smtps` is TLS from the first byte, as everywhere else; the library takes it for STARTTLS.
    told = re.sub("^smtps:", "smtp+ssl:", str(_env.str(name, default=default)))
    return dict(environ.Env.email_url_config(told)) if told else {}


def _declare(name: str, default: Value, sentence: str) -> None:
    DECLARED[name] = Setting(name, default, sentence)
