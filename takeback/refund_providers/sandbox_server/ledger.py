"""The sandbox's durable ledger: payments, what became of their money, and two clocks.

Every request is one transaction of one connection, so that a killed server has done all of it or
nothing. Tests read the tables as the truth that our own ledger is compared with.
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from takeback.core import clock
from takeback.refund_providers.sandbox_server.behavior import Behavior
from takeback.refund_providers.sandbox_server.schema import SCHEMA, TABLES

ACCOUNT, SECRET, WEBHOOK_SECRET = "sandbox", "sandbox-secret", "sandbox-webhook-secret"
"""The account that every sandbox starts with."""


class Account(NamedTuple):
    """A merchant's account."""

    name: str
    secret: str
    webhook_secret: str
    webhook_url: str
    is_test: bool
    behavior: Behavior


class Payment(NamedTuple):
    """A payment; its amounts are sums of other tables."""

    id: str
    account: str
    provider_order: str | None
    currency: str
    authorized: int
    captured_at: float | None
    is_voided: bool
    has_dispute: bool


class Refund(NamedTuple):
    """A refund; without a reference it was made in the dashboard."""

    id: str
    payment: str
    amount: int
    currency: str
    reference: str | None
    status: str
    failure_code: str | None
    created_at: float
    visible_at: float
    settles_at: float | None
    settles_as: str | None


class Ledger:
    """The tables in one SQLite file, used by all threads of the server in turns."""

    def __init__(self, path: Path | str, *, is_durable: bool = True) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'OFF'}")
        self.connection.execute("PRAGMA foreign_keys=ON")
        self.connection.executescript(SCHEMA)
        if not self.rows("SELECT 1 FROM account LIMIT 1"):
            self.put_account(ACCOUNT, SECRET, WEBHOOK_SECRET)

    def close(self) -> None:
        with self._lock:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The block is committed as one, or rolled back."""
        with self._lock:
            if self._depth:
                yield
                return
            self._depth += 1
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            else:
                self.connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self.connection.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; None without a row."""
        row = next(iter(self.rows(sql, *values)), None)
        return None if row is None else row[0]

    def execute(self, sql: str, *values: Any) -> int:
        """Run a statement and return the id of the last inserted row."""
        with self._lock:
            return self.connection.execute(sql, values).lastrowid or 0

    def clear(self) -> None:
        """Empty all tables, turn the clocks back and create the first account."""
        with self.transaction():
            for table in TABLES:
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
            self.execute("UPDATE clock SET offset = 0, skipped = 0")
            self.put_account(ACCOUNT, SECRET, WEBHOOK_SECRET)

    # The clocks.

    def now(self) -> float:
        """The time of the clock that jumps, in seconds since 1970."""
        return clock.now().timestamp() + float(self.value("SELECT offset FROM clock"))

    def elapsed(self) -> float:
        """The time of the clock that only jumps forwards: delays are measured by it."""
        return clock.now().timestamp() + float(self.value("SELECT skipped FROM clock"))

    def jump(self, seconds: float) -> None:
        """Let both clocks jump forwards, or the first one back."""
        with self.transaction():
            self.execute(
                "UPDATE clock SET offset = offset + ?, skipped = skipped + ?",
                seconds,
                max(seconds, 0),
            )

    # Accounts and payments.

    def put_account(
        self,
        name: str,
        secret: str,
        webhook_secret: str,
        *,
        webhook_url: str = "",
        is_test: bool = True,
        behavior: Behavior | None = None,
    ) -> None:
        """Create an account or replace its settings."""
        document = json.dumps((behavior or Behavior()).to_document())
        self.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
            " secret = excluded.secret, webhook_secret = excluded.webhook_secret,"
            " webhook_url = excluded.webhook_url, is_test = excluded.is_test,"
            " behavior = excluded.behavior",
            *(name, secret, webhook_secret, webhook_url, is_test, document),
        )

    def account(self, name: str) -> Account:
        """An account by its name; KeyError without one."""
        return self._account("name", name)

    def account_of_secret(self, secret: str) -> Account:
        """The account with this secret; KeyError without one."""
        return self._account("secret", secret)

    def _account(self, column: str, value: str) -> Account:
        rows = self.rows(f"SELECT * FROM account WHERE {column} = ?", value)  # noqa: S608 - our own name
        if not rows:
            raise KeyError(value)
        *columns, is_test, behavior = rows[0]
        document = Behavior.from_document(json.loads(behavior))
        return Account._make((*columns, bool(is_test), document))

    def add_payment(
        self,
        payment_id: str,
        currency: str,
        amount: int,
        *,
        account: str = ACCOUNT,
        provider_order: str | None = None,
        is_captured: bool = True,
    ) -> Payment:
        """A payment that is authorized, and captured at once unless it must not be."""
        with self.transaction():
            self.execute(
                "INSERT INTO payment (id, account, provider_order, currency, authorized)"
                " VALUES (?, ?, ?, ?, ?)",
                *(payment_id, account, provider_order, currency, amount),
            )
            if is_captured:
                self.capture(payment_id, amount)
            return self.payment(payment_id)

    def payment(self, payment_id: str) -> Payment:
        """A payment; KeyError without one."""
        rows = self.rows("SELECT * FROM payment WHERE id = ?", payment_id)
        if not rows:
            raise KeyError(payment_id)
        *columns, is_voided, has_dispute = rows[0]
        return Payment._make((*columns, bool(is_voided), bool(has_dispute)))

    def capture(self, payment_id: str, amount: int) -> None:
        with self.transaction():
            now = self.now()
            self.execute(
                "INSERT INTO capture (payment, amount, at) VALUES (?, ?, ?)",
                *(payment_id, amount, now),
            )
            self.execute(
                "UPDATE payment SET captured_at = COALESCE(captured_at, ?) WHERE id = ?",
                *(now, payment_id),
            )

    def void(self, payment_id: str) -> None:
        self.execute("UPDATE payment SET is_voided = 1 WHERE id = ?", payment_id)

    def charge_back(self, payment_id: str, amount: int) -> None:
        """The shopper's bank takes money back."""
        self.execute(
            "INSERT INTO charge_back (payment, amount, at) VALUES (?, ?, ?)",
            *(payment_id, amount, self.now()),
        )

    def set_dispute(self, payment_id: str, *, is_open: bool) -> None:
        self.execute("UPDATE payment SET has_dispute = ? WHERE id = ?", is_open, payment_id)

    # Money of a payment.

    def captured(self, payment_id: str) -> int:
        return self._sum("capture", payment_id)

    def charged_back(self, payment_id: str) -> int:
        return self._sum("charge_back", payment_id)

    def refunded(self, payment_id: str) -> int:
        """What went back or is on its way: the truth that tests compare with."""
        refunds = self.refunds(payment_id)
        return sum(refund.amount for refund in refunds if refund.status != "failed")

    def _sum(self, table: str, payment_id: str) -> int:
        sql = f"SELECT COALESCE(SUM(amount), 0) FROM {table} WHERE payment = ?"  # noqa: S608 - our own names
        return int(self.value(sql, payment_id))

    def refunds(self, payment_id: str) -> list[Refund]:
        """All refunds of a payment in the order of their creation."""
        sql = "SELECT * FROM refund WHERE payment = ? ORDER BY rowid"
        return [Refund(*row) for row in self.rows(sql, payment_id)]

    def refund(self, refund_id: str) -> Refund:
        """A refund; KeyError without one."""
        rows = self.rows("SELECT * FROM refund WHERE id = ?", refund_id)
        if not rows:
            raise KeyError(refund_id)
        return Refund(*rows[0])

    def add_refund(
        self,
        payment: Payment,
        amount: int,
        *,
        reference: str | None = None,
        is_pending: bool = False,
        lag_seconds: float = 0,
    ) -> Refund:
        """A refund that has moved money, or is about to."""
        refund_id = f"re_{secrets.token_hex(12)}"
        self.execute(
            "INSERT INTO refund VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL, NULL)",
            *(refund_id, payment.id, amount, payment.currency, reference),
            *("pending" if is_pending else "succeeded", self.now(), self.elapsed() + lag_seconds),
        )
        return self.refund(refund_id)

    def set_status(self, refund_id: str, status: str, failure_code: str | None = None) -> None:
        """Give a refund its final status, also another one than before."""
        code = (failure_code or "expired_or_canceled_card") if status == "failed" else None
        self.execute(
            "UPDATE refund SET status = ?, failure_code = ?, settles_at = NULL WHERE id = ?",
            *(status, code, refund_id),
        )

    def settle_later(self, refund_id: str, status: str, seconds: float) -> None:
        self.execute(
            "UPDATE refund SET settles_at = ?, settles_as = ? WHERE id = ?",
            *(self.elapsed() + seconds, status, refund_id),
        )

    def settle_due(self) -> list[Refund]:
        """Settle the refunds whose time has come, and return them as they are afterwards."""
        with self.transaction():
            rows = self.rows(
                "SELECT id, settles_as FROM refund WHERE settles_at <= ? ORDER BY settles_at",
                self.elapsed(),
            )
            for refund_id, status in rows:
                self.set_status(refund_id, status)
            return [self.refund(refund_id) for refund_id, _ in rows]

    # Keys and requests.

    def forget_keys(self, key: str | None = None) -> None:
        """Forget one idempotency key, or all."""
        if key is None:
            self.execute("DELETE FROM idempotency_key")
        else:
            self.execute("DELETE FROM idempotency_key WHERE key = ?", key)

    def requests(self, *, payment: str | None = None) -> list[dict[str, Any]]:
        """The log of requests, in their order."""
        columns = ("id", "at", "account", "target", "payment", "key", "body_hash", "failure")
        names = (*columns, "status", "moved_refund")
        where, values = ("WHERE payment = ?", [payment]) if payment else ("", [])
        sql = f"SELECT {', '.join(names)} FROM request {where} ORDER BY id"  # noqa: S608 - our own names
        rows = self.rows(sql, *values)
        return [dict(zip(names, row, strict=True)) for row in rows]
