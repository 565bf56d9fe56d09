"""Named points of the life of a refund, and providers with every promise about keys.

A process dies at a point (`refund_kill`), or a schedule stops there (`refund_schedule`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from takeback.refunds.providers import Capabilities, StoredReplies


class Point(NamedTuple):
    """A function, and whether the point is after it or before."""

    owner: Any
    name: str
    is_after: bool


def points() -> Mapping[str, Point]:
    """The points by name, in the order in which a worker passes them."""
    from takeback.cancellations.commands import apply_refund_news as news
    from takeback.handlers import refunds as handlers
    from takeback.outbox import commands as outbox
    from takeback.refund_providers.sandbox import SandboxProvider
    from takeback.refunds.commands import send, transition

    return {
        "K5 claimed, not started": Point(outbox, "claim", is_after=True),
        "state read": Point(SandboxProvider, "payment_state", is_after=True),
        "intent written, not committed": Point(send, "apply_event", is_after=True),
        "K6 intent committed, not in the journal": Point(handlers, "begin_sending", is_after=True),
        "K6 in the journal, not connected": Point(handlers, "record_request", is_after=True),
        "K7 request about to leave": Point(SandboxProvider, "refund", is_after=False),
        "K8 request executed, no reply": Point(SandboxProvider, "refund", is_after=True),
        "K9 reply read, not stored": Point(handlers, "apply_refund_news", is_after=False),
        "status written, not booked": Point(transition, "book", is_after=False),
        "reply written, plan not complete": Point(news, "record_reply", is_after=True),
        "plan complete, not committed": Point(news, "complete_plan", is_after=True),
        "reply stored": Point(handlers, "apply_refund_news", is_after=True),
        "K10 stored, message not finished": Point(outbox, "finish", is_after=False),
        "message finished": Point(outbox, "finish", is_after=True),
    }


BETWEEN_TRANSACTIONS: Final = (
    "K5 claimed, not started",
    "state read",
    "K6 intent committed, not in the journal",
    "K6 in the journal, not connected",
    "K7 request about to leave",
    "K8 request executed, no reply",
    "K9 reply read, not stored",
    "reply stored",
    "K10 stored, message not finished",
)
"""The points at which no transaction is open: other workers may overtake there."""

STEPS_OF_THE_REQUEST: Final = {
    "request: connected, nothing sent": "connect_tcp.complete",
    "request: headers sent, body not": "send_request_headers.complete",
    "request: sent, no reply": "send_request_body.complete",
    "request: headers of the reply read": "receive_response_headers.complete",
}
"""Points during the request that moves money, and the end of the event that the client reports."""

_ALL, _SUCCESSFUL, _NONE = StoredReplies.ALL, StoredReplies.SUCCESSFUL, StoredReplies.NONE
_HOUR, _DAY, _MONTH = timedelta(hours=1), timedelta(hours=24), timedelta(days=30)
_SHORT_LAG, _LONG_LAG = timedelta(seconds=2), timedelta(seconds=30)
# Longer than adapters wait: a repetition without regard to the lag pays twice.
_LONGEST_LAG = timedelta(minutes=5)

PROVIDERS: Final[Mapping[str, Capabilities]] = {
    f"sandbox_{name}": Capabilities(
        key_window=window,
        lag=lag,
        stored_replies=stored,
        equal_amounts_apart=apart,
        is_asynchronous=True,
        can_void=True,
    )
    for name, window, stored, lag, apart in (
        ("no_key", timedelta(0), _NONE, _LONG_LAG, timedelta(0)),
        ("no_key_fast", timedelta(0), _NONE, _SHORT_LAG, timedelta(0)),
        ("no_key_slow", timedelta(0), _NONE, _LONGEST_LAG, timedelta(0)),
        ("1h_all", _HOUR, _ALL, _SHORT_LAG, _HOUR),
        ("1h_2xx", _HOUR, _SUCCESSFUL, _LONG_LAG, timedelta(0)),
        ("24h_all", _DAY, _ALL, _SHORT_LAG, timedelta(0)),
        ("24h_2xx", _DAY, _SUCCESSFUL, _SHORT_LAG, _HOUR),
        ("30d_all", _MONTH, _ALL, _LONG_LAG, timedelta(0)),
        ("30d_2xx", _MONTH, _SUCCESSFUL, timedelta(0), timedelta(0)),
    )
}
"""Sandbox providers by how long they recognize a key, and the replies that they repeat.

A provider that stores no reply recognizes no key. Two of them refuse equal amounts for an hour.
"""


def register_providers() -> None:
    """Let payment accounts of this process name the providers."""
    from takeback.refund_providers import registry
    from takeback.refund_providers.sandbox import SandboxProvider

    own = {name: SandboxProvider(name, promise) for name, promise in PROVIDERS.items()}
    adapters: Any = {**registry.ADAPTERS, **own}
    registry.ADAPTERS = adapters  # type: ignore[misc]
