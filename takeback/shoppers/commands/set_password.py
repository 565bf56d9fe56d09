"""Sets a password: with the present one, or with a mailed link if the customer has forgotten it."""

from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from takeback.accounts import sign_in
from takeback.accounts.models import User
from takeback.accounts.own_account import replace_password
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, key_of
from takeback.outbox.commands import Payload, emit
from takeback.shoppers.account_limits import count_request, may_mail
from takeback.shoppers.commands.confirm_registration import confirm_registration
from takeback.shoppers.confirmation_links import token_of
from takeback.shoppers.topics import Topic

RESETS_PER_CLIENT = 30
# Storefronts send a refused request four times.
SENDS_WHEN_REFUSED = 4


def is_own_password(user: User, password: str, now: datetime) -> bool:
    """Whether the password is right; wrong ones are limited per customer.

    Only a signed-in customer gets here, and these attempts do not count as logins: nobody can use
    up the attempts of another person.
    """
    if not settings.LIMITS_ENABLED:
        return check_password(password, user.password)
    allowed = SENDS_WHEN_REFUSED * settings.LOGIN_FAILURES_PER_EMAIL
    bucket = Bucket(key_of("own-password", str(user.pk)), allowed, sign_in.WINDOW_SECONDS)
    return sign_in.attempt([bucket], lambda: check_password(password, user.password), now)


def change_password(user: User, password: str, *, session_key: str | None, now: datetime) -> bool:
    """Set the password and end all other sessions; False if another change was faster."""
    encoded = make_password(password)  # slow on purpose: before the transaction
    with transaction.atomic():
        return _set_password(user, encoded, keep_session=session_key, now=now)


def request_password_reset(
    channel_id: int, email: str, *, address: str, language: str, now: datetime
) -> None:
    """Mail a link to the account of this address, if there is one and has had few such mails.

    Known and unknown addresses cause the same statements. The worker sends the mail, or does
    nothing for the customer 0. Raises Refused when a client sends too many requests.
    """
    key = email_key(email)
    count_request("password-reset", RESETS_PER_CLIENT, address=address, now=now)
    if not may_mail("password-reset", channel_id, key, now):
        return
    user = _account_of(channel_id, key)
    payload: Payload = {"user": user.pk if user else 0, "language": language}
    with transaction.atomic():
        emit(Topic.PASSWORD_RESET_REQUESTED, uuid4().hex, payload)


def _account_of(channel_id: int, key: str) -> User | None:
    """The customer who may set a password by mail; a confirmed customer precedes a pending one."""
    users = User.objects.filter(
        channel_id=channel_id,
        email_key=key,
        is_staff=False,
        is_active=True,
        user_type__in=[User.REGISTERED, User.PENDING],
    )
    return users.order_by("-user_type", "-pk").first()


def reset_password(user: User, password: str, now: datetime) -> bool:
    """Set the password of the customer of a valid token; False if the token was used meanwhile.

    All sessions end. The link came by mail, so a pending customer has confirmed the address.
    """
    encoded = make_password(password)
    with transaction.atomic():
        if not _set_password(user, encoded, keep_session=None, now=now):
            return False
        # The owner signs in at once, however many wrong passwords a stranger has entered.
        sign_in.forget_failures("login-email", user.email_key)
        if user.user_type == User.PENDING:
            confirm_registration(token_of(user), now=now)
        return True


def _set_password(user: User, encoded: str, *, keep_session: str | None, now: datetime) -> bool:
    if not replace_password(user, encoded, keep_session=keep_session, now=now):
        return False
    emit(Topic.PASSWORD_CHANGED, uuid4().hex, {"user": user.pk})
    user.password = encoded
    return True
