"""DATABASE_URL: a database URL as a row of Django's `DATABASES`, with libpq's options."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

Option = Callable[[str], str | int]

_SCHEMES = ("postgres", "postgresql", "psql", "pgsql", "sqlite")
_SECONDS_MAX = 3_600
_MILLISECONDS_MAX = 3_600_000


def _one_of(*words: str) -> Option:
    def parse(text: str) -> str:
        _require(text in words)
        return text

    return parse


def _number(maximum: int) -> Option:
    def parse(text: str) -> int:
        _require(text.isascii() and text.isdecimal() and int(text) <= maximum)
        return int(text)

    return parse


def _text(text: str) -> str:
    _require(text)
    return text


POSTGRESQL_OPTIONS: Final[Mapping[str, Option]] = {
    "application_name": _text,
    "channel_binding": _one_of("disable", "prefer", "require"),
    "connect_timeout": _number(_SECONDS_MAX),
    "gssencmode": _one_of("disable", "prefer", "require"),
    "hostaddr": _text,
    "keepalives": _number(1),
    "keepalives_count": _number(100),
    "keepalives_idle": _number(_SECONDS_MAX),
    "keepalives_interval": _number(_SECONDS_MAX),
    "krbsrvname": _text,
    "load_balance_hosts": _one_of("disable", "random"),
    "options": _text,
    "passfile": _text,
    "require_auth": _text,
    "sslcert": _text,
    "sslcrl": _text,
    "sslkey": _text,
    "sslmode": _one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": _one_of("postgres", "direct"),
    "sslpassword": _text,
    "sslrootcert": _text,
    "ssl_max_protocol_version": _one_of("TLSv1.2", "TLSv1.3"),
    "ssl_min_protocol_version": _one_of("TLSv1.2", "TLSv1.3"),
    "target_session_attrs": _one_of(
        "any", "read-write", "read-only", "primary", "standby", "prefer-standby"
    ),
    "tcp_user_timeout": _number(_MILLISECONDS_MAX),
}
"""The options that a URL may have after `?`, by their names in libpq."""

ALLOWED: Final = (
    "sqlite:///file or postgres://user:password@host:port/name, after ? with any of these options "
    f"of libpq, each at most once and with an allowed value: {', '.join(POSTGRESQL_OPTIONS)}"
)


def parse(text: str) -> dict[str, object]:
    """The row; its `OPTIONS` are those of the URL. ValueError for a URL that is not allowed."""
    import environ  # not at start: it imports Django, and `takeback --help` needs none

    if text == "sqlite://:memory:":
        return dict(environ.Env.db_url_config(text))
    _require(text.isprintable())
    url = urlsplit(text)
    _require(url.scheme in _SCHEMES and url.path.strip("/") and not url.fragment)
    _require(url.scheme != "sqlite" or not (url.netloc or url.query))
    config = dict(environ.Env.db_url_config(text.partition("?")[0]))
    _require(config["NAME"])
    if url.query:
        config["OPTIONS"] = _options(url.query)
    return config


def _options(query: str) -> dict[str, str | int]:
    entries = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    _require(len(dict(entries)) == len(entries))
    _require(all(name in POSTGRESQL_OPTIONS for name, _ in entries))
    return {name: POSTGRESQL_OPTIONS[name](value) for name, value in entries}


def _require(condition: object) -> None:
    if not condition:
        raise ValueError
