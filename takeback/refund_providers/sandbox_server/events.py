"""Events of the sandbox: signed notifications that may come early, late, twice or wrong."""

import hmac
import json
import secrets
import threading
import urllib.request
from contextlib import suppress
from hashlib import sha256
from typing import Any

from takeback.core import clock
from takeback.refund_providers.sandbox_server.documents import refund_document, time_of
from takeback.refund_providers.sandbox_server.failures import Failure, Script, Target
from takeback.refund_providers.sandbox_server.ledger import Account, Ledger, Refund
from takeback.refund_providers.sandbox_server.scripts import take_script

MAX_TRIES = 3
_RETRY_SECONDS = 1.0
_SEND_SECONDS = 5.0
_IDLE_SECONDS = 0.2
_OLD_SECONDS = 301
_WRONG_SIGNATURE, _OLD_SIGNATURE = "wrong", "old"

_CHANGES: dict[Failure, dict[str, str]] = {
    Failure.EVENT_WRONG_AMOUNT: {"amount": "0.01"},
    Failure.EVENT_WRONG_CURRENCY: {"currency": "XAF"},
    Failure.EVENT_WRONG_REFERENCE: {"reference": "0" * 32},
}
_SIGNING = {
    Failure.EVENT_WRONG_SIGNATURE: _WRONG_SIGNATURE,
    Failure.EVENT_OLD_SIGNATURE: _OLD_SIGNATURE,
}


def add_event(
    ledger: Ledger, account: Account, refund: Refund, script: Script | None = None
) -> int | None:
    """Add the event of a refund's new status to the queue; its row, or None if it gets lost."""
    failure = script.failure if script else None
    if failure is Failure.EVENT_LOST:
        return None
    event_id = f"evt_{secrets.token_hex(12)}"
    document = refund_document(refund, account.behavior)
    if failure in _CHANGES:
        document |= _CHANGES[failure]
    body = json.dumps(
        {
            "id": event_id,
            "type": f"refund.{refund.status}",
            "payment": refund.payment,
            "created_at": time_of(ledger.now()),
            "data": {"refund": document},
        }
    )
    delay = script.seconds(60) if script and failure is Failure.EVENT_LATE else 0
    signing = _SIGNING.get(failure, "") if failure else ""
    row = _insert(ledger, event_id, account, body, signing, delay)
    if failure is Failure.EVENT_DUPLICATED:
        _insert(ledger, event_id, account, body, signing, delay)
    _release_withheld(ledger, account, row)
    if failure is Failure.EVENT_REORDERED:
        # It leaves after the account's next event.
        ledger.execute("UPDATE event SET due = NULL WHERE id = ?", row)
    return row


def _insert(
    ledger: Ledger, event_id: str, account: Account, body: str, signing: str, delay: float
) -> int:
    return ledger.execute(
        "INSERT INTO event (event_id, account, body, signing, due) VALUES (?, ?, ?, ?, ?)",
        *(event_id, account.name, body, signing, ledger.elapsed() + delay),
    )


def _release_withheld(ledger: Ledger, account: Account, row: int) -> None:
    ledger.execute(
        "UPDATE event SET due = ?, after_event = ? WHERE account = ? AND due IS NULL",
        *(ledger.elapsed(), row, account.name),
    )


def due_events(ledger: Ledger) -> list[tuple[Any, ...]]:
    """The events to send now, in the order in which they leave."""
    return ledger.rows(
        "SELECT event.id, account.webhook_url, account.webhook_secret, body, signing, tries"
        " FROM event JOIN account ON account.name = event.account"
        " WHERE delivered_at IS NULL AND due <= ? AND tries < ? AND webhook_url <> ''"
        " ORDER BY COALESCE(after_event, event.id), after_event IS NOT NULL, event.id",
        *(ledger.elapsed(), MAX_TRIES),
    )


def send_again(ledger: Ledger, event_id: str) -> None:
    """Send an event once more, also one that was delivered."""
    ledger.execute(
        "UPDATE event SET delivered_at = NULL, tries = 0, due = ? WHERE event_id = ?",
        *(ledger.elapsed(), event_id),
    )


class Sender:
    """A thread that settles refunds whose time has come and sends events."""

    def __init__(self, ledger: Ledger, stopping: threading.Event) -> None:
        self.ledger, self.stopping = ledger, stopping
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sandbox-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_for_end(self) -> None:
        self.wake()
        self._thread.join(_SEND_SECONDS)

    def wake(self) -> None:
        """Look at the queue now."""
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, row: int) -> None:
        """Wait until an event is delivered or given up."""
        sql = "SELECT delivered_at IS NOT NULL OR tries >= ? FROM event WHERE id = ?"
        with self._changed:
            self._changed.wait_for(
                lambda: self.stopping.is_set() or self.ledger.value(sql, MAX_TRIES, row),
                timeout=_SEND_SECONDS,
            )

    def settle_due(self) -> None:
        """Settle what is due and add the events; requests do it as well, before they read."""
        with self.ledger.transaction():
            for refund in self.ledger.settle_due():
                account = self.ledger.account(self.ledger.payment(refund.payment).account)
                script = take_script(self.ledger, Target.EVENT, refund.payment)
                add_event(self.ledger, account, refund, script)

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.settle_due()
            for row, url, secret, body, signing, tries in due_events(self.ledger):
                is_delivered = send(url, secret, body.encode(), signing)
                self._record(row, tries, is_delivered=is_delivered)
                self.wake()
            with self._changed:
                self._changed.wait(_IDLE_SECONDS)

    def _record(self, row: int, tries: int, *, is_delivered: bool) -> None:
        self.ledger.execute(
            "UPDATE event SET tries = ?, due = ?, delivered_at = ? WHERE id = ?",
            tries + 1,
            self.ledger.elapsed() + _RETRY_SECONDS,
            self.ledger.now() if is_delivered else None,
            row,
        )


def send(url: str, secret: str, body: bytes, signing: str = "") -> bool:
    """POST a signed event; True if the receiver accepted it."""
    request = urllib.request.Request(  # noqa: S310 - the operator of the test server chose the URL
        url,
        data=body,
        headers={
            "Content-Type": "application/json",
            "Sandbox-Signature": signature_header(secret, body, signing),
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with suppress(OSError, ValueError), opener.open(request, timeout=_SEND_SECONDS):
        return True
    return False


def signature_header(secret: str, body: bytes, signing: str = "") -> str:
    """The signature of a body that is sent now, on the clock that does not jump."""
    age = _OLD_SECONDS if signing == _OLD_SIGNATURE else 0
    timestamp = str(int(clock.now().timestamp()) - age)
    text = timestamp.encode() + b"." + body
    digest = hmac.new(secret.encode(), text, sha256).hexdigest()
    if signing == _WRONG_SIGNATURE:
        digest = digest[::-1]
    return f"t={timestamp},v1={digest}"
