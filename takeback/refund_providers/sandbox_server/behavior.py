"""What a merchant's account at the sandbox promises: keys, lags, decimals and limits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from typing import Any, Self

from takeback.refunds.providers import Capabilities, StoredReplies

_OWN_DECIMALS = {
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"), 3),
    **dict.fromkeys(("clp", "isk", "jpy", "krw", "pyg", "ugx", "vnd", "xaf", "xof"), 0),
}
"""The sandbox has a table of its own: a mistake in ours must not appear on both sides."""
_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Behavior:
    """The rules of one account; times are seconds, and None is for ever or without limit."""

    stored_replies: str = StoredReplies.ALL.value
    key_seconds: float | None = 86_400
    lag_seconds: float = 0
    # Whether the payment's total lags as the list of refunds does.
    has_lagging_total: bool = True
    equal_amounts_seconds: float = 0
    exponents: Mapping[str, int] = field(default_factory=dict)
    refund_days: float | None = None
    max_refunds: int | None = None
    # Whether refunds are pending first; they succeed after `settle_seconds`, or never (None).
    is_pending: bool = False
    settle_seconds: float | None = 0
    # The time that a reply takes.
    reply_seconds: float = 0

    def decimals(self, currency: str) -> int:
        return self.exponents.get(currency, _OWN_DECIMALS.get(currency, _DECIMALS))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The behavior that a JSON object describes; unknown keys raise ValueError."""
        names = {column.name for column in fields(cls)}
        if unknown := sorted(document.keys() - names):
            raise ValueError(f"unknown: {', '.join(unknown)}")
        return cls(**document)

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def behavior_of(capabilities: Capabilities) -> Behavior:
    """A server that keeps exactly what the capability table promises."""
    return Behavior(
        stored_replies=capabilities.stored_replies.value,
        key_seconds=_seconds(capabilities.key_window),
        lag_seconds=capabilities.lag.total_seconds(),
        equal_amounts_seconds=capabilities.equal_amounts_apart.total_seconds(),
        exponents=dict(capabilities.exponents),
        refund_days=capabilities.deadline.days if capabilities.deadline else None,
        max_refunds=capabilities.max_partials,
    )


def _seconds(window: timedelta | None) -> float | None:
    return None if window is None else window.total_seconds()


def parse(text: object, places: int) -> int | None:
    """An amount of the API in minor units of the sandbox; None if it is written differently."""
    if not isinstance(text, str) or not text.isascii():
        return None
    integer, _, fraction = text.partition(".")
    is_exact = len(fraction) == places and ("." in text) == bool(places)
    if not is_exact or not (integer + fraction).isdigit():
        return None
    return int(integer + fraction)


def show(minor: int, places: int) -> str:
    """An amount of the API."""
    digits = str(abs(minor)).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if minor < 0 else text
