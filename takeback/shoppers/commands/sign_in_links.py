"""Mailed links that sign a customer in: unlike a code, no stranger can use up their tries."""

from datetime import datetime, timedelta

from takeback.accounts import link_tokens
from takeback.accounts.models import User

# As long as the window of the limit of mails: whenever the limit is reached, a link of the last
# hour is valid (decision 0023).
LIFETIME = timedelta(hours=1)
_PURPOSE = "sign-in-link"


def token_of(user: User) -> str:
    """A token that signs this customer in, until their next sign-in or change of password."""
    return link_tokens.make_token(_PURPOSE, str(user.pk), state=_state(user))


def is_valid_token(token: str, user: User) -> bool:
    """Whether the token signs this customer in now."""
    return link_tokens.is_valid(token, _PURPOSE, state=_state(user), max_age=LIFETIME)


def use_up(user: User, now: datetime) -> bool:
    """Record the sign-in, which ends all links; False if another sign-in was faster."""
    # A sign-in at the very time of the last one would leave the links valid.
    rows = User.objects.filter(pk=user.pk, last_login=user.last_login)
    return user.last_login != now and bool(rows.update(last_login=now))


def _state(user: User) -> str:
    last_login = user.last_login.isoformat() if user.last_login else ""
    return f"{user.channel_id}.{user.email_key}.{last_login}.{user.password}"
