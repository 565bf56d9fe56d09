"""Steps of a refund in tests: begin, reply and look, at chosen times."""

from datetime import datetime, timedelta
from typing import Any

from takeback.refunds.commands.reply import record_reply
from takeback.refunds.commands.send import NotSent, SendOrder, begin_sending
from takeback.refunds.commands.state import apply_state
from takeback.refunds.commands.transition import Change
from takeback.refunds.matching import Observation
from takeback.refunds.models import Refund
from takeback.refunds.providers import (
    Accepted,
    Capabilities,
    PaymentState,
    RefundStatus,
    Refused,
    Unknown,
)
from tests.factories import NOW
from tests.refunds.factories import create_refund, reload, state_of
from tests.refunds.fake_provider import CAPABILITIES

SECOND = timedelta(seconds=1)
SENT_AT = NOW + timedelta(minutes=1)


def begin(
    refund: Refund,
    state: PaymentState | None = None,
    *,
    capabilities: Capabilities = CAPABILITIES,
    now: datetime = SENT_AT,
    at: datetime | None = None,
) -> SendOrder | NotSent:
    """Begin to send, on a state that was just read."""
    observation = Observation(state or state_of(), at or now)
    return begin_sending(refund.pk, capabilities=capabilities, observation=observation, now=now)


def create_sent_refund(amount: int = 400, **fields: Any) -> Refund:
    """A refund whose request has left at `SENT_AT`."""
    capabilities = fields.pop("capabilities", CAPABILITIES)
    refund = create_refund(amount, **fields)
    assert isinstance(begin(refund, capabilities=capabilities), SendOrder)
    return reload(refund)


def reply(
    refund: Refund, result: Accepted | Refused | Unknown, *, now: datetime = SENT_AT + SECOND
) -> list[Change]:
    """The reply to the last request."""
    sent_at = reload(refund).last_sent_at or SENT_AT
    return record_reply(refund.pk, result, observed_at=sent_at, now=now)


def accepted(
    refund: Refund, status: RefundStatus = RefundStatus.CONFIRMED, **fields: Any
) -> Accepted:
    values: dict[str, Any] = {
        "provider_refund": f"re_{refund.uuid.hex[:8]}",
        "status": status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
    }
    return Accepted(**values | fields)


def apply_look(
    refund: Refund, state: PaymentState, at: datetime, *, now: datetime | None = None
) -> list[Change]:
    """A state that was requested at this time."""
    return apply_state(refund.payment_id, state, observed_at=at, now=now or at)


def status_of(refund: Refund) -> tuple[str, str]:
    """Status and attention."""
    row = reload(refund)
    return row.status, row.attention
