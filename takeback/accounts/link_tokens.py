"""Signed tokens of mailed links, which need no row in the database, and the links themselves."""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from takeback.accounts.models import Channel


def make_token(purpose: str, value: str, *, state: str) -> str:
    """A token that carries `value`, which consists of letters, digits, `-` and `_`.

    `state` is a part of the signature only: the token is valid until the state changes, so an act
    that changes it makes the token single-use. A token has only characters that survive in the
    path of a storefront: letters, digits, `-`, `_` and `.`.
    """
    return _signer(purpose, state).sign(value)


def value_of(token: str) -> str:
    """The value that a token carries, before the token is verified."""
    return token.rsplit(".", 2)[0]


def is_valid(token: str, purpose: str, *, state: str, max_age: timedelta) -> bool:
    """Whether the token was made for this purpose and state, at most `max_age` ago."""
    try:
        _signer(purpose, state).unsign(token, max_age=max_age)
    except BadSignature:
        return False
    return True


def storefront_link(channel: Channel, path: str) -> str:
    """The URL of a page of the channel's storefront; `path` starts with a slash."""
    return f"{(channel.storefront_url or settings.SITE_URL).rstrip('/')}{path}"


def _signer(purpose: str, state: str) -> TimestampSigner:
    return TimestampSigner(salt=f"takeback.{purpose}.{state}", sep=".")
