"""Limits of account requests: per client address, and of mails per e-mail address.

A stranger knows the e-mail address of a customer. So its limit only stops mails, silently, and
never refuses a request (decision 0023).
"""

from datetime import datetime

from django.conf import settings

from takeback.core.client_ip import client_network, is_within
from takeback.limits.commands import (
    Bucket,
    count,
    decrement,
    increment,
    key_of,
    over_limit,
    raise_alarms,
)

HOUR = 3600


def count_request(kind: str, allowed: int, *, address: str, now: datetime) -> None:
    """Count a request of this kind from a client address. Raises Refused above `allowed` an hour.

    A storefront server sends the requests of all its shoppers, so its address has no limit.
    """
    if settings.LIMITS_ENABLED and not is_within(address, settings.STOREFRONT_SERVERS):
        count([Bucket(_address_key(kind, address), allowed, HOUR)], now)


def uncount_request(kind: str, address: str) -> None:
    """Take a request back that has turned out to be the owner's."""
    if settings.LIMITS_ENABLED and not is_within(address, settings.STOREFRONT_SERVERS):
        decrement([_address_key(kind, address)])


def _address_key(kind: str, address: str) -> str:
    return key_of(f"{kind}-address", client_network(address))


def may_mail(kind: str, channel_id: int, email: str, now: datetime) -> bool:
    """Count a mail of this kind to an address, existing or not; `email` is an `email_key`."""
    if not settings.LIMITS_ENABLED:
        return True
    key = key_of(f"{kind}-mail", str(channel_id), email)
    buckets = [Bucket(key, settings.ACCOUNT_MAILS_PER_EMAIL, HOUR)]
    counts = increment(buckets, now)
    raise_alarms(buckets, counts, now)
    return not over_limit(buckets, counts)
