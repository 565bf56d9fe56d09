"""Filters of a channel's cases: each finds the same number in a shop of any size, the oldest."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlencode

MATCHES = 50
"""The number of cases that match a value."""
VALUES = 20
"""The number of values per filter, each of its own order, so that requests vary."""
CHANNEL, SMALL_CHANNEL = 1, 2
"""One channel has nearly all orders, the other the cases of one order."""
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)
NUMBERS = "SOUGHT-"
KEY = f"tkb_live_finding0{'x' * 43}2rAet9"
"""A well-formed API key; clients use it without importing Django models."""


def number(value: int) -> str:
    """The number of the order."""
    return f"{NUMBERS}{value:04}"


def sku(value: int) -> str:
    """The SKU of its fifty items."""
    return f"SKU-SOUGHT-{value:04}"


def email(value: int) -> str:
    """The e-mail address of its customer."""
    return f"sought{value}@example.com"


def first_name(value: int) -> str:
    """The first name of its customer, which no other customer has."""
    return f"Sought{value}"


def last_name(value: int) -> str:
    """The last name of its customer, which no other customer has."""
    return f"Found{value}"


def code(value: int) -> str:
    """The return code of its cases."""
    return f"CODE-SOUGHT-{value:04}"


def tracking_number(value: int) -> str:
    """The tracking number of its return."""
    return f"TRACK-SOUGHT-{value:04}"


def placed_at(value: int) -> datetime:
    """Noon of a day without other orders; the last day is after all other orders."""
    if value == VALUES - 1:
        return datetime(2099, 12, 31, 12, tzinfo=UTC)
    return FIRST_DAY + timedelta(days=value, hours=12)


def _days(value: int) -> tuple[str, str]:
    day = placed_at(value).date()
    return day.isoformat(), (day + timedelta(days=1)).isoformat()


def _moment(value: int) -> str:
    return placed_at(value).isoformat()


FILTERS: dict[str, Callable[[int], dict[str, str]]] = {
    "pk__in": lambda n: {
        "pk__in": ",".join(str(n * MATCHES + step) for step in range(1, MATCHES + 1))
    },
    "status": lambda _: {"status": "waiting_approval"},
    "cancellation_type": lambda _: {"cancellation_type": "cancel", "status": "confirmed"},
    "number": lambda n: {"number": number(n).lower()},
    "date_placed": lambda n: {"date_placed": _moment(n)},
    "date_placed__gte, __lte": lambda n: {
        "date_placed__gte": _moment(n),
        "date_placed__lte": _moment(n),
    },
    "date_placed__gt, __lt": lambda n: {
        "date_placed__gt": _days(n)[0],
        "date_placed__lt": _days(n)[1],
    },
    "date_placed__date__gte, __lte": lambda n: {
        "date_placed__date__gte": _days(n)[0],
        "date_placed__date__lte": _days(n)[0],
    },
    "date_placed__date__lt": lambda _: {"date_placed__date__lt": _days(1)[0]},
    "date_placed__date__gt": lambda _: {"date_placed__date__gt": "2099-12-30"},
    "sku": lambda n: {"sku": sku(n).lower()},
    "customer_first_name": lambda n: {"customer_first_name": first_name(n).upper()},
    "customer_last_name": lambda n: {"customer_last_name": last_name(n).upper()},
    "customer_email": lambda n: {"customer_email": email(n).upper()},
    "order_id": lambda n: {"order_id": str(n + 1)},
    "cancellation_plan_status": lambda _: {"cancellation_plan_status": "waiting"},
    "easy_return_code": lambda n: {"easy_return_code": code(n).lower()},
    "tracking_number": lambda n: {"tracking_number": tracking_number(n).lower()},
}
"""The query parameters of each filter for a value; each matches `MATCHES` cases."""
OPERATIONS = (*FILTERS, "channel", "newest", "updates", "detailed")
"""All operations: the filters, another channel's list, the first page of each list."""


def path_of(name: str, dice: Random) -> str:
    """The path and query of an operation."""
    query = {"limit": str(MATCHES)}
    if name in FILTERS:
        query |= FILTERS[name](dice.randrange(VALUES))
    if name == "channel":
        query["channel"] = str(SMALL_CHANNEL)
    if name == "detailed":
        query |= FILTERS["sku"](dice.randrange(VALUES))
    channel = SMALL_CHANNEL if name == "channel" else CHANNEL
    last = f"{name}/" if name in {"updates", "detailed"} else ""
    return f"/api/v1/channel/{channel}/cancellation_requests/{last}?{urlencode(query)}"
