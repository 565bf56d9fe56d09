"""Which request fails and how: scripts for the next requests, or chance with a seed."""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from takeback.refund_providers.sandbox_server.failures import Failure, Script, Target, fits
from takeback.refund_providers.sandbox_server.ledger import Ledger

_HUNDRED = 100


def add_script(
    ledger: Ledger,
    failure: Failure,
    target: Target,
    *,
    payment: str | None = None,
    skip: int = 0,
    count: int = 1,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Let `count` requests of this target fail, after `skip` others; for one payment or for all."""
    if not fits(failure, target):
        raise ValueError(f"{failure} is no failure of a request for {target}")
    ledger.execute(
        "INSERT INTO script (failure, target, payment, skip, count, options)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        *(failure.value, target.value, payment, skip, count, json.dumps(dict(options or {}))),
    )


def set_seed(ledger: Ledger, seed: str, percent: int, failures: Sequence[Failure]) -> None:
    """Let this share of all requests fail, by chance that the seed repeats.

    The chance depends on the payment and on the number of its request, not on the order in which
    threads arrive.
    """
    names = json.dumps([failure.value for failure in failures])
    ledger.execute("INSERT OR REPLACE INTO seed VALUES (1, ?, ?, ?)", seed, percent, names)


def clear_scripts(ledger: Ledger) -> None:
    """Let all requests succeed again."""
    with ledger.transaction():
        ledger.execute("DELETE FROM script")
        ledger.execute("DELETE FROM seed")


def take_script(ledger: Ledger, target: Target, payment: str) -> Script | None:
    """The failure of this request, which is used up."""
    rows = ledger.rows(
        "SELECT id, failure, skip, options FROM script"
        " WHERE target = ? AND COALESCE(payment, ?) = ? AND count > 0 ORDER BY id",
        *(target.value, payment, payment),
    )
    for script_id, failure, skip, options in rows:
        if skip:
            ledger.execute("UPDATE script SET skip = skip - 1 WHERE id = ?", script_id)
            continue
        ledger.execute("UPDATE script SET count = count - 1 WHERE id = ?", script_id)
        return Script(Failure(failure), json.loads(options))
    return _by_chance(ledger, target, payment)


def _by_chance(ledger: Ledger, target: Target, payment: str) -> Script | None:
    rows = ledger.rows("SELECT seed, percent, failures FROM seed")
    if not rows:
        return None
    seed, percent, names = rows[0]
    # Refunds cause the events, which have no requests of their own.
    counted = Target.REFUND if target is Target.EVENT else target
    number = ledger.value(
        "SELECT COUNT(*) FROM request WHERE payment = ? AND target = ?", payment, counted.value
    )
    chance = random.Random(f"{seed}/{payment}/{target}/{number}")  # noqa: S311 - it must repeat
    failures = [failure for name in json.loads(names) if fits(failure := Failure(name), target)]
    if not failures or chance.randrange(_HUNDRED) >= percent:
        return None
    return Script(chance.choice(failures), {})
