"""One-time codes by mail that sign a registered customer in."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from takeback.accounts import one_time_secrets
from takeback.accounts.customers import registered_customer
from takeback.accounts.errors import CODE_BLOCKED
from takeback.accounts.models import User
from takeback.accounts.sign_in import LOGINS_PER_ADDRESS, attempt
from takeback.core.client_ip import client_network, is_within
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, key_of
from takeback.outbox.commands import emit
from takeback.shoppers.account_limits import HOUR, count_request, may_mail
from takeback.shoppers.topics import Topic

REQUEST_PATH = "/users/login/code/"
LIFETIME = timedelta(minutes=10)
TRIES = 5
# A code has a million values, so a year of guessing against one customer succeeds in 0.7 %.
FAILURES_PER_DAY = 20
_DAY = 24 * HOUR
NO_USER = 0


def request_code(
    channel_id: int, email: str, *, language: str, address: str, now: datetime
) -> None:
    """Let the worker mail a code, if a registered customer has this address.

    The same queries run for unknown addresses. Above the limit of mails nothing happens; a client
    address above its limit is refused.
    """
    count_request("sign-in-code", LOGINS_PER_ADDRESS, address=address, now=now)
    key = email_key(email)
    user = _active_customer(channel_id, key)
    if may_mail("sign-in-code", channel_id, key, now):
        payload: dict[str, int | str] = {
            "user": user.pk if user else NO_USER,
            "secret": _secret_key(channel_id, key),
            "language": language,
            "expires_at_epoch": int((now + LIFETIME).timestamp()),
        }
        with transaction.atomic():
            emit(Topic.SIGN_IN_CODE_REQUESTED, key=uuid.uuid4().hex, payload=payload)


def issue_code(secret_key: str, now: datetime) -> str:
    """A new code for the address of a request; the code before it ends."""
    return one_time_secrets.issue_code(secret_key, tries=TRIES, expires_at=now + LIFETIME)


def accept_code(
    channel_id: int, email: str, code: str, *, address: str, now: datetime
) -> User | None:
    """The customer whom a code signs in; the code is used up. None for a wrong or old code.

    Wrong codes count neither as wrong passwords nor the other way round. Raises Refused above the
    limits.
    """
    key = email_key(email)

    def check() -> User | None:
        user = _active_customer(channel_id, key)
        is_right = one_time_secrets.consume(_secret_key(channel_id, key), code, now)
        return user if is_right else None

    failures = key_of("sign-in-code", str(channel_id), key)
    buckets = [Bucket(failures, FAILURES_PER_DAY, _DAY)]
    if not is_within(address, settings.STOREFRONT_SERVERS):
        network = key_of("sign-in-code-failures-address", client_network(address))
        buckets.append(Bucket(network, LOGINS_PER_ADDRESS, HOUR))
    return attempt(buckets, check, now, problem=CODE_BLOCKED)


def _active_customer(channel_id: int, email: str) -> User | None:
    user = registered_customer(channel_id, email)
    return user if user and user.is_active else None


def _secret_key(channel_id: int, email: str) -> str:
    """The key of an address's code, whether a customer has the address or not."""
    return key_of("sign-in-code-of", str(channel_id), email)
