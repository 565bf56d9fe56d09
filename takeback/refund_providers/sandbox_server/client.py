"""Speaks to the admin routes of a sandbox, from tests, the demo and other processes."""

from collections.abc import Iterable
from typing import Any

import msgspec

from takeback.refund_providers.http_request import send_request
from takeback.refund_providers.sandbox_server.failures import Failure, Target


class SandboxRefused(Exception):
    """The sandbox does not accept the request; the text says why."""


class SandboxAdmin:
    """One method per admin route; amounts are decimal strings."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def put_account(self, name: str, **settings: Any) -> None:
        """Create or change an account: `behaves_like`, `behavior`, `webhook_url`, `is_test`, …"""
        self._post("accounts", name=name, **settings)

    def add_payment(self, payment_id: str, currency: str, amount: str, **fields: Any) -> None:
        self.add_payments([{"id": payment_id, "currency": currency, "amount": amount, **fields}])

    def add_payments(self, payments: Iterable[dict[str, Any]]) -> None:
        self._post("payments", payments=list(payments))

    def capture(self, payment: str, amount: str) -> None:
        self._post("captures", payment=payment, amount=amount)

    def refund_in_dashboard(self, payment: str, amount: str) -> dict[str, Any]:
        return self._post("dashboard_refunds", payment=payment, amount=amount)

    def set_status(self, refund: str, status: str, failure_code: str | None = None) -> None:
        self._post("statuses", refund=refund, status=status, failure_code=failure_code)

    def charge_back(self, payment: str, amount: str) -> None:
        self._post("charge_backs", payment=payment, amount=amount)

    def dispute(self, payment: str, *, is_open: bool = True) -> None:
        self._post("disputes", payment=payment, is_open=is_open)

    def fail(
        self,
        failure: Failure,
        *,
        target: Target | None = None,
        payment: str | None = None,
        skip: int = 0,
        count: int = 1,
        **options: Any,
    ) -> None:
        """Let the next requests fail."""
        body = {"failure": failure, "target": target, "payment": payment, "options": options}
        self._post("failures", **body, skip=skip, count=count)

    def seed(self, seed: str, percent: int, failures: Iterable[Failure] = ()) -> None:
        self._post("seed", seed=seed, percent=percent, failures=list(failures))

    def clear_failures(self) -> None:
        self._post("no_failures")

    def jump(self, seconds: float) -> None:
        """Let the sandbox's clock jump."""
        self._post("clock", seconds=seconds)

    def forget_keys(self, key: str | None = None) -> None:
        self._post("forget_keys", key=key)

    def send_event(self, event: str | None = None) -> None:
        self._post("events", event=event)

    def clear(self) -> None:
        self._post("clear")

    def ledger(self) -> dict[str, Any]:
        """All payments, requests and events."""
        return self._request("GET", "ledger", b"")

    def payment(self, payment_id: str) -> dict[str, Any]:
        """The truth about a payment."""
        payments = self.ledger()["payments"]
        return next(payment for payment in payments if payment["id"] == payment_id)

    def money_requests(self, payment_id: str) -> list[dict[str, Any]]:
        """The requests that were to move money of a payment, in their order."""
        requests = self.ledger()["requests"]
        targets = {Target.REFUND.value, Target.VOID.value}
        return [
            row for row in requests if row["payment"] == payment_id and row["target"] in targets
        ]

    def _post(self, action: str, **body: Any) -> dict[str, Any]:
        return self._request("POST", action, msgspec.json.encode(body))

    def _request(self, method: str, action: str, body: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        reply = send_request(
            method, f"{self.url}/admin/{action}", headers=headers, body=body, max_bytes=None
        )
        document: dict[str, Any] = msgspec.json.decode(reply.body)
        if reply.status != 200:  # noqa: PLR2004 - the only status of success
            raise SandboxRefused(document["error"]["message"])
        return document
