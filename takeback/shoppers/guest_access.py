"""A guest's access to single orders: granted by the look-up, kept in the session (promise P21)."""

from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings

GRANTS = "proofs"
_TOUCH_AFTER_SECONDS = 60


class Grant(NamedTuple):
    """The seconds of the grant and of its last use; `number` counts the grants of a session."""

    granted: int
    used: int
    # Several orders can be granted in one second. Sessions of older versions have no number.
    number: int = 0


def grant(session: Any, order_id: int, now: datetime) -> None:
    """Grant access to an order whose number and e-mail address the guest knows; rotate the key."""
    epoch = int(now.timestamp())
    grants = _valid_grants(session, epoch)
    number = max((grant.number for grant in grants.values()), default=0) + 1
    session.cycle_key()
    session[GRANTS] = grants | {str(order_id): Grant(epoch, epoch, number)}


def granted_orders(session: Any, now: datetime) -> list[int]:
    """The orders of this session, newest grant first; each use extends the idle time."""
    epoch = int(now.timestamp())
    grants = _valid_grants(session, epoch)
    if any(epoch - grant.used >= _TOUCH_AFTER_SECONDS for grant in grants.values()):
        session[GRANTS] = {key: grant._replace(used=epoch) for key, grant in grants.items()}
    newest_first = sorted(
        grants.items(), key=lambda entry: (entry[1].number, entry[1].granted), reverse=True
    )
    return [int(key) for key, _ in newest_first]


def _valid_grants(session: Any, epoch: int) -> dict[str, Grant]:
    """The grants by order id; grant and last use are within their limits."""
    idle, total = settings.GUEST_PROOF_IDLE_MINUTES * 60, settings.GUEST_PROOF_MAX_MINUTES * 60
    grants = {key: Grant(*values) for key, values in session.get(GRANTS, {}).items()}
    return {
        key: grant
        for key, grant in grants.items()
        if epoch - grant.used <= idle and epoch - grant.granted <= total
    }
