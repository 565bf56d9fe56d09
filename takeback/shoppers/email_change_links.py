"""Mailed links that confirm a new e-mail address."""

from datetime import timedelta

from takeback.accounts import link_tokens
from takeback.accounts.models import EmailChange
from takeback.core.ids import id_of

PATH = "/users/email-set-primary/"
LINK_LIFETIME = timedelta(hours=24)
_PURPOSE = "email-change"


def email_change_link(change: EmailChange) -> str:
    """The link that changes the address; the customer of the change needs a `channel`."""
    assert change.user.channel
    token = link_tokens.make_token(_PURPOSE, str(change.pk), state=_state(change))
    return link_tokens.storefront_link(change.user.channel, f"{PATH}{token}/")


def change_of_token(token: str) -> EmailChange | None:
    """The open change that the token confirms; None if the token is not valid (any more)."""
    change_id = id_of(link_tokens.value_of(token)) or 0
    change = EmailChange.objects.filter(pk=change_id, confirmed_at=None).first()
    if change is None:
        return None
    is_valid = link_tokens.is_valid(token, _PURPOSE, state=_state(change), max_age=LINK_LIFETIME)
    return change if is_valid else None


def _state(change: EmailChange) -> str:
    return f"{change.old_email}.{change.new_email}"
