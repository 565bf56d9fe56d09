"""The life of a case: every pair of state and event, and the lists that follow from it."""

from itertools import product

import pytest

from takeback.cancellations.statuses import LIFE_CYCLE, LIVE, SHOWN, Status, Transition

STEPS = {
    Status.WAITING: {
        Transition.REVIEW: Status.WAITING_APPROVAL,
        Transition.CONFIRM: Status.CONFIRMED,
        Transition.REJECT: Status.REJECTED,
        Transition.WITHDRAW: Status.WITHDRAWN,
    },
    Status.WAITING_APPROVAL: {
        Transition.CONFIRM: Status.CONFIRMED,
        Transition.REJECT: Status.REJECTED,
        Transition.WITHDRAW: Status.WITHDRAWN,
    },
    Status.CONFIRMED: {
        Transition.APPROVE: Status.APPROVED,
        Transition.REJECT: Status.REJECTED,
        Transition.WITHDRAW: Status.WITHDRAWN,
    },
    Status.APPROVED: {Transition.COMPLETE: Status.COMPLETED},
}


@pytest.mark.parametrize(("state", "event"), list(product(Status, Transition)))
def test_a_case_goes_where_the_rulings_say_and_nowhere_else(
    state: Status, event: Transition
) -> None:
    wanted = STEPS.get(state, {}).get(event)
    assert LIFE_CYCLE.allows(state, event) is (wanted is not None)
    if wanted:
        assert LIFE_CYCLE.next(state, event) is wanted


def test_live_is_what_can_still_move() -> None:
    assert set(LIVE) == {state for state in Status if not LIFE_CYCLE.is_final(state)}


def test_every_status_has_a_word_for_shoppers() -> None:
    assert set(SHOWN) == set(Status)
