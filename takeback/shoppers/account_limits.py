"""Limits of account requests: per client address, and of mails per e-mail address.

A stranger knows the e-mail address of a customer. So its limit only stops mails, silently, and
never refuses a request (decision 0023).
"""

from datetime import datetime

from django.conf import settings

from takeback.core.client_ip import client_network, is_within
from takeback.limits.commands import Bucket, enforce, increment, key_of, over_limit

HOUR = 3600


def count_request(kind: str, allowed: int, *, address: str, now: datetime) -> None:
    """Count a request of this kind from a client address. Raises Refused above `allowed` an hour.

    A storefront server sends the requests of all its shoppers, so its address has no limit.
    """
    if settings.LIMITS_ENABLED and not is_within(address, settings.STOREFRONT_SERVERS):
        buckets = [Bucket(key_of(f"{kind}-address", client_network(address)), allowed, HOUR)]
        enforce(buckets, increment(buckets, now))


def may_mail(kind: str, channel_id: int, email: str, now: datetime) -> bool:
    """Count a mail of this kind to an address, existing or not; `email` is an `email_key`."""
    if not settings.LIMITS_ENABLED:
        return True
    key = key_of(f"{kind}-mail", str(channel_id), email)
    buckets = [Bucket(key, settings.ACCOUNT_MAILS_PER_EMAIL, HOUR)]
    return not over_limit(buckets, increment(buckets, now))
