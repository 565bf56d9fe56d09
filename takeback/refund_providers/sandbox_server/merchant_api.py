"""The routes of merchants: the state of a payment, its refunds, and voiding it."""

import json
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

from takeback.refund_providers.sandbox_server.behavior import Behavior, parse, show
from takeback.refund_providers.sandbox_server.documents import Document, encode, payment_document
from takeback.refund_providers.sandbox_server.events import Sender, add_event
from takeback.refund_providers.sandbox_server.failures import (
    Failure,
    Script,
    Target,
)
from takeback.refund_providers.sandbox_server.ledger import Account, Ledger, Payment, Refund
from takeback.refund_providers.sandbox_server.money_requests import MoneyRequest, move_money
from takeback.refund_providers.sandbox_server.replies import (
    REDIRECTED,
    Reply,
    failed_reply,
    json_reply,
    refusal,
)
from takeback.refund_providers.sandbox_server.scripts import take_script

PREFIX = "/v1/payments/"
_LAG_SECONDS = 30
_SCHEME = "Bearer "
_NO_REPLY = Reply(HTTPStatus.BAD_GATEWAY, b"")


class Request(NamedTuple):
    """A request of a merchant."""

    method: str
    path: str
    authorization: str
    key: str | None
    body: bytes


class MerchantApi:
    """Replies to merchants. Each request is one transaction, with its row in the log."""

    def __init__(self, ledger: Ledger, sender: Sender) -> None:
        self.ledger, self.sender = ledger, sender

    def reply_to(self, request: Request) -> Reply:
        with self.ledger.transaction():
            self.sender.settle_due()
            reply = self._reply(request)
        self.sender.wake()
        return reply

    def _reply(self, request: Request) -> Reply:
        if request.path == REDIRECTED:
            self._log(Target.STATE, "", "redirected", request)
            return json_reply(HTTPStatus.OK, {})
        try:
            account = self.ledger.account_of_secret(request.authorization.removeprefix(_SCHEME))
        except KeyError:
            return refusal(HTTPStatus.UNAUTHORIZED, "unauthorized")
        payment_id, target = _resource(request)
        if target is None:
            return refusal(HTTPStatus.NOT_FOUND, "unknown_route")
        script = take_script(self.ledger, target, payment_id)
        row = self._log(target, account.name, payment_id, request, script)
        try:
            payment = self.ledger.payment(payment_id)
        except KeyError:
            payment = None
        if script and not script.is_processed:
            reply = failed_reply(_NO_REPLY, script)
        elif payment is None or payment.account != account.name:
            reply = refusal(HTTPStatus.NOT_FOUND, "payment_not_found")
        elif target is Target.STATE:
            reply = failed_reply(self._state(payment, account, script), script)
        else:
            reply = self._money(row, target, account, payment, request, script)
        self.ledger.execute("UPDATE request SET status = ? WHERE id = ?", reply.status, row)
        return replace(reply, seconds=account.behavior.reply_seconds)

    def _log(
        self,
        target: Target,
        account: str,
        payment: str,
        request: Request,
        script: Script | None = None,
    ) -> int:
        return self.ledger.execute(
            "INSERT INTO request (at, account, target, payment, key, body_hash, failure)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(self.ledger.now(), account, target.value, payment, request.key),
            sha256(request.body).hexdigest() if request.body else None,
            script.failure.value if script else None,
        )

    def _state(self, payment: Payment, account: Account, script: Script | None) -> Reply:
        failure = script.failure if script else None
        if failure is Failure.UNKNOWN_PAYMENT:
            return refusal(HTTPStatus.NOT_FOUND, "payment_not_found")
        lag = script.seconds(_LAG_SECONDS) if script and failure is Failure.LAGGING else 0
        document = payment_document(self.ledger, payment, account, lag_seconds=lag)
        return json_reply(HTTPStatus.OK, _changed_state(document, failure, account.behavior))

    def _money(
        self,
        row: int,
        target: Target,
        account: Account,
        payment: Payment,
        request: Request,
        script: Script | None,
    ) -> Reply:
        money = MoneyRequest(account, payment, request.key, request.body, script)
        outcome = move_money(self.ledger, money, is_void=target is Target.VOID)
        reply = failed_reply(_changed_refund(outcome.reply, script), script)
        if outcome.refund is None:
            return reply
        self.ledger.execute(
            "UPDATE request SET moved_refund = ? WHERE id = ?", outcome.refund.id, row
        )
        return self._with_event(reply, account, outcome.refund)

    def _with_event(self, reply: Reply, account: Account, refund: Refund) -> Reply:
        script = take_script(self.ledger, Target.EVENT, refund.payment)
        event = add_event(self.ledger, account, refund, script)
        if script and script.failure is Failure.EVENT_BEFORE_REPLY:
            return replace(reply, waits_for=event)
        return reply


def _resource(request: Request) -> tuple[str, Target | None]:
    """The payment in a path and what the request does with it."""
    payment, _, action = request.path.removeprefix(PREFIX).partition("/")
    if not request.path.startswith(PREFIX):
        return "", None
    targets = {
        ("GET", ""): Target.STATE,
        ("POST", "refunds"): Target.REFUND,
        ("POST", "void"): Target.VOID,
    }
    return unquote(payment), targets.get((request.method, action))


def _changed_state(document: Document, failure: Failure | None, behavior: Behavior) -> Document:
    if failure is Failure.OTHER_MODE:
        document["mode"] = "live" if document["mode"] == "test" else "test"
    if failure is Failure.MIXED_CURRENCIES:
        document["currency"] = "USD" if document["currency"] == "EUR" else "EUR"
    if failure is Failure.CONTRADICTORY:
        places = behavior.decimals(document["currency"].lower())
        total = parse(document["refunded"], places) or 0
        document["refunded"] = show(max(total - 1, 0), places)
    return document


def _changed_refund(reply: Reply, script: Script | None) -> Reply:
    """A successful reply that names another amount, currency or reference."""
    if script is None or reply.status >= HTTPStatus.BAD_REQUEST:
        return reply
    changes = {
        Failure.REPLY_WRONG_AMOUNT: {"amount": str(script.options.get("amount", "0.01"))},
        Failure.REPLY_WRONG_CURRENCY: {"currency": "USD"},
        Failure.REPLY_WRONG_REFERENCE: {"reference": "0" * 32},
    }
    if script.failure not in changes:
        return reply
    return replace(reply, body=encode(json.loads(reply.body) | changes[script.failure]))
