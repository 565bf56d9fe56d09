"""Shipments that are reported while a cancellation waits: the goods can no longer be kept back."""

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind, Status
from takeback.core.errors import Refused
from takeback.orders.statuses import Status as ItemStatus
from takeback.orders.statuses import is_shipped

_UNDECIDED = (Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED)


def blocks_cancelling(
    kind: str, status: str, item_status: int, deferred_status: int | None
) -> bool:
    """Whether a case is an undecided cancellation of an item that was reported as shipped.

    The status of an item that waits for its case (50) is the deferred one.
    """
    if kind != Kind.CANCEL or status not in _UNDECIDED:
        return False
    waits = item_status == ItemStatus.CANCELLATION_WAITING
    reported = deferred_status if waits else item_status
    return reported is not None and is_shipped(reported)


def is_shipped_meanwhile(case: CancellationRequest) -> bool:
    """Whether the item of an undecided cancellation was reported as shipped."""
    item = case.order_item
    return blocks_cancelling(case.cancellation_type, case.status, item.status, item.deferred_status)


def ensure_not_shipped(case: CancellationRequest) -> None:
    """Refuse to accept a cancellation of goods that are on their way."""
    if is_shipped_meanwhile(case):
        raise Refused(errors.CANNOT_CANCEL_NOW, order_item=case.order_item_id)
