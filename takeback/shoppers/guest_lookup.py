"""A guest's look-up: one response to every mismatch, exact rate limits (promises P19, P24)."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from takeback.core.client_ip import client_network, is_within
from takeback.core.errors import Refused, RuleProblem
from takeback.core.normalize import email_key, number_key
from takeback.limits.commands import Bucket, decrement, enforce, increment, key_of, over_limit
from takeback.orders.queries import OrderRow, guest_order

MINUTE, QUARTER, HOUR = 60, 900, 3600
# Clients repeat a failed call three times at once; the calls count as one failure.
REPEAT_SECONDS = 15

# The only response to a pair that does not match, for any reason (promise P19).
LOOKUP_FAILED = RuleProblem(
    "order_lookup_100_1", 400, _("We could not find an order with this number and e-mail address.")
)


def find_guest_order(
    channel_id: int,
    number: str,
    email: str,
    *,
    address: str,
    now: datetime,
    also: Sequence[Bucket] = (),
) -> OrderRow:
    """The guest's order; Refused (LOOKUP_FAILED) for any mismatch.

    Limits count the number and e-mail address of the request, whether they exist or not. The
    buckets in `also` are counted in the same statement.
    """
    key = email_key(email)
    if settings.LIMITS_ENABLED:
        requests = [*_address_buckets(address), *also]
        orders = _look_up_and_count(channel_id, number, key, requests, now)
    else:
        orders = guest_order(
            channel_id=channel_id, number=number, number_key=number_key(number), email_key=key
        )
    if not orders:
        raise Refused(LOOKUP_FAILED)
    return orders[0]


def _look_up_and_count(
    channel_id: int, number: str, key: str, requests: Sequence[Bucket], now: datetime
) -> list[OrderRow]:
    """Count a failure, look up the order, and take the failure back if it was none.

    The transaction holds the row locks of the buckets, so that concurrent attempts cannot exceed
    the limit.
    """
    channel = str(channel_id)
    shop = Bucket(f"lookup-shop:{channel_id}", settings.LOOKUP_FAILURES_PER_SHOP - 1, HOUR, hits=0)
    requests = [shop, *requests]
    # Another notation of a number is no further try.
    counted = number_key(number)
    failures = _failure_buckets(channel, counted, key)
    pair = Bucket(key_of("lookup-pair", channel, counted, key), 0, REPEAT_SECONDS)
    failure_keys = [bucket.key for bucket in failures]
    with transaction.atomic():
        counts = increment([*requests, *failures, pair], now)
        is_repeat = counts[pair.key].hits > 1
        if is_repeat:
            failures = [bucket._replace(allowed=bucket.allowed + 1) for bucket in failures]
        is_full = bool(over_limit([*requests, *failures], counts))
        orders = []
        if not is_full:
            orders = guest_order(
                channel_id=channel_id, number=number, number_key=counted, email_key=key
            )
        if orders or is_full:
            decrement([*failure_keys, pair.key])
        elif is_repeat:
            decrement(failure_keys)
        else:
            increment([shop._replace(hits=1)], now)
    # A refusal inside the transaction would roll the counts back.
    enforce(requests, counts)
    enforce(failures, counts)
    return orders


def _failure_buckets(channel: str, number: str, key: str) -> list[Bucket]:
    return [
        Bucket(
            key_of("lookup-number", channel, number), settings.LOOKUP_FAILURES_PER_NUMBER, QUARTER
        ),
        Bucket(key_of("lookup-email", channel, key), settings.LOOKUP_FAILURES_PER_EMAIL, HOUR),
    ]


def _address_buckets(address: str) -> list[Bucket]:
    """No buckets for storefront servers, which send the requests of all their shoppers."""
    if is_within(address, settings.STOREFRONT_SERVERS):
        return []
    network = client_network(address)
    return [
        Bucket(key_of("lookup-minute", network), settings.LOOKUP_PER_MINUTE, MINUTE),
        Bucket(key_of("lookup-hour", network), settings.LOOKUP_PER_HOUR, HOUR),
    ]
