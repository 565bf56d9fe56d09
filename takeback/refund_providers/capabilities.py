"""What each provider can do, as data: adapters, documentation and the sandbox read this table."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from takeback.refunds.providers import Capabilities, StoredReplies

_NO_TIME = timedelta(0)

CAPABILITIES: Final[Mapping[str, Capabilities]] = {
    "sandbox": Capabilities(
        key_window=timedelta(hours=24),
        lag=timedelta(seconds=2),
        deadline=timedelta(days=180),
        is_asynchronous=True,
        can_void=True,
    ),
    # Keys for an hour, of successful replies only; no equal amounts within the hour.
    "sandbox_hour": Capabilities(
        key_window=timedelta(hours=1),
        lag=timedelta(seconds=2),
        stored_replies=StoredReplies.SUCCESSFUL,
        equal_amounts_apart=timedelta(hours=1),
        is_asynchronous=True,
        can_void=True,
    ),
    # New refunds appear late; decimals of its own.
    "sandbox_month": Capabilities(
        key_window=timedelta(days=30),
        lag=timedelta(seconds=30),
        deadline=timedelta(days=180),
        exponents={"huf": 0, "isk": 2, "kwd": 2, "twd": 0},
        is_asynchronous=True,
        can_void=True,
    ),
    "sandbox_forever": Capabilities(
        key_window=None,
        lag=_NO_TIME,
        stored_replies=StoredReplies.SUCCESSFUL,
        is_asynchronous=True,
        can_void=True,
    ),
    "sandbox_keyless": Capabilities(
        key_window=_NO_TIME,
        lag=timedelta(seconds=30),
        stored_replies=StoredReplies.NONE,
        deadline=timedelta(days=365),
        max_partials=10,
        can_void=True,
    ),
    "loyalty": Capabilities(key_window=None, lag=_NO_TIME, refuses_disputed=False),
    "manual": Capabilities(
        key_window=None,
        lag=_NO_TIME,
        is_asynchronous=True,
        refuses_disputed=False,
        is_manual=True,
    ),
}
"""The capabilities of each provider by its name in `PaymentAccount.provider`.

The names `sandbox_…` are one test server that keeps keys, lags and counts decimals differently.
"""
