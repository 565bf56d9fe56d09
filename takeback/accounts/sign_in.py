"""Signing in with a password: how often it may be tried, and a check that tells nothing by time."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from takeback.accounts.models import User
from takeback.core.client_ip import client_network, is_within
from takeback.limits.commands import Bucket, key_of


def note_login(user_id: int, now: datetime) -> None:
    """Remember when somebody signed in last."""
    User.objects.filter(pk=user_id).update(last_login=now)


WINDOW_SECONDS = 900
LOGINS_PER_ADDRESS = 100
CODES_ALLOWED = 5
"""Wrong codes per person in a quarter of an hour: a million tries would take three centuries."""


def sign_in_buckets(kind: str, name: str, address: str) -> list[Bucket]:
    """What one try counts in: the name that is tried (`kind` says what it is), and the address.

    A storefront's own server calls for all its shoppers and has no bucket.
    """
    found = [Bucket(key_of(kind, name), settings.LOGIN_FAILURES_PER_EMAIL, WINDOW_SECONDS)]
    if not is_within(address, settings.STOREFRONT_SERVERS):
        network = key_of("login-address", client_network(address))
        found.append(Bucket(network, LOGINS_PER_ADDRESS, WINDOW_SECONDS))
    return found


def code_buckets(user_id: int) -> list[Bucket]:
    """What a code of a second factor counts in, wherever it is asked for."""
    return [Bucket(key_of("staff-code", str(user_id)), CODES_ALLOWED, WINDOW_SECONDS)]


def check_credentials(user: User | None, password: str) -> User | None:
    """The user, if this is their password; a name that nobody has takes just as long."""
    if user is None:
        make_password(password)
        return None
    return user if check_password(password, user.password) else None
