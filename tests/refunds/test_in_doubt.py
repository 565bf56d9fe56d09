"""P4: in doubt nothing is sent under another key, and nothing again before absence is certain."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from takeback.refunds.commands.send import NotSent, SendOrder
from takeback.refunds.models import Refund
from takeback.refunds.providers import Capabilities, RefundStatus, Refused, Unknown
from takeback.refunds.queries import repeatable_refunds
from tests.refunds.factories import (
    balances,
    create_account,
    create_approved_plan,
    create_charged_order,
    entry_of,
    leg,
    plan,
    reload,
    state_of,
    stranger,
)
from tests.refunds.fake_provider import CAPABILITIES
from tests.refunds.sending import (
    SECOND,
    SENT_AT,
    accepted,
    apply_look,
    begin,
    create_sent_refund,
    reply,
    status_of,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

DOUBT_AT = SENT_AT + SECOND
FIRST = DOUBT_AT + 2 * SECOND
"""The first moment at which a state without the refund is evidence: after the lag of 2 s."""
SECOND_LOOK = FIRST + 2 * SECOND
KEYLESS = replace(CAPABILITIES, key_window=timedelta(0))


def create_refund_in_doubt(capabilities: Capabilities = CAPABILITIES) -> Refund:
    """A refund of 4.00 whose reply was lost at `DOUBT_AT`."""
    refund = create_sent_refund(400, capabilities=capabilities)
    reply(refund, Unknown("timeout"))
    return reload(refund)


def is_repeatable(refund: Refund) -> bool:
    return refund.pk in repeatable_refunds(refund.payment_id, refund.account_id)


def again(
    refund: Refund, now: datetime, capabilities: Capabilities = CAPABILITIES
) -> SendOrder | NotSent:
    """Send again on a state that lacks the refund."""
    return begin(refund, state_of(), capabilities=capabilities, now=now)


def test_two_states_after_the_lag_allow_a_repetition_under_the_same_key() -> None:
    refund = create_refund_in_doubt()

    for at in (DOUBT_AT, FIRST - timedelta(microseconds=1)):
        apply_look(refund, state_of(), at)
        assert reload(refund).missing_looks == 0
    apply_look(refund, state_of(), FIRST)
    assert (reload(refund).missing_looks, is_repeatable(refund)) == (1, False)
    apply_look(refund, state_of(), SECOND_LOOK - timedelta(microseconds=1))
    assert reload(refund).missing_looks == 1
    assert again(refund, SECOND_LOOK) == NotSent("no_evidence")
    apply_look(refund, state_of(), SECOND_LOOK)
    assert (reload(refund).missing_looks, is_repeatable(refund)) == (2, True)

    first, second = reload(refund), again(refund, SECOND_LOOK)

    assert isinstance(second, SendOrder)
    assert second.order.key == refund.uuid.hex
    row = reload(refund)
    assert (row.status, row.sends, row.missing_looks) == ("sending", 2, 0)
    assert (row.first_sent_at, row.key_expires_at) == (first.first_sent_at, first.key_expires_at)
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_evidence_counts_again_from_the_repetition() -> None:
    refund = create_refund_in_doubt()
    for at in (FIRST, SECOND_LOOK):
        apply_look(refund, state_of(), at)
    again(refund, SECOND_LOOK)
    reply(refund, Unknown("timeout"), now=SECOND_LOOK + SECOND)

    apply_look(refund, state_of(), SECOND_LOOK + 2 * SECOND)
    assert reload(refund).missing_looks == 0
    apply_look(refund, state_of(), SECOND_LOOK + 3 * SECOND)
    assert reload(refund).missing_looks == 1


def test_later_repetitions_wait_longer_and_longer() -> None:
    """A provider that refuses an equal amount for an hour is not asked every few seconds."""
    refund = create_refund_in_doubt()
    now, pauses = SECOND_LOOK, []
    for _ in range(8):
        Refund.objects.update(missing_looks=2)
        result = again(refund, now)
        if result == NotSent("too_soon"):
            pauses.append((reload(refund).next_look_at or now) - now)
            now += pauses[-1]
            result = again(refund, now)
        assert isinstance(result, SendOrder)
        reply(refund, Unknown("timeout"), now=now)

    assert [pause / timedelta(minutes=1) for pause in pauses] == [1, 2, 4, 8, 16, 30, 30]
    assert reload(refund).sends == 9


def test_clock_that_was_put_back_delays_no_repetition() -> None:
    refund = create_refund_in_doubt()
    Refund.objects.update(missing_looks=2, sends=2)

    assert isinstance(again(refund, SENT_AT - SECOND), SendOrder)


def test_refund_that_appears_after_the_first_state_is_not_sent_again() -> None:
    refund = create_refund_in_doubt()
    apply_look(refund, state_of(), FIRST)

    apply_look(refund, state_of(entry_of(refund)), SECOND_LOOK)

    assert status_of(refund) == ("confirmed", "")
    assert again(refund, SECOND_LOOK) == NotSent("not_waiting")


def test_newest_state_decides_about_a_repetition() -> None:
    """The refund appears between the evidence and the repetition."""
    refund = create_refund_in_doubt()
    for at in (FIRST, SECOND_LOOK):
        apply_look(refund, state_of(), at)

    shown = begin(refund, state_of(entry_of(refund)), now=SECOND_LOOK + SECOND)
    moved = begin(refund, state_of(refunded_minor=400), now=SECOND_LOOK + SECOND)

    assert (shown, moved) == (NotSent("no_evidence"), NotSent("no_evidence"))


def test_total_that_moved_without_the_refund_needs_a_person() -> None:
    refund = create_refund_in_doubt()

    apply_look(refund, state_of(refunded_minor=400), FIRST - SECOND)
    assert status_of(refund) == ("in_doubt", "")
    for at in (FIRST, SECOND_LOOK, SECOND_LOOK + timedelta(days=2)):
        apply_look(refund, state_of(refunded_minor=400), at)
        assert status_of(refund) == ("in_doubt", "total_moved")

    assert (reload(refund).missing_looks, is_repeatable(refund)) == (0, False)
    apply_look(refund, state_of(entry_of(refund)), SECOND_LOOK + timedelta(days=3))
    assert status_of(refund) == ("confirmed", "")


def test_total_that_moved_back_counts_as_evidence_from_the_start() -> None:
    refund = create_refund_in_doubt()
    apply_look(refund, state_of(refunded_minor=400), FIRST)

    apply_look(refund, state_of(), SECOND_LOOK)
    assert (status_of(refund), is_repeatable(refund)) == (("in_doubt", ""), False)
    apply_look(refund, state_of(), SECOND_LOOK + 2 * SECOND)
    assert is_repeatable(refund)


def test_equal_refund_without_reference_may_be_ours() -> None:
    refund = create_refund_in_doubt()

    apply_look(refund, state_of(stranger(400)), FIRST)

    assert status_of(refund) == ("in_doubt", "total_moved")
    # It is not booked as made by others before that is clear.
    assert balances(refund.payment_id) == (400, 0, 0, 0)


def test_refunds_that_are_certainly_others_do_not_stop_a_repetition() -> None:
    refund = create_refund_in_doubt()
    others = state_of(stranger(399), stranger(400, provider_refund="re_2", reference="f" * 32))

    for at in (FIRST, SECOND_LOOK):
        apply_look(refund, others, at)

    assert (status_of(refund), is_repeatable(refund)) == (("in_doubt", ""), True)


def test_equal_refund_of_before_the_request_does_not_stop_a_repetition() -> None:
    create_account()
    order, [payment] = create_charged_order()
    [refund] = plan(order, create_approved_plan(order).pk, [leg(payment, 400)])
    before = state_of(stranger(400))
    begin(refund, before)
    reply(refund, Unknown("timeout"))

    for at in (FIRST, SECOND_LOOK):
        apply_look(refund, before, at)

    assert is_repeatable(refund)


def test_own_refund_with_one_in_doubt_does_not_stop_a_repetition() -> None:
    create_account()
    order, [payment] = create_charged_order()
    plan_id = create_approved_plan(order).pk
    paid, refund = plan(order, plan_id, [leg(payment, 400), leg(payment, 400)])
    begin(paid)
    begin(refund)
    reply(paid, accepted(paid))
    reply(refund, Unknown("timeout"))

    for at in (FIRST, SECOND_LOOK):
        apply_look(paid, state_of(entry_of(paid)), at)

    assert (status_of(paid)[0], is_repeatable(refund)) == ("confirmed", True)
    assert balances(payment) == (400, 400, 0, 0)


def test_after_the_window_two_states_still_allow_the_same_key() -> None:
    """The key protects no more, but the absence is certain; there is never a second key."""
    refund = create_refund_in_doubt()
    late = SENT_AT + timedelta(hours=25)

    apply_look(refund, state_of(), late)
    assert again(refund, late) == NotSent("no_evidence")
    # The time of a sender is added to the lag: the key no longer stops a late request.
    apply_look(refund, state_of(), late + 31 * SECOND)
    assert reload(refund).missing_looks == 1
    apply_look(refund, state_of(), late + 32 * SECOND)

    begun = again(refund, late + 32 * SECOND)
    assert isinstance(begun, SendOrder)
    assert begun.order.key == refund.uuid.hex


def test_keyless_provider_gets_a_repetition_after_evidence_only() -> None:
    refund = create_refund_in_doubt(KEYLESS)

    for seconds in (2, 31):
        apply_look(refund, state_of(), DOUBT_AT + seconds * SECOND)
        assert reload(refund).missing_looks == 0
    apply_look(refund, state_of(), DOUBT_AT + 32 * SECOND)
    apply_look(refund, state_of(), DOUBT_AT + 63 * SECOND)
    assert again(refund, DOUBT_AT + 63 * SECOND, KEYLESS) == NotSent("no_evidence")
    apply_look(refund, state_of(), DOUBT_AT + 64 * SECOND)

    assert isinstance(again(refund, DOUBT_AT + 64 * SECOND, KEYLESS), SendOrder)


def test_clock_that_jumps_forward_is_no_evidence() -> None:
    """Right after the request the clock jumps by a day: the next two looks prove nothing."""
    refund = create_refund_in_doubt(KEYLESS)
    jumped = DOUBT_AT + timedelta(days=1)

    apply_look(refund, state_of(), jumped)
    apply_look(refund, state_of(), jumped + SECOND)

    assert is_repeatable(refund) is False


def test_refusal_of_a_repetition_is_final_after_evidence_only() -> None:
    refund = create_refund_in_doubt()
    for at in (FIRST, SECOND_LOOK):
        apply_look(refund, state_of(), at)
    again(refund, SECOND_LOOK)
    doubt_at = SECOND_LOOK + SECOND

    reply(refund, Refused("card_expired"), now=doubt_at)
    assert status_of(refund) == ("in_doubt", "")
    apply_look(refund, state_of(), doubt_at + 2 * SECOND)
    assert status_of(refund) == ("in_doubt", "")
    apply_look(refund, state_of(), doubt_at + 4 * SECOND)

    assert status_of(refund) == ("failed", "refused")
    assert reload(refund).failure_code == "card_expired"
    assert balances(refund.payment_id) == (0, 0, 0, 0)


def test_first_request_that_was_paid_after_all_wins_over_a_refused_repetition() -> None:
    refund = create_refund_in_doubt()
    for at in (FIRST, SECOND_LOOK):
        apply_look(refund, state_of(), at)
    again(refund, SECOND_LOOK)
    reply(refund, Refused("already_refunded"), now=SECOND_LOOK + SECOND)

    apply_look(refund, state_of(entry_of(refund)), SECOND_LOOK + 9 * SECOND)

    row = reload(refund)
    assert (row.status, row.attention, row.failure_code) == ("confirmed", "", "")


def test_sender_that_died_leaves_a_refund_in_doubt_after_its_time() -> None:
    refund = create_sent_refund()

    apply_look(refund, state_of(), SENT_AT + 29 * SECOND)
    assert status_of(refund) == ("sending", "")
    apply_look(refund, state_of(), SENT_AT + 30 * SECOND)

    row = reload(refund)
    assert (row.status, row.missing_looks) == ("in_doubt", 0)
    assert row.in_doubt_since == SENT_AT + 30 * SECOND


def test_state_from_before_the_request_is_no_evidence() -> None:
    refund = create_refund_in_doubt()

    apply_look(refund, state_of(), SENT_AT, now=FIRST)
    apply_look(refund, state_of(), SENT_AT, now=SECOND_LOOK)

    assert reload(refund).missing_looks == 0


def test_doubt_of_a_day_needs_a_person_while_the_worker_goes_on() -> None:
    refund = create_refund_in_doubt()
    day = SENT_AT + timedelta(hours=24)

    apply_look(refund, state_of(), day)
    assert status_of(refund) == ("in_doubt", "unreadable")
    apply_look(refund, state_of(), day + 40 * SECOND)
    assert is_repeatable(refund)
    assert isinstance(again(refund, day + 40 * SECOND), SendOrder)

    assert status_of(refund) == ("sending", "")


def test_void_in_doubt_follows_the_authorization() -> None:
    from tests.refunds.factories import create_refund

    uncaptured = state_of(captured_minor=0, is_authorized_only=True)
    still_there, gone, charged = (create_refund(1000) for _ in range(3))
    for refund in (still_there, gone, charged):
        begin(refund, uncaptured)
        reply(refund, Unknown("timeout"))

    apply_look(still_there, uncaptured, FIRST)
    apply_look(gone, state_of(captured_minor=0), FIRST)
    apply_look(charged, state_of(captured_minor=1000), FIRST)

    assert isinstance(begin(still_there, uncaptured, now=FIRST), SendOrder)
    assert status_of(gone) == ("confirmed", "")
    assert status_of(charged) == ("failed", "refused")


@pytest.mark.parametrize("status", [RefundStatus.PENDING, RefundStatus.CONFIRMED])
def test_doubt_ends_with_the_first_state_that_shows_the_refund(status: RefundStatus) -> None:
    refund = create_refund_in_doubt()

    apply_look(refund, state_of(entry_of(refund, status)), DOUBT_AT)

    assert status_of(refund) == (status.value, "")
    assert reload(refund).sends == 1
