"""P5, P12: a worker killed while it sends a refund pays once, and another one finishes its work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from signal import SIGKILL

import pytest
import time_machine
from django.db import connection

from takeback.core import clock
from takeback.refund_providers import registry
from takeback.refund_providers.sandbox_server import replies
from takeback.refund_providers.sandbox_server.failures import Failure, Target
from takeback.refund_providers.sandbox_server.scripts import add_script
from takeback.refunds.commands.look import look_at_payments
from takeback.refunds.models import Refund
from takeback.refunds.statuses import UNDECIDED
from tests.conftest import CI, LONG
from tests.factories import NOW
from tests.refunds.schedules import NO_USABLE_REPLY, OF_EVENTS
from tests.rigs.refund_kill import Victims
from tests.rigs.refund_points import (
    BETWEEN_TRANSACTIONS,
    PROVIDERS,
    STEPS_OF_THE_REQUEST,
    points,
    register_providers,
)
from tests.rigs.refund_simulation import (
    Simulation,
    create_accounts,
    differences,
    forget_work,
    plan_order,
    simulation_of,
)
from tests.rigs.sandbox import running_sandbox

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("each round queries again"),
    pytest.mark.heavy,
    pytest.mark.timeout(0 if LONG else 600),
]

KILLS = 1_200 if LONG else 120 if CI else 6

NEEDS_A_GOOD_REPLY = (
    "request: headers of the reply read",
    "status written, not booked",
    "plan complete, not committed",
)
"""Points that only a worker passes which reads that the refund was paid."""
FIRST_FAILURES = (
    *(Failure.RESET_BEFORE, Failure.ERROR_500, Failure.COMMIT_THEN_RESET, Failure.COMMIT_THEN_500),
    *(Failure.DUPLICATE_REFUSED, Failure.COMMIT_THEN_DUPLICATE, Failure.MALFORMED),
    *(Failure.TRUNCATED, Failure.KEY_FORGOTTEN, Failure.PENDING, None, None),
)
LATER_FAILURES = (Failure.COMMIT_THEN_RESET, Failure.RESET_BEFORE, Failure.KEY_IN_USE, None)
JUMPS = (0, 0, 60, -60, 3_600, 90_000)
"""By how many seconds our clock jumps before somebody clears up."""


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    """A sandbox with an account of every provider, and clocks that stand still."""
    monkeypatch.setattr(registry, "ADAPTERS", registry.ADAPTERS)
    register_providers()
    monkeypatch.setattr(replies, "HANG_SECONDS", 0.0)
    monkeypatch.setattr(replies, "SLOW_SECONDS", 0.0)
    with running_sandbox() as sandbox, simulation_of(sandbox, NOW) as simulation:
        create_accounts(sandbox)
        yield simulation


def real_now() -> datetime:
    """The time of the killed processes, whose clock goes on."""
    return time_machine.escape_hatch.datetime.datetime.now(UTC)


def names() -> list[str]:
    """All points, in the order in which a worker passes them."""
    all_points = list(points())
    at = all_points.index("K8 request executed, no reply")
    return [*all_points[:at], *STEPS_OF_THE_REQUEST, *all_points[at:]]


def prepare(simulation: Simulation, payment: str, point: str, dice: Random) -> None:
    """Let the provider fail around the death of the worker."""
    first = None if point in NEEDS_A_GOOD_REPLY else dice.choice(FIRST_FAILURES)
    failures = [
        (first, Target.REFUND, 0),
        (dice.choice(LATER_FAILURES), Target.REFUND, 1),
        (dice.choice((*NO_USABLE_REPLY, None, None)), Target.STATE, 1),
        (dice.choice((*OF_EVENTS, None)), Target.EVENT, 0),
    ]
    for failure, target, skip in failures:
        if failure is not None:
            options = {"seconds": 5}
            add_script(
                simulation.ledger, failure, target, payment=payment, skip=skip, options=options
            )


def kill(simulation: Simulation, victims: Victims, number: int) -> list[str]:
    """Kill a worker, let others clear up, and return what is wrong then. The number repeats it."""
    dice = Random(number)
    all_points = names()
    point, provider = all_points[number % len(all_points)], dice.choice(sorted(PROVIDERS))
    forget_work(simulation.ledger)
    simulation.reset(real_now())
    spare = dice.choice((0, 600, 600))
    name = f"kill-{number}"
    order_id, refunds = plan_order(simulation, provider, [[400]], name, spare=spare)
    prepare(simulation, f"pay_{name}_1", point, dice)
    connection.close()
    assert (point, victims.die(point)) == (point, SIGKILL)
    simulation.sandbox.wait_until_idle()
    simulation.reset(real_now())
    if number % 4 == 0:
        kill_the_next(simulation, victims, dice)
    simulation.jump(ours=timedelta(seconds=dice.choice(JUMPS)))
    simulation.work(
        simulation.physical + timedelta(days=80),
        is_done=lambda: simulation.is_settled(refunds, is_attended=False),
    )
    return differences(simulation, order_id, is_automatic=True)


def kill_the_next(simulation: Simulation, victims: Victims, dice: Random) -> None:
    """The worker that looks at the payment dies, too (K17), unless it does not pass the point."""
    Refund.objects.filter(status__in=UNDECIDED).update(next_look_at=clock.now())
    look_at_payments(clock.now())
    connection.close()
    assert victims.die(dice.choice(BETWEEN_TRANSACTIONS)) in (0, SIGKILL)
    simulation.sandbox.wait_until_idle()
    simulation.reset(real_now())


def numbers() -> list[int]:
    """The kills of this database: in CI the two of them take turns at each point.

    Samples are spread over the points.
    """
    if LONG:
        return list(range(KILLS))
    if not CI:
        return [number * 3 + 2 for number in range(KILLS)]
    turn = connection.vendor == "postgresql"
    return [number for number in range(KILLS) if (number + number // len(names())) % 2 == turn]


def test_worker_killed_at_a_named_point_pays_once(simulation: Simulation) -> None:
    wrong = {}
    with Victims() as victims:
        for number in numbers():
            if texts := kill(simulation, victims, number):
                wrong[number] = texts
    assert wrong == {}
