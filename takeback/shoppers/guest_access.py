"""A guest's proof of one order: kept in their session, opens that order only (promise P21)."""

from datetime import datetime
from typing import Any

from django.conf import settings

GRANTS = "proofs"
_TOUCH_AFTER_SECONDS = 60


def grant(session: Any, order_id: int, now: datetime) -> None:
    """Remember that this visitor named the order's number and e-mail; under a new session key."""
    epoch = int(now.timestamp())
    kept = {key: times for key, times in _grants(session).items() if _holds(times, epoch)}
    session.cycle_key()
    session[GRANTS] = kept | {str(order_id): [epoch, epoch]}


def granted_orders(session: Any, now: datetime) -> list[int]:
    """The orders that this visitor may see, newest proof first; looking keeps them open."""
    epoch = int(now.timestamp())
    held = {key: times for key, times in _grants(session).items() if _holds(times, epoch)}
    if any(epoch - used >= _TOUCH_AFTER_SECONDS for _, used in held.values()):
        session[GRANTS] = {key: [proved, epoch] for key, (proved, _) in held.items()}
    newest_first = sorted(held.items(), key=lambda entry: entry[1][0], reverse=True)
    return [int(key) for key, _ in newest_first]


def _grants(session: Any) -> dict[str, list[int]]:
    return dict(session.get(GRANTS, {}))


def _holds(times: list[int], epoch: int) -> bool:
    proved, used = times
    idle, total = settings.GUEST_PROOF_IDLE_MINUTES * 60, settings.GUEST_PROOF_MAX_MINUTES * 60
    return epoch - used <= idle and epoch - proved <= total
