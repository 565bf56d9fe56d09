"""Finding a guest's order: silent about what is wrong, counted exactly (promises P19, P24)."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from takeback.core.client_ip import client_network, is_within
from takeback.core.errors import Refused
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, decrement, enforce, increment, key_of, over_limit
from takeback.orders.queries import OrderRow, guest_order
from takeback.shoppers import errors as shoppers_errors

MINUTE, QUARTER, HOUR = 60, 900, 3600
REPEAT_SECONDS = 15
"""Clients repeat a failed call three times at once; that counts as one failure."""


def find_guest_order(
    channel_id: int,
    number: str,
    email: str,
    *,
    address: str,
    now: datetime,
    also: Sequence[Bucket] = (),
) -> OrderRow:
    """The guest's order, or one and the same refusal for whatever did not match.

    What is counted is what was sent, whether it exists or not; `also` is counted with it.
    """
    key = email_key(email)
    if settings.LIMITS_ENABLED:
        calls = [*_address_buckets(address), *also]
        found = _counted(channel_id, number, key, calls, now)
    else:
        found = guest_order(channel_id=channel_id, number=number, email_key=key)
    if not found:
        raise Refused(shoppers_errors.LOOKUP_FAILED)
    return found[0]


def _counted(
    channel_id: int, number: str, key: str, calls: Sequence[Bucket], now: datetime
) -> list[OrderRow]:
    """Failures are counted before they happen and given back when they did not, under the
    bucket's row lock, so that of many attempts at once no more than allowed are looked at.
    """
    channel = str(channel_id)
    shop = Bucket(f"lookup-shop:{channel_id}", settings.LOOKUP_FAILURES_PER_SHOP - 1, HOUR, hits=0)
    calls = [shop, *calls]
    failures = _failure_buckets(channel, number, key)
    pair = Bucket(key_of("lookup-pair", channel, number, key), 0, REPEAT_SECONDS)
    names = [bucket.key for bucket in failures]
    with transaction.atomic():
        counts = increment([*calls, *failures, pair], now)
        is_repeat = counts[pair.key].hits > 1
        if is_repeat:
            failures = [bucket._replace(allowed=bucket.allowed + 1) for bucket in failures]
        is_full = bool(over_limit([*calls, *failures], counts))
        found = [] if is_full else guest_order(channel_id=channel_id, number=number, email_key=key)
        if found or is_full:
            decrement([*names, pair.key])
        elif is_repeat:
            decrement(names)
        else:
            increment([shop._replace(hits=1)], now)
    # Only now, or the calls of a refused address would not stay counted.
    enforce(calls, counts)
    enforce(failures, counts)
    return found


def _failure_buckets(channel: str, number: str, key: str) -> list[Bucket]:
    return [
        Bucket(
            key_of("lookup-number", channel, number), settings.LOOKUP_FAILURES_PER_NUMBER, QUARTER
        ),
        Bucket(key_of("lookup-email", channel, key), settings.LOOKUP_FAILURES_PER_EMAIL, HOUR),
    ]


def _address_buckets(address: str) -> list[Bucket]:
    """None for storefront servers, which call for all their shoppers."""
    if is_within(address, settings.STOREFRONT_SERVERS):
        return []
    network = client_network(address)
    return [
        Bucket(key_of("lookup-minute", network), settings.LOOKUP_PER_MINUTE, MINUTE),
        Bucket(key_of("lookup-hour", network), settings.LOOKUP_PER_HOUR, HOUR),
    ]
