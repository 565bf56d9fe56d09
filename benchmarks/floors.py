"""The lowest possible cost of the same work: `python -m benchmarks.floors list ...`.

Raw psycopg, prepared statements, flat rows: the reads and writes of the service without any
processing. Two processes, as the server has two workers. Each waits for a line on its standard
input after its warm-up, so that only the loop is measured.
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

from benchmarks import cancellable_items, statements
from benchmarks.shop import Shop, guest_email, number_of, session_key

CHANNEL = 1
WARM_UP = 200


class Floor:
    """One connection with the settings of the server's connections."""

    def __init__(self, url: str, shop: Shop, items: "list[tuple[int, int]]") -> None:
        self.shop, self.items = shop, items
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        # The cheapest options: JSON stays text, and each statement is planned once.
        self.connection.adapters.register_loader("jsonb", TextLoader)
        self.connection.execute("SET plan_cache_mode = force_generic_plan")
        self.guests = list(shop.guest_orders())

    def rows(self, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self.connection.execute(statement, parameters).fetchall()

    def related_rows(self, order_ids: list[int]) -> None:
        """Read the other rows that an order's document shows."""
        self.rows(statements.ITEMS, [order_ids])
        self.rows(statements.EXTRAS, {"ids": order_ids})
        self.rows(statements.REQUESTS, [order_ids])
        self.rows(statements.COMPANIES, [CHANNEL])

    def list(self, dice: Random) -> None:
        """A customer's orders: session with its user, page, related rows."""
        key = session_key(dice.randrange(self.shop.customers))
        user = self.rows(statements.SESSION, [key, datetime.now(UTC)])[0][1]
        page = self.rows(statements.PAGE, [user])
        self.related_rows([row[0] for row in page])

    def look_up(self, dice: Random) -> None:
        """A guest's order: limits, look-up, limits restored, related rows, session."""
        order = dice.choice(self.guests)
        number, email, now = number_of(order), guest_email(order), datetime.now(UTC)
        epoch = int(now.timestamp())
        counters = {"number": f"floor-number:{number}", "email": f"floor-email:{email}"}
        counters["pair"] = f"floor-pair:{number}:{email}"
        counted = counters | {"shop": "floor-shop", "now": epoch}
        with self.connection.transaction():
            self.rows(statements.COUNT_LOOK_UP, counted)
            orders = self.rows(statements.GUEST_ORDER, [CHANNEL, number, email])
            self.connection.execute(statements.DECREMENT, [list(counters.values())])
        self.related_rows([orders[0][0]])
        session = (token_hex(16), "x" * 90, now + timedelta(days=14))
        self.connection.execute(statements.ADD_SESSION, session)

    def create(self, _: Random) -> None:
        """A customer's case: session, limit, lock, two reads, three inserts, one read."""
        item, customer = self.items.pop()
        now = datetime.now(UTC)
        user = self.rows(statements.SESSION, [session_key(customer), now])[0][1]
        counted = {"customer": f"floor-customer:{user}", "now": int(now.timestamp())}
        self.rows(statements.COUNT_REQUEST, counted)
        with self.connection.transaction():
            self.rows(statements.LOCK_ORDER, [item])
            quantity = self.rows(statements.ITEM_FOR_CASE, [item])[0][2]
            self.rows(statements.REASON, [cancellable_items.REASON, CHANNEL])
            values = [uuid4(), CHANNEL, item, cancellable_items.REASON, quantity, now, now]
            case = self.rows(statements.ADD_REQUEST, values)[0][0]
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
    parser.add_argument("--items", type=Path, help="create: items to cancel, with their customers")
    options = parser.parse_args()
    items = cancellable_items.read_items(options.items) if options.items else []
    floor = Floor(os.environ["DATABASE_URL"], Shop(options.orders), items)
    operations = {"list": floor.list, "look-up": floor.look_up, "create": floor.create}
    run = operations[options.operation]
    dice = Random(options.seed)
    for _ in range(WARM_UP):
        run(dice)
    print("warm", flush=True)
    sys.stdin.readline()
    calls, spent = 0, time.process_time()
    end = time.perf_counter() + options.seconds
    while time.perf_counter() < end:
        run(dice)
        calls += 1
    print(json.dumps({"calls": calls, "cpu_seconds": time.process_time() - spent}))


if __name__ == "__main__":
    main()
