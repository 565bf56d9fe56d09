"""Mailed links that set a new password."""

from datetime import timedelta

from takeback.accounts import link_tokens
from takeback.accounts.models import User
from takeback.core.ids import id_of

PATH = "/users/reset/"
LINK_LIFETIME = timedelta(hours=24)
_PURPOSE = "password-reset"


def reset_link(user: User) -> str:
    """The link to the page that sets a new password, for a customer with a `channel`."""
    assert user.channel
    return link_tokens.storefront_link(user.channel, f"{PATH}{reset_token(user)}")


def reset_token(user: User) -> str:
    """A token that is valid until password or e-mail address change: it works once."""
    return link_tokens.make_token(_PURPOSE, str(user.pk), state=_state(user))


def user_of_token(token: str) -> User | None:
    """The customer whose password the token sets; None if it is not valid (any more)."""
    user_id = id_of(link_tokens.value_of(token)) or 0
    user = User.objects.filter(pk=user_id, is_staff=False, is_active=True).first()
    if user is None:
        return None
    is_valid = link_tokens.is_valid(token, _PURPOSE, state=_state(user), max_age=LINK_LIFETIME)
    return user if is_valid else None


def _state(user: User) -> str:
    return f"{user.password}.{user.email_key}"
