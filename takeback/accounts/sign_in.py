"""Signing in with a password or a code: limited attempts, and no information by timing."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from takeback.accounts import password_formats
from takeback.accounts.models import User
from takeback.core import errors
from takeback.core.client_ip import client_network, is_within
from takeback.core.errors import Problem, Refused
from takeback.limits.commands import (
    Bucket,
    clear,
    decrement,
    enforce,
    increment,
    key_of,
    raise_alarms,
)

T = TypeVar("T")

WINDOW_SECONDS = 900
LOGINS_PER_ADDRESS = 100
# Wrong passwords per staff user and window, from all networks together: 9600 a day.
STAFF_LOGINS_PER_NAME = 100
# Wrong codes per user and window: a million attempts take three centuries.
CODES_ALLOWED = 5


def attempt(
    buckets: Sequence[Bucket],
    check: Callable[[], T],
    now: datetime,
    *,
    problem: Problem = errors.TOO_MANY_REQUESTS,
) -> T:
    """Count an attempt, check the credentials, and take the attempt back if they are right.

    `check` returns a falsy value, or raises Refused, for wrong credentials. Raises Refused with
    `problem` before the check when a bucket is above its limit.
    """
    counts = increment(buckets, now)
    enforce(buckets, counts, problem)
    try:
        result = check()
    except Refused:
        raise_alarms(buckets, counts, now)
        raise
    if result:
        decrement([bucket.key for bucket in buckets])
    else:
        raise_alarms(buckets, counts, now)
    return result


def login_buckets(kind: str, name: str, address: str) -> list[Bucket]:
    """The buckets of a login: the name (`kind` says of what) and the client's network.

    A storefront server signs in for all its shoppers, so its address has no bucket.
    """
    return [_bucket(kind, name), *_network_buckets(address)]


def _bucket(kind: str, *parts: str) -> Bucket:
    return Bucket(key_of(kind, *parts), settings.LOGIN_FAILURES_PER_EMAIL, WINDOW_SECONDS)


def _network_buckets(address: str) -> list[Bucket]:
    if is_within(address, settings.STOREFRONT_SERVERS):
        return []
    network = key_of("login-address", client_network(address))
    return [Bucket(network, LOGINS_PER_ADDRESS, WINDOW_SECONDS)]


def attempt_staff_login(
    name: str,
    address: str,
    check: Callable[[], T],
    now: datetime,
    *,
    device: str = "",
    problem: Problem = errors.TOO_MANY_REQUESTS,
) -> T:
    """As `attempt`, so that a stranger's wrong passwords do not lock out the staff user `name`.

    A network is refused before it fills the bucket of the name. `device` identifies a browser in
    which this user has signed in before; it has a bucket of its own and fills no other.
    """
    if device:
        return attempt([_bucket("staff-device", name, device)], check, now, problem=problem)
    from_network = _bucket("login-staff", name, client_network(address))
    from_anywhere = Bucket(key_of("login-staff", name), STAFF_LOGINS_PER_NAME, WINDOW_SECONDS)
    per_network = [from_network, *_network_buckets(address)]

    def check_counted() -> T:
        return attempt([from_anywhere], check, now, problem=problem)

    return attempt(per_network, check_counted, now, problem=problem)


def forget_staff_failures(name: str, network: str) -> None:
    """Forget the wrong passwords of a staff user, from all networks together and from this one."""
    clear([key_of("login-staff", name), key_of("login-staff", name, network)])


def forget_failures(kind: str, name: str) -> None:
    """Forget the wrong passwords of a name of `login_buckets`."""
    clear([key_of(kind, name)])


def code_buckets(user_id: int) -> list[Bucket]:
    """The bucket of second-factor codes, shared by all forms that take one."""
    return [Bucket(key_of("staff-code", str(user_id)), CODES_ALLOWED, WINDOW_SECONDS)]


def password_buckets(user_id: int) -> list[Bucket]:
    """The bucket of present passwords that a signed-in staff user enters."""
    return [_bucket("staff-password", str(user_id))]


def check_credentials(user: User | None, password: str) -> User | None:
    """The user if the password is right; without a user the check takes as long.

    A right password whose hash is outdated or came from another system gets a new hash. Until
    then a wrong one takes longer by the time of the other system's hash.
    """
    if user is None:
        make_password(password)
        return None
    outdated: list[str] = []
    if not check_password(password, user.password, outdated.append):
        if user.password.startswith(password_formats.PREFIX):
            make_password(password)
        return None
    return _upgrade(user, password) if outdated else user


def _upgrade(user: User, password: str) -> User | None:
    """Replace the hash that `user` was read with; None if the password has changed since."""
    new = make_password(password)
    if not User.objects.filter(pk=user.pk, password=user.password).update(password=new):
        # Another login has upgraded the hash, or the password was changed.
        new = User.objects.values_list("password", flat=True).get(pk=user.pk)
        if not check_password(password, new):
            return None
    user.password = new
    return user


def record_login(user_id: int, now: datetime) -> None:
    User.objects.filter(pk=user_id).update(last_login=now)
