"""A refund that its provider leaves pending reaches a person after two weeks, and still ends."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from takeback.refunds.commands.state import record_no_state
from takeback.refunds.models import Refund
from takeback.refunds.providers import RefundStatus
from tests.refunds.factories import entry_of, reload, state_of
from tests.refunds.sending import (
    SECOND,
    SENT_AT,
    accepted,
    apply_look,
    create_sent_refund,
    reply,
    status_of,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

OVERDUE_AT = SENT_AT + timedelta(days=14)
PENDING = RefundStatus.PENDING


def create_pending_refund() -> Refund:
    refund = create_sent_refund(400)
    reply(refund, accepted(refund, PENDING))
    return reload(refund)


def test_pending_refund_needs_a_person_after_two_weeks() -> None:
    refund = create_pending_refund()
    state = state_of(entry_of(refund, PENDING))

    apply_look(refund, state, OVERDUE_AT - SECOND)
    assert status_of(refund) == ("pending", "")
    with capture_logs() as logs:
        apply_look(refund, state, OVERDUE_AT)
        apply_look(refund, state, OVERDUE_AT + SECOND)

    assert status_of(refund) == ("pending", "overdue")
    assert [(entry["event"], entry.get("reason")) for entry in logs] == [
        ("refund needs a person", "overdue")
    ]
    assert reload(refund).next_look_at is not None


def test_pending_refund_of_an_unreachable_provider_needs_a_person_after_two_weeks() -> None:
    refund = create_pending_refund()

    for at, expected in [(OVERDUE_AT - SECOND, ""), (OVERDUE_AT, "overdue")]:
        record_no_state(refund.payment_id, account_id=refund.account_id, now=at)
        assert status_of(refund) == ("pending", expected)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (RefundStatus.CONFIRMED, ("confirmed", "")),
        (RefundStatus.FAILED, ("failed", "refused")),
    ],
)
def test_overdue_refund_ends_as_its_provider_reports(
    status: RefundStatus, expected: tuple[str, str]
) -> None:
    refund = create_pending_refund()
    apply_look(refund, state_of(entry_of(refund, PENDING)), OVERDUE_AT)

    apply_look(refund, state_of(entry_of(refund, status)), OVERDUE_AT + SECOND)

    assert status_of(refund) == expected
