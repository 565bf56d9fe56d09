"""Signs in customers by a token: of the shop's own server, or of a mailed link."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from takeback.accounts import link_tokens, one_time_secrets
from takeback.accounts.channels import site_url
from takeback.accounts.models import User
from takeback.accounts.queries import customers_of
from takeback.core.ids import id_of
from takeback.shoppers.commands import sign_in_links

PATH = "/users/hand-off/"
LIFETIME = timedelta(seconds=60)
_PURPOSE = "hand-off"
_NONCE_BYTES = 8


class SignInToken(NamedTuple):
    """A token that signs a customer in once; `url` is the page for a browser."""

    token: str
    url: str
    expires_at: datetime


def issue_sign_in_token(channel_id: int, user_id: int, *, now: datetime) -> SignInToken | None:
    """A token for a registered customer of the channel; None if there is no such customer."""
    if _customer(channel_id, user_id) is None:
        return None
    nonce, expires_at = secrets.token_hex(_NONCE_BYTES), now + LIFETIME
    secret = one_time_secrets.issue_token(_key(user_id, nonce), expires_at=expires_at)
    value = f"{user_id}-{nonce}-{secret}"
    token = link_tokens.make_token(_PURPOSE, value, state=str(channel_id))
    return SignInToken(token, page_url(channel_id, token), expires_at)


def page_url(channel_id: int, token: str) -> str:
    """The URL of the page that signs a browser in."""
    return f"{site_url(channel_id)}{PATH}{token}/"


def owner_of_token(channel_id: int, token: str) -> User | None:
    """The customer whom a token would sign in now, in this channel; the token stays valid."""
    user_id, nonce, secret = _parts(token)
    user = _customer(channel_id, user_id)
    if user is None or not nonce:
        return user if user and sign_in_links.is_valid_token(token, user) else None
    is_signed = link_tokens.is_valid(token, _PURPOSE, state=str(channel_id), max_age=LIFETIME)
    return user if is_signed and secret else None


def accept_token(channel_id: int, token: str, *, now: datetime) -> User | None:
    """The customer whom a token signs in, in this channel; the token is used up.

    None, with nothing changed, for a token that was used, is too old, altered, or of another
    channel. Of concurrent calls with one token, one gets the customer.
    """
    user = owner_of_token(channel_id, token)
    user_id, nonce, secret = _parts(token)
    if user is None or user_id is None:
        return None
    if nonce:
        is_accepted = one_time_secrets.consume(_key(user_id, nonce), secret, now)
    else:
        is_accepted = sign_in_links.use_up(user, now)
    return user if is_accepted else None


def _customer(channel_id: int, user_id: int | None) -> User | None:
    if user_id is None:
        return None
    customers = customers_of(channel_id).filter(user_type=User.REGISTERED, is_active=True)
    return customers.filter(pk=user_id).first()


def _parts(token: str) -> tuple[int | None, str, str]:
    """The user's id, nonce and secret that a token carries; a mailed one has only the id."""
    user_id, _, rest = link_tokens.value_of(token).partition("-")
    nonce, _, secret = rest.partition("-")
    return id_of(user_id), nonce, secret


def _key(user_id: int, nonce: str) -> str:
    return f"{_PURPOSE}:{user_id}:{nonce}"
