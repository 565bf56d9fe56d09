"""Changing the e-mail address of a customer: a link to the new address confirms the change."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from takeback.accounts import link_tokens
from takeback.accounts.models import EmailChange, User
from takeback.accounts.own_account import apply_email_change, open_email_change
from takeback.core.ids import id_of
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, enforce, increment, key_of, over_limit
from takeback.outbox.commands import emit
from takeback.shoppers.password_changes import HOUR, REPEATS, mail_bucket
from takeback.shoppers.topics import Topic

PATH = "/users/email-set-primary/"
LINK_LIFETIME = timedelta(hours=24)
REQUESTS_PER_CUSTOMER = 10
_PURPOSE = "email-change"


def request_email_change(user: User, new_email: str, now: datetime) -> None:
    """Mail a link to the new address, or a note that it has an account already.

    The worker decides between the two: the request causes the same statements in both cases. An
    address that has had several mails within an hour gets no more of them.
    """
    mails = mail_bucket(user.channel_id, email_key(new_email))
    if settings.LIMITS_ENABLED:
        own = key_of("email-change", str(user.pk))
        requests = Bucket(own, REPEATS * REQUESTS_PER_CUSTOMER, HOUR)
        counts = increment([requests, mails], now)
        enforce([requests], counts)
        if over_limit([mails], counts):
            return
    with transaction.atomic():
        change = open_email_change(user, new_email, now=now)
        emit(Topic.EMAIL_CHANGE_REQUESTED, str(change.pk), {"email_change": change.pk})


def confirmation_link(change: EmailChange) -> str:
    """The link that changes the address, for a change with its user and `channel`."""
    assert change.user.channel
    return link_tokens.storefront_link(change.user.channel, f"{PATH}{change_token(change)}/")


def change_token(change: EmailChange) -> str:
    return link_tokens.make_token(_PURPOSE, str(change.pk), state=_state(change))


def change_of_token(token: str) -> EmailChange | None:
    """The open change that the token confirms; None if the token is not valid (any more)."""
    change_id = id_of(link_tokens.value_of(token)) or 0
    change = EmailChange.objects.filter(pk=change_id, confirmed_at=None).first()
    if change is None:
        return None
    is_valid = link_tokens.is_valid(token, _PURPOSE, state=_state(change), max_age=LINK_LIFETIME)
    return change if is_valid else None


def confirm_email_change(token: str, now: datetime) -> bool:
    """Change the address that the token confirms; False if the token is not valid or another
    customer has registered the address meanwhile."""
    opened = change_of_token(token)
    if opened is None:
        return False
    with transaction.atomic():
        change = apply_email_change(opened.pk, now=now)
        if change is None:
            return False
        emit(Topic.EMAIL_CHANGED, str(change.pk), {"email_change": change.pk})
    return True


def _state(change: EmailChange) -> str:
    return f"{change.old_email}.{change.new_email}"
