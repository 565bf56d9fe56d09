"""A guest's look-up: one response to every mismatch, exact rate limits (promises P19, P24).

Anybody can reach the limit of a number or an e-mail address. So a limit only keeps the pair from
being looked at: a session with a proof is served, and a mailed code opens the order
(`commands.order_codes`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from takeback.core.client_ip import client_network, is_within
from takeback.core.errors import TOO_MANY_REQUESTS, Problem, Refused, RuleProblem
from takeback.core.normalize import email_key, number_key
from takeback.limits.commands import (
    Bucket,
    decrement,
    enforce,
    increment,
    key_of,
    over_limit,
    raise_alarms,
)
from takeback.orders.queries import OrderRow, guest_order, orders_by_id

MINUTE, QUARTER, HOUR = 60, 900, 3600
# Clients repeat a failed call three times at once; the calls count as one failure.
REPEAT_SECONDS = 15

# The only response to a pair that does not match, for any reason (promise P19).
LOOKUP_FAILED = RuleProblem(
    "order_lookup_100_1", 400, _("We could not find an order with this number and e-mail address.")
)
LOOK_UP_BLOCKED = Problem(
    TOO_MANY_REQUESTS.code,
    TOO_MANY_REQUESTS.status,
    _("Too many attempts. Open the order with a code sent by e-mail, or try again later."),
)


def find_guest_order(
    channel_id: int,
    number: str,
    email: str,
    *,
    address: str,
    now: datetime,
    granted: Sequence[int] = (),
    also: Sequence[Bucket] = (),
) -> OrderRow:
    """The guest's order; Refused (LOOKUP_FAILED) for any mismatch.

    Limits count the failures of the number, e-mail address, client address and shop of the
    request, whether they exist or not. Above one of them the pair is not looked at (Refused:
    LOOK_UP_BLOCKED), unless it is that of a `granted` order. The buckets in `also` are counted in
    the same statement, failure or not.
    """
    key = email_key(email)
    if settings.LIMITS_ENABLED:
        # Another notation of a number is no further try.
        limits = _limits(channel_id, number_key(number), key, address, also)
        orders = _look_up_and_count(channel_id, number, key, limits, granted, now)
    else:
        orders = _find(channel_id, number, key)
    if not orders:
        raise Refused(LOOKUP_FAILED)
    return orders[0]


class _Limits(NamedTuple):
    """The buckets of failed look-ups, and of the request itself (`also`)."""

    shop: Bucket
    addresses: list[Bucket]
    also: Sequence[Bucket]
    pair_parts: list[Bucket]
    pair: Bucket

    @property
    def taken_back(self) -> list[str]:
        """The keys of the buckets that a right pair leaves as they were."""
        return [bucket.key for bucket in (*self.addresses, *self.pair_parts, self.pair)]


def _look_up_and_count(
    channel_id: int,
    number: str,
    key: str,
    limits: _Limits,
    granted: Sequence[int],
    now: datetime,
) -> list[OrderRow]:
    """Count a failure, look up the order, and take the failure back if it was none.

    The row locks of the transaction keep concurrent attempts within the limits.
    """
    shop, addresses, also, parts, pair = limits
    with transaction.atomic():
        counts = increment([shop, *addresses, *also, *parts, pair], now)
        is_repeat = counts[pair.key].hits > 1
        if is_repeat:
            parts = [bucket._replace(allowed=bucket.allowed + 1) for bucket in parts]
        is_full = bool(over_limit([shop, *addresses, *also, *parts], counts))
        orders = (
            _granted_orders(granted, number, key) if is_full else _find(channel_id, number, key)
        )
        if orders:
            decrement(limits.taken_back)
        elif is_full:
            decrement([bucket.key for bucket in (*parts, pair)])
        elif is_repeat:
            decrement([bucket.key for bucket in parts])
        else:
            counts |= increment([shop._replace(hits=1)], now)
    if not orders:
        counted = [] if is_full or is_repeat else parts
        raise_alarms([shop, *addresses, *counted], counts, now)
    # A refusal inside the transaction would roll the counts back.
    if is_full and not orders:
        enforce([shop, *addresses], counts, LOOK_UP_BLOCKED)
        enforce(parts, counts, LOOK_UP_BLOCKED)
    enforce(also, counts)
    return orders


def _find(channel_id: int, number: str, key: str) -> list[OrderRow]:
    return guest_order(
        channel_id=channel_id, number=number, number_key=number_key(number), email_key=key
    )


def _granted_orders(granted: Sequence[int], number: str, key: str) -> list[OrderRow]:
    """The order of this pair, if the session has access to it; looks at no other order."""
    rows = orders_by_id(order_ids=list(granted)) if granted else []
    own = [row for row in rows if email_key(row.user_email) == key]
    same = [row for row in own if number_key(row.number) == number_key(number)]
    return [row for row in same if row.number == number] or (same if len(same) == 1 else [])


def _limits(
    channel_id: int, number: str, key: str, address: str, also: Sequence[Bucket]
) -> _Limits:
    channel = str(channel_id)
    per_number, per_email = settings.LOOKUP_FAILURES_PER_NUMBER, settings.LOOKUP_FAILURES_PER_EMAIL
    return _Limits(
        shop=Bucket(
            f"lookup-shop:{channel_id}", settings.LOOKUP_FAILURES_PER_SHOP - 1, HOUR, hits=0
        ),
        addresses=_address_buckets(address),
        also=also,
        pair_parts=[
            Bucket(key_of("lookup-number", channel, number), per_number, QUARTER),
            Bucket(key_of("lookup-email", channel, key), per_email, HOUR),
        ],
        pair=Bucket(key_of("lookup-pair", channel, number, key), 0, REPEAT_SECONDS),
    )


def _address_buckets(address: str) -> list[Bucket]:
    """No buckets for storefront servers, which send the requests of all their shoppers."""
    if is_within(address, settings.STOREFRONT_SERVERS):
        return []
    network = client_network(address)
    return [
        Bucket(key_of("lookup-minute", network), settings.LOOKUP_PER_MINUTE, MINUTE),
        Bucket(key_of("lookup-hour", network), settings.LOOKUP_PER_HOUR, HOUR),
    ]
