"""The routes of those who run the sandbox: payments, failures, clock, keys, events and ledger."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.sandbox_server.behavior import (
    Behavior,
    behavior_of,
    parse,
    show,
)
from takeback.refund_providers.sandbox_server.documents import (
    Document,
    refund_document,
    time_of,
)
from takeback.refund_providers.sandbox_server.events import Sender, add_event, send_again
from takeback.refund_providers.sandbox_server.failures import Failure, Target, target_of
from takeback.refund_providers.sandbox_server.ledger import ACCOUNT, Ledger
from takeback.refund_providers.sandbox_server.replies import Reply, json_reply
from takeback.refund_providers.sandbox_server.scripts import (
    add_script,
    clear_scripts,
    set_seed,
)

PREFIX = "/admin/"


class AdminApi:
    """Replies to `POST /admin/<action>` with a JSON object, and to `GET /admin/ledger`."""

    def __init__(self, ledger: Ledger, sender: Sender) -> None:
        self.ledger, self.sender = ledger, sender

    def reply_to(self, method: str, path: str, body: bytes) -> Reply:
        action = ACTIONS.get((method, path.removeprefix(PREFIX)))
        if action is None:
            return _problem(HTTPStatus.NOT_FOUND, "unknown route")
        try:
            document = json.loads(body) if body else {}
            with self.ledger.transaction():
                self.sender.settle_due()
                reply = json_reply(HTTPStatus.OK, action(self, document))
        except KeyError as error:
            return _problem(HTTPStatus.NOT_FOUND, f"missing or unknown: {error}")
        except (ValueError, TypeError, AttributeError) as error:
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        self.sender.wake()
        return reply

    def put_account(self, body: Mapping[str, Any]) -> Document:
        """Create or change an account; `behaves_like` names a provider of the capability table."""
        name = str(body["name"])
        behavior = Behavior.from_document(body.get("behavior", {}))
        if "behaves_like" in body:
            promised = behavior_of(CAPABILITIES[body["behaves_like"]]).to_document()
            behavior = Behavior.from_document(promised | dict(body.get("behavior", {})))
        self.ledger.put_account(
            name,
            str(body.get("secret", f"{name}-secret")),
            str(body.get("webhook_secret", f"{name}-webhook-secret")),
            webhook_url=str(body.get("webhook_url", "")),
            is_test=bool(body.get("is_test", True)),
            behavior=behavior,
        )
        return {}

    def add_payments(self, body: Mapping[str, Any]) -> Document:
        """Add payments, captured unless `is_captured` is false; known ones stay as they are."""
        for payment in body["payments"]:
            account = self.ledger.account(str(payment.get("account", ACCOUNT)))
            currency = str(payment["currency"]).lower()
            if self.ledger.value("SELECT 1 FROM payment WHERE id = ?", payment["id"]):
                continue
            self.ledger.add_payment(
                str(payment["id"]),
                currency,
                _minor(payment["amount"], account.behavior.decimals(currency)),
                account=account.name,
                provider_order=payment.get("order"),
                is_captured=bool(payment.get("is_captured", True)),
            )
        return {}

    def capture(self, body: Mapping[str, Any]) -> Document:
        self.ledger.capture(body["payment"], self._amount(body))
        return {}

    def refund_in_dashboard(self, body: Mapping[str, Any]) -> Document:
        """A refund that somebody makes in the provider's own pages: it has no reference."""
        payment = self.ledger.payment(body["payment"])
        account = self.ledger.account(payment.account)
        refund = self.ledger.add_refund(payment, self._amount(body))
        add_event(self.ledger, account, refund)
        return refund_document(refund, account.behavior)

    def set_status(self, body: Mapping[str, Any]) -> Document:
        """Give a refund its final status, or another one: a paid refund comes back."""
        if body["status"] not in {"pending", "succeeded", "failed"}:
            raise ValueError(f"unknown status: {body['status']}")
        self.ledger.refund(body["refund"])
        self.ledger.set_status(body["refund"], body["status"], body.get("failure_code"))
        refund = self.ledger.refund(body["refund"])
        account = self.ledger.account(self.ledger.payment(refund.payment).account)
        add_event(self.ledger, account, refund)
        return refund_document(refund, account.behavior)

    def charge_back(self, body: Mapping[str, Any]) -> Document:
        self.ledger.charge_back(body["payment"], self._amount(body))
        return {}

    def dispute(self, body: Mapping[str, Any]) -> Document:
        self.ledger.payment(body["payment"])
        self.ledger.set_dispute(body["payment"], is_open=bool(body.get("is_open", True)))
        return {}

    def add_failure(self, body: Mapping[str, Any]) -> Document:
        """Script the failure of the next requests."""
        failure = Failure(body["failure"])
        add_script(
            self.ledger,
            failure,
            Target(body["target"]) if body.get("target") else target_of(failure),
            payment=body.get("payment"),
            skip=int(body.get("skip", 0)),
            count=int(body.get("count", 1)),
            options=body.get("options", {}),
        )
        return {}

    def seed(self, body: Mapping[str, Any]) -> Document:
        """Let a share of all requests fail by chance; the seed repeats it."""
        names = body.get("failures") or [failure.value for failure in Failure]
        failures = [Failure(name) for name in names]
        set_seed(self.ledger, str(body["seed"]), int(body["percent"]), failures)
        return {}

    def clear_failures(self, body: Mapping[str, Any]) -> Document:
        clear_scripts(self.ledger)
        return {}

    def clock(self, body: Mapping[str, Any]) -> Document:
        """Let the clock jump by these seconds, forwards or back."""
        self.ledger.jump(float(body.get("seconds", 0)))
        return {"now": time_of(self.ledger.now())}

    def forget_keys(self, body: Mapping[str, Any]) -> Document:
        self.ledger.forget_keys(body.get("key"))
        return {}

    def send_event(self, body: Mapping[str, Any]) -> Document:
        """Send an event again; without an id, let the withheld ones go."""
        if event_id := body.get("event"):
            send_again(self.ledger, event_id)
        else:
            self.ledger.execute("UPDATE event SET due = ? WHERE due IS NULL", self.ledger.elapsed())
        return {}

    def clear(self, body: Mapping[str, Any]) -> Document:
        self.ledger.clear()
        return {}

    def show_ledger(self, body: Mapping[str, Any]) -> Document:
        """All payments with their refunds, whatever lags, and the log of requests."""
        ids = [row[0] for row in self.ledger.rows("SELECT id FROM payment ORDER BY rowid")]
        return {
            "now": time_of(self.ledger.now()),
            "payments": [self._payment(payment_id) for payment_id in ids],
            "requests": self.ledger.requests(),
            "events": [
                {"event": event, "tries": tries, "is_delivered": delivered is not None}
                for event, tries, delivered in self.ledger.rows(
                    "SELECT event_id, tries, delivered_at FROM event ORDER BY id"
                )
            ],
        }

    def _payment(self, payment_id: str) -> Document:
        payment = self.ledger.payment(payment_id)
        behavior = self.ledger.account(payment.account).behavior
        places = behavior.decimals(payment.currency)
        return {
            "id": payment_id,
            "account": payment.account,
            "currency": payment.currency.upper(),
            "captured": show(self.ledger.captured(payment_id), places),
            "refunded": show(self.ledger.refunded(payment_id), places),
            "charged_back": show(self.ledger.charged_back(payment_id), places),
            "dispute_open": payment.has_dispute,
            "is_voided": payment.is_voided,
            "refunds": [
                refund_document(refund, behavior) for refund in self.ledger.refunds(payment_id)
            ],
        }

    def _amount(self, body: Mapping[str, Any]) -> int:
        payment = self.ledger.payment(body["payment"])
        behavior = self.ledger.account(payment.account).behavior
        return _minor(body["amount"], behavior.decimals(payment.currency))


ACTIONS: Final[Mapping[tuple[str, str], Callable[[AdminApi, Mapping[str, Any]], Document]]] = {
    ("POST", "accounts"): AdminApi.put_account,
    ("POST", "payments"): AdminApi.add_payments,
    ("POST", "captures"): AdminApi.capture,
    ("POST", "dashboard_refunds"): AdminApi.refund_in_dashboard,
    ("POST", "statuses"): AdminApi.set_status,
    ("POST", "charge_backs"): AdminApi.charge_back,
    ("POST", "disputes"): AdminApi.dispute,
    ("POST", "failures"): AdminApi.add_failure,
    ("POST", "seed"): AdminApi.seed,
    ("POST", "no_failures"): AdminApi.clear_failures,
    ("POST", "clock"): AdminApi.clock,
    ("POST", "forget_keys"): AdminApi.forget_keys,
    ("POST", "events"): AdminApi.send_event,
    ("POST", "clear"): AdminApi.clear,
    ("GET", "ledger"): AdminApi.show_ledger,
}


def _problem(status: HTTPStatus, text: str) -> Reply:
    return json_reply(status, {"error": {"code": "admin", "message": text}})


def _minor(text: object, places: int) -> int:
    minor = parse(text, places)
    if not minor:
        raise ValueError(f"send an amount above 0 with {places} decimals")
    return minor
