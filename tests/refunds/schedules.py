"""Random schedules of a refund's life: a seed chooses provider, failures, crashes and clocks.

A *consistent* schedule keeps the provider's look-up within its lag, and the provider pays what was
ordered or nothing; requests, replies, events and clocks fail as they like, and looks may find
nobody. Any other schedule also lets looks, amounts and refunds by others contradict us.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest

from takeback.handlers import refunds as handlers
from takeback.refund_providers.sandbox_server import replies
from takeback.refund_providers.sandbox_server.failures import Failure, Target
from takeback.refund_providers.sandbox_server.scripts import add_script
from takeback.refunds.models import Refund
from takeback.refunds.providers import StoredReplies
from tests.factories import NOW
from tests.rigs.refund_points import BETWEEN_TRANSACTIONS, PROVIDERS, points
from tests.rigs.refund_simulation import Simulation, differences, forget_work, plan_order

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

NO_USABLE_REPLY: Final = (
    *(Failure.TIMEOUT_BEFORE, Failure.RESET_BEFORE, Failure.ERROR_500, Failure.RATE_LIMIT),
    *(Failure.UNAUTHORIZED, Failure.COMMIT_THEN_TIMEOUT, Failure.COMMIT_THEN_RESET),
    *(Failure.COMMIT_THEN_500, Failure.EMPTY, Failure.MALFORMED, Failure.DUPLICATE_KEY),
    *(Failure.DEEP, Failure.NOT_JSON, Failure.HUGE, Failure.COMPRESSED, Failure.TRUNCATED),
    *(Failure.REDIRECT, Failure.SLOW_HEADERS, Failure.SLOW_BODY),
)
"""Faults of any request: it is processed or not, and its reply says nothing."""
OF_REQUESTS: Final = (
    *NO_USABLE_REPLY,
    *(Failure.KEY_IN_USE, Failure.DUPLICATE_REFUSED, Failure.COMMIT_THEN_DUPLICATE),
    *(Failure.REPLY_WRONG_REFERENCE, Failure.PENDING, Failure.RETURNED_LATER),
    *(Failure.KEY_FORGOTTEN, Failure.CUSTOM_REPLY),
)
OF_EVENTS: Final = (
    *(Failure.EVENT_DUPLICATED, Failure.EVENT_REORDERED, Failure.EVENT_LATE, Failure.EVENT_LOST),
    *(Failure.EVENT_WRONG_AMOUNT, Failure.EVENT_WRONG_CURRENCY, Failure.EVENT_WRONG_REFERENCE),
    *(Failure.EVENT_WRONG_SIGNATURE, Failure.EVENT_OLD_SIGNATURE),
)
OTHER_MONEY: Final = (
    *(Failure.PARTIAL_AMOUNT, Failure.REPLY_WRONG_AMOUNT, Failure.REPLY_WRONG_CURRENCY),
    *(Failure.PENDING_FOREVER,),
)
"""Faults of requests that a person must clarify."""
OTHER_LOOKS: Final = (
    *(Failure.LAGGING, Failure.CONTRADICTORY, Failure.MIXED_CURRENCIES, Failure.OTHER_MODE),
    *(Failure.UNKNOWN_PAYMENT,),
)
"""Faults of looks that a person must clarify."""
REPLACED: Final = frozenset({Failure.EVENT_BEFORE_REPLY})
"""An event that is faster than the reply is a pause before the reply is stored."""

_PATIENCE: Final = timedelta(minutes=3)
"""How long after the last deed a refund that needs a person is watched."""
_CUSTOM: Final = ({"status": 200, "body": "{}"}, {"status": 403, "body": "no"}, {"status": 302})
_FORWARD: Final = (5 * SECOND, 60 * SECOND, HOUR, 25 * HOUR, 31 * DAY)
_BACK: Final = (-5 * SECOND, -60 * SECOND, -60 * SECOND)
_FAR_BACK: Final = (-600 * SECOND, -HOUR, -25 * HOUR)


@dataclass(frozen=True, slots=True)
class PlannedFailure:
    """A failure of one request for the payment of this number, after `skip` others."""

    failure: Failure
    target: Target
    payment: int
    skip: int
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """At a pass of a point a worker dies, or stands still while others work."""

    point: str
    number: int
    pause: timedelta | None


@dataclass(frozen=True, slots=True)
class Jump:
    """A clock jumps at a time after the start."""

    after: timedelta
    ours: timedelta = timedelta(0)
    theirs: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that others do to a payment."""

    after: timedelta
    verb: str
    payment: int
    amount: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that a seed decides; amounts are those of the refunds of each payment."""

    seed: int
    provider: str
    is_consistent: bool
    amounts: list[list[int]]
    # What each payment keeps.
    spare: int
    failures: list[PlannedFailure]
    stops: list[Stop]
    jumps: list[Jump]
    deeds: list[Deed]
    # The list of refunds lags for hours, and the total does not.
    has_slow_list: bool


class Died(BaseException):
    """The worker is gone: nothing of it goes on."""


def schedule_of(seed: int) -> Schedule:
    """The schedule of a seed. Every third one is not consistent."""
    dice = Random(seed)
    is_consistent = bool(seed % 3)
    provider = dice.choice(sorted(PROVIDERS))
    amounts = [
        [dice.choice((100, 100, 250, 7)) for _ in range(dice.choice((1, 1, 1, 2)))]
        for _ in range(dice.choice((1, 1, 1, 1, 1, 1, 2)))
    ]
    schedule = Schedule(
        seed=seed,
        provider=provider,
        is_consistent=is_consistent,
        amounts=amounts,
        spare=dice.choice((0, 600, 600)),
        failures=list(_failures(dice, len(amounts))),
        stops=list(_stops(dice)),
        jumps=list(_jumps(dice)),
        deeds=[],
        has_slow_list=False,
    )
    return schedule if is_consistent else _contradicted(schedule, dice)


def _failures(dice: Random, payments: int) -> Iterator[PlannedFailure]:
    for payment in range(payments):
        for skip in range(dice.choice((0, 1, 1, 1, 2, 3))):
            failure = dice.choice(OF_REQUESTS)
            yield PlannedFailure(failure, Target.REFUND, payment, skip, _options(failure, dice))
        # Looks before the first request, and later ones.
        for skip in sorted(dice.sample(range(6), dice.choice((0, 0, 0, 0, 1, 3)))):
            yield PlannedFailure(dice.choice(NO_USABLE_REPLY), Target.STATE, payment, skip, {})
        if dice.random() < 0.5:
            failure = dice.choice(OF_EVENTS)
            yield PlannedFailure(failure, Target.EVENT, payment, 0, _options(failure, dice))


def _options(failure: Failure, dice: Random) -> dict[str, Any]:
    match failure:
        case Failure.PENDING:
            status = dice.choice(("succeeded", "succeeded", "failed"))
            return {"status": status, "seconds": _seconds(dice)}
        case Failure.RETURNED_LATER | Failure.EVENT_LATE:
            return {"seconds": _seconds(dice)}
        case Failure.CUSTOM_REPLY:
            return dict(dice.choice(_CUSTOM))
        case Failure.RATE_LIMIT:
            return {"seconds": dice.choice((0, 7, 3_600))}
        case _:
            return {}


def _seconds(dice: Random) -> int:
    """Short or, rarely, days: an hour of doubt costs twenty looks."""
    return dice.choice((90_000, 260_000)) if dice.random() < 0.05 else dice.choice((1, 40, 100))


def _stops(dice: Random) -> Iterator[Stop]:
    names = list(points())
    for _ in range(dice.choice((0, 1, 1, 2))):
        yield Stop(dice.choice(names), dice.choice((1, 1, 2, 3)), None)
    if dice.random() < 0.4:
        seconds = dice.choice((2, 10, 17, 40, 100, 4_000))
        yield Stop(
            dice.choice(BETWEEN_TRANSACTIONS), dice.choice((1, 1, 2)), timedelta(seconds=seconds)
        )


def _jumps(dice: Random) -> Iterator[Jump]:
    """Each clock jumps at most once."""
    if dice.random() < 0.4:
        yield Jump(dice.choice((0, 1, 20, 45, 100)) * SECOND, ours=_size(dice))
    if dice.random() < 0.5:
        yield Jump(dice.choice((0, 1, 20, 45, 100)) * SECOND, theirs=_size(dice))


def _size(dice: Random) -> timedelta:
    """Forwards by up to a month, or back; far back is rare: what waits then takes as long."""
    if dice.random() < 0.01:
        return dice.choice(_FAR_BACK)
    return dice.choice(_FORWARD if dice.random() < 0.6 else _BACK)


def _contradicted(schedule: Schedule, dice: Random) -> Schedule:
    failures, deeds = list(schedule.failures), []
    if dice.random() < 0.5:
        skip = dice.choice((0, 0, 1))
        failures.insert(0, PlannedFailure(dice.choice(OTHER_MONEY), Target.REFUND, 0, skip, {}))
    # A look that hides a payout, with its total, needs a key that guards it.
    is_guarded = (
        PROVIDERS[schedule.provider].stored_replies is StoredReplies.ALL
        and not any(jump.theirs > timedelta(0) for jump in schedule.jumps)
        and not any(planned.failure is Failure.KEY_FORGOTTEN for planned in failures)
        and schedule.provider != "sandbox_1h_all"
    )
    looks = OTHER_LOOKS if is_guarded else OTHER_LOOKS[1:]
    for skip in range(dice.choice((0, 1, 2))):
        options = {"seconds": dice.choice((30, 4_000))}
        failures.insert(0, PlannedFailure(dice.choice(looks), Target.STATE, 0, skip, options))
    for _ in range(dice.choice((0, 0, 1, 2))):
        verb = dice.choice(("refund", "refund", "charge_back", "dispute"))
        after = dice.choice((0, 5, 31, 90, 3_600)) * SECOND
        deeds.append(Deed(after, verb, 0, dice.choice((schedule.amounts[0][0], 33))))
    return replace(schedule, failures=failures, deeds=deeds, has_slow_list=dice.random() < 0.2)


class Stage:
    """Runs schedules in a simulation: workers stop at points, clocks jump, others interfere."""

    def __init__(self, simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
        self.simulation = simulation
        self._stops: dict[tuple[str, int], Stop] = {}
        self._passes: dict[str, int] = {}
        self._is_paused = False
        self._uuids = Random(0)
        for name, point in points().items():
            wrapped = getattr(point.owner, point.name)
            stopping = self._stopping(name, wrapped, is_after=point.is_after)
            monkeypatch.setattr(point.owner, point.name, stopping)
        # A hanging server ends the connection at once: an adapter that waits sees no other thing.
        monkeypatch.setattr(replies, "HANG_SECONDS", 0.0)
        monkeypatch.setattr(replies, "SLOW_SECONDS", 0.0)
        monkeypatch.setattr(handlers, "monotonic", self._elapsed)
        # Keys spread the times of looks: with the seed's keys a schedule repeats exactly.
        field = Refund._meta.get_field("uuid")
        monkeypatch.setitem(field.__dict__, "_get_default", self._new_uuid)

    def run(self, schedule: Schedule) -> list[str]:
        """Play a schedule to its end; what is wrong then."""
        simulation = self.simulation
        forget_work(simulation.ledger)
        simulation.reset(NOW)
        self._uuids = Random(schedule.seed)
        order_id, refunds = plan_order(
            simulation,
            schedule.provider,
            schedule.amounts,
            f"seed-{schedule.seed}",
            spare=schedule.spare,
        )
        self._prepare(schedule)
        for at, act in self._acts(schedule):
            simulation.work(NOW + at, crash=Died)
            act()
        last = max([at for at, _act in self._acts(schedule)], default=timedelta(0))
        simulation.work(
            NOW + last + 80 * DAY,
            is_done=lambda: simulation.is_settled(
                refunds,
                # With consistent looks, a refund that needed a person may still end without one.
                is_attended=not schedule.is_consistent
                and simulation.physical > NOW + last + _PATIENCE,
            ),
            crash=Died,
        )
        return differences(simulation, order_id, is_automatic=schedule.is_consistent)

    def _prepare(self, schedule: Schedule) -> None:
        ledger = self.simulation.ledger
        self._passes = {}
        self._stops = {(stop.point, stop.number): stop for stop in schedule.stops}
        for planned in schedule.failures:
            add_script(
                ledger,
                planned.failure,
                planned.target,
                payment=_reference(schedule, planned.payment),
                skip=planned.skip,
                options=planned.options,
            )
        account = ledger.account(schedule.provider)
        lag = PROVIDERS[schedule.provider].lag.total_seconds()
        behavior = replace(
            account.behavior,
            lag_seconds=20_000 if schedule.has_slow_list else lag,
            has_lagging_total=not schedule.has_slow_list,
        )
        ledger.put_account(account.name, account.secret, account.webhook_secret, behavior=behavior)

    def _acts(self, schedule: Schedule) -> list[tuple[timedelta, Callable[[], object]]]:
        """What happens besides the work, in its order."""
        acts: list[tuple[timedelta, Callable[[], object]]] = [
            (jump.after, self._jumping(jump)) for jump in schedule.jumps
        ]
        for deed in schedule.deeds:
            acts.append((deed.after, self._doing(deed, _reference(schedule, deed.payment))))
            if deed.verb == "dispute":
                acts.append((deed.after + 2 * HOUR, self._ending_dispute(schedule, deed)))
        return sorted(acts, key=lambda act: act[0])

    def _jumping(self, jump: Jump) -> Callable[[], object]:
        return lambda: self.simulation.jump(ours=jump.ours, theirs=jump.theirs)

    def _doing(self, deed: Deed, reference: str) -> Callable[[], object]:
        ledger = self.simulation.ledger

        def act() -> None:
            left = ledger.captured(reference) - ledger.refunded(reference)
            amount = min(deed.amount, left - ledger.charged_back(reference))
            if deed.verb == "dispute":
                ledger.set_dispute(reference, is_open=True)
            elif amount > 0 and deed.verb == "refund":
                ledger.add_refund(ledger.payment(reference), amount)
            elif amount > 0:
                ledger.charge_back(reference, amount)

        return act

    def _ending_dispute(self, schedule: Schedule, deed: Deed) -> Callable[[], object]:
        reference = _reference(schedule, deed.payment)
        return lambda: self.simulation.ledger.set_dispute(reference, is_open=False)

    def _stopping(
        self, name: str, wrapped: Callable[..., Any], *, is_after: bool
    ) -> Callable[..., Any]:
        def stopping(*arguments: Any, **named: Any) -> Any:
            if is_after:
                result = wrapped(*arguments, **named)
                self._pass(name)
                return result
            self._pass(name)
            return wrapped(*arguments, **named)

        return stopping

    def _pass(self, name: str) -> None:
        self._passes[name] = self._passes.get(name, 0) + 1
        stop = self._stops.get((name, self._passes[name]))
        if stop is None:
            return
        if stop.pause is None:
            raise Died(name)
        if not self._is_paused:
            self._is_paused = True
            # An adapter gives up after 18 s: a request never leaves later.
            longest = 17 * SECOND if name.startswith("K7") else stop.pause
            try:
                self.simulation.work(
                    self.simulation.physical + min(stop.pause, longest), crash=Died
                )
            finally:
                self._is_paused = False

    def _elapsed(self) -> float:
        """The clock that no jump disturbs, in seconds."""
        return self.simulation.physical.timestamp()

    def _new_uuid(self) -> UUID:
        return UUID(int=self._uuids.getrandbits(128), version=4)


def _reference(schedule: Schedule, payment: int) -> str:
    return f"pay_seed-{schedule.seed}_{payment + 1}"


@contextmanager
def explained(schedule: Schedule) -> Iterator[None]:
    """An error names the seed that repeats it."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"seed {schedule.seed}: {error!r}\n{schedule}") from error


def all_failures(schedules: Sequence[Schedule]) -> set[Failure]:
    """The failures that these schedules contain."""
    return {planned.failure for schedule in schedules for planned in schedule.failures}
