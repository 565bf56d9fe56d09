"""What a setting may be: in words for people, and as a parser of its text."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from typing import Final, Generic, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from takeback.core import database_url

T = TypeVar("T")
Parser = Callable[[str], T]

DAYS: Final = 3_650
MINUTES: Final = 525_600
COUNT: Final = 1_000_000
BYTES: Final = 1_073_741_824
ID: Final = 2_147_483_647
AMOUNT: Final = 1_000_000_000_000

_TEXT_MAX = 255
_KEY_BYTES = 32
_BOOLEANS = {
    **dict.fromkeys(("on", "true", "yes", "y", "ok", "1"), True),
    **dict.fromkeys(("off", "false", "no", "n", "0"), False),
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CURRENCY = re.compile(r"[a-z]{3}")
_DOTTED_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")
_MAIL_SCHEMES = ("smtp", "smtps", "smtp+tls", "smtp+ssl")
_PASSWORD = re.compile(r"((?:password|passwd|pwd)=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`parse` raises ValueError for a text that is not `allowed`; `show` hides secrets in it."""

    allowed: str
    parse: Parser[T]
    show: Callable[[str], str] = str


def integer(minimum: int, maximum: int) -> Kind[int]:
    def parse(text: str) -> int:
        if not _INTEGER.fullmatch(text.strip()):
            raise ValueError
        number = int(text)
        _require(minimum <= number <= maximum)
        return number

    return Kind(f"a whole number from {minimum} to {maximum}", parse)


def one_of(*words: str) -> Kind[str]:
    """One of these words; upper and lower case are the same."""
    spelling = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        _require(text.strip().lower() in spelling)
        return spelling[text.strip().lower()]

    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", parse)


def secret(*, minimum: int = 0) -> Kind[str]:
    """A text that no message shows; empty means that none is set."""

    def parse(text: str) -> str:
        _require(text.isprintable() and (not text or len(text) >= minimum))
        return text

    length = f" of at least {minimum} characters" if minimum else ""
    return Kind(f"a text{length} without line breaks", parse, lambda _: "(hidden)")


def list_of(kind: Kind[str]) -> Kind[list[str]]:
    """Values of this kind, separated by commas; empty ones are left out."""

    def parse(text: str) -> list[str]:
        words = (word.strip() for word in text.split(","))
        return [kind.parse(word) for word in words if word]

    return Kind(f"{kind.allowed}; several are separated by commas", parse, kind.show)


def _require(condition: object) -> None:
    if not condition:
        raise ValueError


def _boolean(text: str) -> bool:
    _require(text.strip().lower() in _BOOLEANS)
    return _BOOLEANS[text.strip().lower()]


def _text(text: str) -> str:
    _require(text.isprintable() and 0 < len(text.strip()) <= _TEXT_MAX)
    return text


def _time_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (KeyError, OSError):
        raise ValueError from None


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


def _host(text: str) -> str:
    if text.startswith("["):
        _require(text.endswith("]") and ip_address(text[1:-1]).version == 6)  # noqa: PLR2004
    else:
        _require(text == "*" or _HOST_NAME.fullmatch(text.removeprefix(".")))
    return text


def _web_url(text: str) -> str:
    url = _split(text)
    _require(url.scheme in ("http", "https") and _is_host(url.hostname))
    _require("@" not in url.netloc and not url.query and not url.fragment)
    return text


def _origin(text: str) -> str:
    url = _split(text.replace("://*.", "://", 1))
    _require(_web_url(url.geturl()) and not url.path)
    return text


def _is_host(name: str | None) -> bool:
    return bool(name and (_HOST_NAME.fullmatch(name) or ":" in name))


def _split(text: str) -> SplitResult:
    """The parts of a URL; ValueError for spaces, control characters and impossible ports."""
    _require(text.isprintable() and " " not in text)
    url = urlsplit(text)
    _require(url.port != 0)
    return url


def _cookie_name(text: str) -> str:
    _require(_COOKIE_NAME.fullmatch(text))
    return text


def _dotted_path(text: str) -> str:
    _require(_DOTTED_PATH.fullmatch(text))
    return text


def _sender(text: str) -> str:
    _require(text.isprintable() and _MAILBOX.fullmatch(parseaddr(text)[1]))
    return text


def _channels_by_host(text: str) -> dict[str, str]:
    channels = _entries(text)
    for host, channel in channels.items():
        _require(_HOST_NAME.fullmatch(host))
        integer(1, ID).parse(channel)
    return {host.lower(): channel for host, channel in channels.items()}


def _amounts(text: str) -> dict[str, int]:
    amounts = {code.lower(): amount for code, amount in _entries(text).items()}
    _require(len(amounts) == len(_entries(text)))
    for code in amounts:
        _require(_CURRENCY.fullmatch(code))
    return {code: integer(0, AMOUNT).parse(amount) for code, amount in amounts.items()}


def _data_keys(text: str) -> dict[str, str]:
    keys = _entries(text)
    for key_id, key in keys.items():
        _require(_KEY_ID.fullmatch(key_id))
        _require(len(b64decode(key, validate=True)) == _KEY_BYTES)
    return keys


def _entries(text: str) -> dict[str, str]:
    """`a=1,b=2` in its order; no name occurs twice."""
    words = [word for word in text.split(",") if word.strip()]
    entries = {
        name.strip(): value.strip() for name, _, value in (word.partition("=") for word in words)
    }
    _require(len(entries) == len(words))
    return entries


def _mail_server(text: str) -> dict[str, object]:
    """A mail server URL as Django's `EMAIL_*` settings; no settings when it is empty."""
    if not text:
        return {}
    url = _split(text)
    _require(url.scheme in _MAIL_SCHEMES and _is_host(url.hostname))
    import environ  # not at start: it imports Django, and `takeback --help` needs none

    # django-environ reads `smtps` as STARTTLS; everywhere else it means TLS from the first byte.
    return dict(environ.Env.email_url_config(re.sub("^smtps:", "smtp+ssl:", text)))


def without_password(url: str) -> str:
    """The URL without user name and passwords, whatever else may be wrong with it."""
    head, at, rest = url.rpartition("@")
    if at:
        scheme, slashes, _ = head.partition("://")
        url = f"{scheme}://***@{rest}" if slashes else f"***@{rest}"
    return _PASSWORD.sub(r"\1***", url)


BOOLEAN: Final = Kind("on or off", _boolean)
TEXT: Final = Kind(f"a text of 1 to {_TEXT_MAX} characters", _text)
TIME_ZONE: Final = Kind("the name of a time zone, such as Europe/Istanbul", _time_zone)
NETWORKS: Final = list_of(
    Kind("an IP address or a network, such as 10.0.0.0/8 or 2001:db8::/32", _network)
)
HOSTS: Final = list_of(
    Kind("a host name without scheme and port, such as returns.shop.example", _host)
)
ORIGINS: Final = list_of(
    Kind("a scheme and a host, such as https://www.shop.example", _origin, without_password)
)
WEB_URL: Final = Kind(
    "an http:// or https:// URL, such as https://returns.shop.example", _web_url, without_password
)
COOKIE_NAME: Final = Kind("1 to 100 letters, digits, hyphens or underscores", _cookie_name)
DOTTED_PATH: Final = Kind(
    "the dotted path of a Python class, of letters, digits, underscores and dots", _dotted_path
)
SENDER: Final = Kind("an e-mail address, or a name and <address>", _sender)
CHANNELS_BY_HOST: Final = Kind(
    "host names with the id of a channel, such as shop.example=1,other.example=2",
    _channels_by_host,
)
AMOUNTS: Final = Kind(
    "currency codes with an amount in minor units, such as eur=50000,jpy=80000", _amounts
)
DATA_KEYS: Final = Kind(
    "ids with the base64 form of 32 bytes, such as 2=<base64>,1=<base64>",
    _data_keys,
    lambda _: "(hidden)",
)
DATABASE: Final = Kind(database_url.ALLOWED, database_url.parse, without_password)
MAIL_SERVER: Final = Kind(
    "smtp://, smtp+tls:// or smtps:// with user:password@host:port", _mail_server, without_password
)
