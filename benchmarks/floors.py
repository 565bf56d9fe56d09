"""The least that the same work can cost: `python -m benchmarks.floors list ...`.

Raw psycopg, prepared statements, flat rows: the same reads and writes as ours, and nothing
made of them. Two processes, as the server has two workers. Each waits for a line on its
standard input when it is warm, so that only the loop is measured.
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from secrets import token_hex
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.string import TextLoader

from benchmarks import asking, statements
from benchmarks.shop import Shop, guest_email, number_of, session_key

CHANNEL = 1
WARM_UP = 200


class Floor:
    """One connection, set up as the server's are."""

    def __init__(self, url: str, shop: Shop, pairs: "list[tuple[int, int]]") -> None:
        self.shop, self.pairs = shop, pairs
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        # The leanest there is: JSON stays text, and plans are made once.
        self.connection.adapters.register_loader("jsonb", TextLoader)
        self.connection.execute("SET plan_cache_mode = force_generic_plan")
        self.guests = list(shop.guest_orders())

    def rows(self, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        return self.connection.execute(statement, parameters).fetchall()

    def hanging_on(self, order_ids: list[int]) -> None:
        """Everything else that an order's document shows."""
        self.rows(statements.ITEMS, [order_ids])
        self.rows(statements.EXTRAS, {"ids": order_ids})
        self.rows(statements.REQUESTS, [order_ids])
        self.rows(statements.COMPANIES, [CHANNEL])

    def list(self, dice: Random) -> None:
        """A customer's orders: session with its user, page, and what hangs on the orders."""
        key = session_key(dice.randrange(self.shop.customers))
        user = self.rows(statements.SESSION, [key, datetime.now(UTC)])[0][1]
        page = self.rows(statements.PAGE, [user])
        self.hanging_on([row[0] for row in page])

    def look_up(self, dice: Random) -> None:
        """A guest's order: counted, found, given back, shown, and its proof kept."""
        order = dice.choice(self.guests)
        number, email, now = number_of(order), guest_email(order), datetime.now(UTC)
        epoch = int(now.timestamp())
        counters = {"number": f"floor-number:{number}", "email": f"floor-email:{email}"}
        counters["pair"] = f"floor-pair:{number}:{email}"
        counted = counters | {"shop": "floor-shop", "now": epoch}
        with self.connection.transaction():
            self.rows(statements.COUNT_LOOK_UP, counted)
            found = self.rows(statements.GUEST_ORDER, [CHANNEL, number, email])
            self.connection.execute(statements.GIVE_BACK, [list(counters.values())])
        self.hanging_on([found[0][0]])
        proof = (token_hex(16), "x" * 90, now + timedelta(days=14))
        self.connection.execute(statements.ADD_SESSION, proof)

    def create(self, _: Random) -> None:
        """A customer's case: session, counted, locked, looked at, written three times, read."""
        item, customer = self.pairs.pop()
        now = datetime.now(UTC)
        user = self.rows(statements.SESSION, [session_key(customer), now])[0][1]
        counted = {"customer": f"floor-customer:{user}", "now": int(now.timestamp())}
        self.rows(statements.COUNT_REQUEST, counted)
        with self.connection.transaction():
            self.rows(statements.LOCK_ORDER, [item])
            quantity = self.rows(statements.ASKED_ITEM, [item])[0][2]
            self.rows(statements.REASON, [asking.REASON, CHANNEL])
            told = [uuid4(), CHANNEL, item, asking.REASON, quantity, now, now]
            case = self.rows(statements.ADD_REQUEST, told)[0][0]
            self.connection.execute(statements.ADD_HISTORY, [case, user, now])
            key = f"cancellation_request.opened:{case}.1"
            payload = f'{{"cancellation_request":{case}}}'
            self.connection.execute(statements.ADD_MESSAGE, [key, payload, now, now])
        self.rows(statements.REQUEST, [case])


def main() -> None:
    """The command line; prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operation", choices=("list", "look-up", "create"))
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=Path, help="create: lines to ask for, and their customers")
    given = parser.parse_args()
    pairs = asking.pairs_in(given.pairs) if given.pairs else []
    floor = Floor(os.environ["DATABASE_URL"], Shop(given.orders), pairs)
    operations = {"list": floor.list, "look-up": floor.look_up, "create": floor.create}
    once = operations[given.operation]
    dice = Random(given.seed)
    for _ in range(WARM_UP):
        once(dice)
    print("warm", flush=True)
    sys.stdin.readline()
    calls, spent = 0, time.process_time()
    end = time.perf_counter() + given.seconds
    while time.perf_counter() < end:
        once(dice)
        calls += 1
    told = {"calls": calls, "cpu_seconds": time.process_time() - spent}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
