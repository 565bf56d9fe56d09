"""Mailed links that confirm the e-mail address of a registration."""

from datetime import timedelta

from takeback.accounts import link_tokens
from takeback.accounts.customers import PENDING_DAYS
from takeback.accounts.models import User
from takeback.core.ids import id_of

PATH = "/users/registration/account-confirm-email/"
_PURPOSE = "registration"


def confirmation_link(user: User) -> str:
    """The link that confirms the address of a pending customer, who needs a `channel`."""
    assert user.channel
    return link_tokens.storefront_link(user.channel, f"{PATH}{token_of(user)}/")


def token_of(user: User) -> str:
    """A token that is valid while the customer keeps the user name and the address.

    Nothing shows the random user name of a pending customer: a new one revokes the token.
    """
    return link_tokens.make_token(_PURPOSE, str(user.pk), state=_state(user))


def user_id_of(token: str) -> int | None:
    """The id that a token names, before the token is verified."""
    return id_of(link_tokens.value_of(token))


def is_valid_token(token: str, user: User) -> bool:
    """Whether the token confirms the address of this customer, who is still pending."""
    age = timedelta(days=PENDING_DAYS)
    is_signed = link_tokens.is_valid(token, _PURPOSE, state=_state(user), max_age=age)
    return is_signed and user.user_type == User.PENDING


def _state(user: User) -> str:
    return f"{user.username}.{user.email_key}"
