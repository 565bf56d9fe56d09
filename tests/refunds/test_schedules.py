"""P5, P12: whatever a provider, a worker or a clock does, a refund is paid at most once.

`TAKEBACK_SEED=123 ./dev test tests/refunds/test_schedules.py` runs the schedule of one seed.
"""

import os
from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from takeback.refund_providers import registry
from takeback.refund_providers.sandbox_server.failures import Failure
from tests.conftest import CI, LONG
from tests.factories import NOW
from tests.refunds.schedules import REPLACED, Stage, all_failures, explained, schedule_of
from tests.rigs.refund_points import PROVIDERS, register_providers
from tests.rigs.refund_simulation import create_accounts, simulation_of
from tests.rigs.sandbox import running_sandbox

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("each schedule queries again"),
    pytest.mark.heavy,
    pytest.mark.timeout(0 if LONG else 1_800),
]

SEED = os.environ.get("TAKEBACK_SEED")
SCHEDULES = 20_000 if LONG else 2_000 if CI else 15


def seeds() -> Sequence[int]:
    """One seed, or those of this database: in CI PostgreSQL, which is slower, runs every fifth."""
    if SEED:
        return [int(SEED)]
    if LONG or not CI:
        return range(SCHEDULES)
    is_postgresql = connection.vendor == "postgresql"
    return [seed for seed in range(SCHEDULES) if (seed % 5 == 0) == is_postgresql]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A simulation with a sandbox and an account of every provider."""
    monkeypatch.setattr(registry, "ADAPTERS", registry.ADAPTERS)
    register_providers()
    with running_sandbox() as sandbox, simulation_of(sandbox, NOW) as simulation:
        create_accounts(sandbox)
        yield Stage(simulation, monkeypatch)


def test_no_schedule_pays_twice_or_loses_a_refund(stage: Stage) -> None:
    wrong = {}
    for seed in seeds():
        schedule = schedule_of(seed)
        with explained(schedule):
            if texts := stage.run(schedule):
                wrong[seed] = [*texts, str(schedule)]
    assert wrong == {}


def test_schedules_contain_every_failure_of_the_provider() -> None:
    schedules = [schedule_of(seed) for seed in range(2_000)]
    assert all_failures(schedules) == set(Failure) - REPLACED
    assert {schedule.provider for schedule in schedules} == PROVIDERS.keys()
