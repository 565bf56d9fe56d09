"""Changing a password: with the present one, or with a mailed link by who has forgotten it."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from takeback.accounts import link_tokens, sign_in
from takeback.accounts.models import User
from takeback.accounts.own_account import replace_password
from takeback.core.client_ip import client_network, is_within
from takeback.core.ids import id_of
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, enforce, increment, key_of, over_limit
from takeback.outbox.commands import Payload, emit
from takeback.shoppers.topics import Topic

PATH = "/users/reset/"
LINK_LIFETIME = timedelta(hours=24)
HOUR = 3600
MAILS_PER_ADDRESS = 3
REQUESTS_PER_CLIENT = 30
# Storefronts send a refused request four times.
REPEATS = 4
_PURPOSE = "password-reset"


def is_own_password(user: User, password: str, now: datetime) -> bool:
    """Whether the password is right; wrong ones are limited per customer.

    Only a signed-in customer gets here, and these attempts do not count as logins: nobody can use
    up the attempts of another person.
    """
    allowed = REPEATS * settings.LOGIN_FAILURES_PER_EMAIL
    bucket = Bucket(key_of("own-password", str(user.pk)), allowed, sign_in.WINDOW_SECONDS)
    if not settings.LIMITS_ENABLED:
        return check_password(password, user.password)
    return sign_in.attempt([bucket], lambda: check_password(password, user.password), now)


def change_password(user: User, password: str, *, session_key: str | None, now: datetime) -> bool:
    """Set the password and end all other sessions; False if another change was faster."""
    return _set_password(user, password, keep_session=session_key, now=now)


def request_password_reset(
    channel_id: int, email: str, *, client: str, language: str, now: datetime
) -> None:
    """Mail a link to the account of this address, if there is one and has had few such mails.

    Known and unknown addresses cause the same statements. The worker sends the mail, or does
    nothing for the customer 0.
    """
    key = email_key(email)
    if settings.LIMITS_ENABLED and not _may_mail(channel_id, key, client, now):
        return
    user = account_of(channel_id, key)
    payload: Payload = {"user": user.pk if user else 0, "language": language}
    with transaction.atomic():
        emit(Topic.PASSWORD_RESET_REQUESTED, uuid4().hex, payload)


def _may_mail(channel_id: int, key: str, client: str, now: datetime) -> bool:
    """Count the request. Raises Refused when a client sends too many, whatever the addresses."""
    mails = mail_bucket(channel_id, key)
    clients = []
    if not is_within(client, settings.STOREFRONT_SERVERS):
        network = key_of("reset-address", client_network(client))
        clients = [Bucket(network, REQUESTS_PER_CLIENT, HOUR)]
    counts = increment([mails, *clients], now)
    enforce(clients, counts)
    return not over_limit([mails], counts)


def mail_bucket(channel_id: int | None, key: str) -> Bucket:
    """The mails that anybody can have sent to an address, which is an `email_key`."""
    return Bucket(key_of("account-mail", str(channel_id), key), MAILS_PER_ADDRESS, HOUR)


def account_of(channel_id: int, key: str) -> User | None:
    """The customer who may set a password by mail; a confirmed customer precedes a pending one."""
    users = User.objects.filter(
        channel_id=channel_id,
        email_key=key,
        is_staff=False,
        is_active=True,
        user_type__in=[User.REGISTERED, User.PENDING],
    )
    return users.order_by("-user_type", "-pk").first()


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


def reset_password(user: User, password: str, now: datetime) -> bool:
    """Set the password of the customer of a valid token; False if the token was used meanwhile.

    All sessions end. The link came by mail, so a pending customer has confirmed the address.
    """
    return _set_password(user, password, keep_session=None, now=now)


def _set_password(user: User, password: str, *, keep_session: str | None, now: datetime) -> bool:
    encoded = make_password(password)  # slow on purpose: before the transaction
    with transaction.atomic():
        if not replace_password(user, encoded, keep_session=keep_session, now=now):
            return False
        emit(Topic.PASSWORD_CHANGED, uuid4().hex, {"user": user.pk})
    user.password = encoded
    return True


def _state(user: User) -> str:
    return f"{user.password}.{user.email_key}"
