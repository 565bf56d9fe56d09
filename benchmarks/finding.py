"""Cases that a channel's filters find: as many of each in a shop of any size, and the oldest."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlencode

from takeback.accounts.api_keys import PREFIX, checksum

FOUND = 50
"""Cases that have the value that is looked for."""
SOUGHT = 20
"""Values of each kind; an order each, so that they are not always the same."""
CHANNEL, SMALL_CHANNEL = 1, 2
"""Most is sold in one; the other has the cases of one order."""
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)
NUMBERS = "SOUGHT-"
_DRAWN = PREFIX + "finding0" + "x" * 43
KEY = _DRAWN + checksum(_DRAWN)


def number(sought: int) -> str:
    """The number of the order that is looked for."""
    return f"{NUMBERS}{sought:04}"


def sku(sought: int) -> str:
    """What was bought, fifty times."""
    return f"SKU-SOUGHT-{sought:04}"


def email(sought: int) -> str:
    """Who bought it."""
    return f"sought{sought}@example.com"


def first_name(sought: int) -> str:
    """Their first name, which nobody else has."""
    return f"Sought{sought}"


def last_name(sought: int) -> str:
    """Their last name, which nobody else has."""
    return f"Found{sought}"


def code(sought: int) -> str:
    """The code of the parcel in which everything comes back."""
    return f"CODE-SOUGHT-{sought:04}"


def tracking_number(sought: int) -> str:
    """Its tracking number."""
    return f"TRACK-SOUGHT-{sought:04}"


def placed_at(sought: int) -> datetime:
    """Noon of a day on which nobody else ordered; the last is after all others."""
    if sought == SOUGHT - 1:
        return datetime(2099, 12, 31, 12, tzinfo=UTC)
    return FIRST_DAY + timedelta(days=sought, hours=12)


def _days(sought: int) -> tuple[str, str]:
    day = placed_at(sought).date()
    return day.isoformat(), (day + timedelta(days=1)).isoformat()


def _moment(sought: int) -> str:
    return placed_at(sought).isoformat()


QUESTIONS: dict[str, Callable[[int], dict[str, str]]] = {
    "pk__in": lambda n: {"pk__in": ",".join(str(n * FOUND + step) for step in range(1, FOUND + 1))},
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
"""What is asked for, by the filter that it is about; each finds `FOUND` cases."""
OPERATIONS = (*QUESTIONS, "channel", "newest", "updates", "detailed")
"""All that is measured: the filters, another channel's list, the first page of each list."""


def path_of(name: str, dice: Random) -> str:
    """Where a question goes, and how it reads."""
    asked = {"limit": str(FOUND)}
    if name in QUESTIONS:
        asked |= QUESTIONS[name](dice.randrange(SOUGHT))
    if name == "channel":
        asked["channel"] = str(SMALL_CHANNEL)
    if name == "detailed":
        asked |= QUESTIONS["sku"](dice.randrange(SOUGHT))
    channel = SMALL_CHANNEL if name == "channel" else CHANNEL
    last = f"{name}/" if name in {"updates", "detailed"} else ""
    return f"/api/v1/channel/{channel}/cancellation_requests/{last}?{urlencode(asked)}"
