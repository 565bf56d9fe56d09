"""The life cycle of cases: all pairs of status and transition, and the derived lists."""

from itertools import product

import pytest

from takeback.cancellations.statuses import (
    LIFE_CYCLE,
    LIVE,
    SHOWN,
    Status,
    Transition,
)

STATUS_AFTER = {
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


@pytest.mark.parametrize(("status", "transition"), list(product(Status, Transition)))
def test_life_cycle_allows_exactly_these_transitions(
    status: Status, transition: Transition
) -> None:
    after = STATUS_AFTER.get(status, {}).get(transition)
    assert LIFE_CYCLE.allows(status, transition) is (after is not None)
    if after:
        assert LIFE_CYCLE.next(status, transition) is after


def test_live_statuses_are_those_that_are_not_final() -> None:
    assert set(LIVE) == {status for status in Status if not LIFE_CYCLE.is_final(status)}


def test_shoppers_see_every_status() -> None:
    assert set(SHOWN) == set(Status)
