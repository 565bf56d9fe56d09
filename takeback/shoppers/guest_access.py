"""A guest's access to single orders: granted by the look-up, kept in the session (promise P21)."""

from datetime import datetime
from typing import Any

from django.conf import settings

GRANTS = "proofs"
_TOUCH_AFTER_SECONDS = 60


def grant(session: Any, order_id: int, now: datetime) -> None:
    """Grant access to an order whose number and e-mail address the guest knows; rotate the key."""
    epoch = int(now.timestamp())
    grants = _valid_grants(session, epoch)
    session.cycle_key()
    session[GRANTS] = grants | {str(order_id): [epoch, epoch]}


def granted_orders(session: Any, now: datetime) -> list[int]:
    """The orders of this session, newest grant first; each use extends the idle time."""
    epoch = int(now.timestamp())
    grants = _valid_grants(session, epoch)
    if any(epoch - used >= _TOUCH_AFTER_SECONDS for _, used in grants.values()):
        session[GRANTS] = {key: [granted, epoch] for key, (granted, _) in grants.items()}
    newest_first = sorted(grants.items(), key=lambda entry: entry[1][0], reverse=True)
    return [int(key) for key, _ in newest_first]


def _valid_grants(session: Any, epoch: int) -> dict[str, list[int]]:
    """By order id the time of the grant and of its last use, both within their limits."""
    idle, total = settings.GUEST_PROOF_IDLE_MINUTES * 60, settings.GUEST_PROOF_MAX_MINUTES * 60
    return {
        key: [granted, used]
        for key, (granted, used) in session.get(GRANTS, {}).items()
        if epoch - used <= idle and epoch - granted <= total
    }
