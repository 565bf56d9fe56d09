"""Requests that move money: keys, limits and the refund itself, in one transaction."""

import json
from hashlib import sha256
from http import HTTPStatus
from typing import Any, NamedTuple

from takeback.refund_providers.sandbox_server.behavior import Behavior, parse, show
from takeback.refund_providers.sandbox_server.documents import refund_document, time_of
from takeback.refund_providers.sandbox_server.failures import Failure, Script
from takeback.refund_providers.sandbox_server.ledger import Account, Ledger, Payment, Refund
from takeback.refund_providers.sandbox_server.replies import (
    Reply,
    failed_reply,
    json_reply,
    refusal,
)
from takeback.refunds.providers import StoredReplies

_DAY_SECONDS = 86_400
_MAX_KEY = 255
_SUCCESS = range(200, 300)


class MoneyRequest(NamedTuple):
    """A request to refund or void a payment."""

    account: Account
    payment: Payment
    key: str | None
    body: bytes
    script: Script | None = None

    @property
    def failure(self) -> Failure | None:
        return self.script.failure if self.script else None

    @property
    def body_hash(self) -> str:
        return sha256(self.body).hexdigest()


class Outcome(NamedTuple):
    """The true reply, and the refund that this request created."""

    reply: Reply
    refund: Refund | None = None


class Amount(NamedTuple):
    """A valid body: an amount in minor units of the sandbox, and the merchant's reference."""

    minor: int
    reference: str | None


def move_money(ledger: Ledger, request: MoneyRequest, *, is_void: bool) -> Outcome:
    """Repeat the stored reply of a known key, or process the request and store its reply."""
    if request.key is not None and not 0 < len(request.key) <= _MAX_KEY:
        return Outcome(refusal(HTTPStatus.BAD_REQUEST, "invalid_key"))
    if stored := _stored_reply(ledger, request):
        return Outcome(stored)
    outcome = _void(ledger, request) if is_void else _refund(ledger, request)
    if request.failure is not Failure.KEY_FORGOTTEN:
        _store_reply(ledger, request, outcome.reply)
    return outcome


def _stored_reply(ledger: Ledger, request: MoneyRequest) -> Reply | None:
    rows = ledger.rows(
        "SELECT body_hash, status, reply, created_at FROM idempotency_key"
        " WHERE account = ? AND key = ?",
        *(request.account.name, request.key),
    )
    if not rows:
        return None
    body_hash, status, reply, created_at = rows[0]
    window = request.account.behavior.key_seconds
    if window is not None and ledger.now() - created_at >= window:
        ledger.execute(
            "DELETE FROM idempotency_key WHERE account = ? AND key = ?",
            *(request.account.name, request.key),
        )
        return None
    if body_hash != request.body_hash:
        return refusal(HTTPStatus.CONFLICT, "key_reused")
    return Reply(status, reply.encode())


def _store_reply(ledger: Ledger, request: MoneyRequest, reply: Reply) -> None:
    """Store the reply as it is sent: the key of a lost success may not be kept at all."""
    behavior = request.account.behavior
    if request.failure in {Failure.COMMIT_THEN_500, Failure.COMMIT_THEN_DUPLICATE}:
        reply = failed_reply(reply, request.script)
    is_stored = behavior.stored_replies == StoredReplies.ALL or (
        behavior.stored_replies == StoredReplies.SUCCESSFUL and reply.status in _SUCCESS
    )
    if request.key is None or not is_stored or behavior.key_seconds == 0:
        return
    ledger.execute(
        "INSERT INTO idempotency_key VALUES (?, ?, ?, ?, ?, ?)",
        *(request.account.name, request.key, request.body_hash),
        *(reply.status, reply.body.decode(), ledger.now()),
    )


def _refund(ledger: Ledger, request: MoneyRequest) -> Outcome:
    payment, behavior = request.payment, request.account.behavior
    amount = _amount(request.body, payment, behavior)
    if amount is None:
        return Outcome(refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"))
    if problem := _problem(ledger, payment, amount.minor, behavior):
        status, code = problem
        return Outcome(refusal(status, code))
    minor = amount.minor
    if request.failure is Failure.PARTIAL_AMOUNT:
        minor = max(minor // 2, 1)
    refund = _create(ledger, request, minor, amount.reference)
    status = HTTPStatus.ACCEPTED if refund.status == "pending" else HTTPStatus.CREATED
    document = refund_document(refund, behavior)
    return Outcome(json_reply(status, document), refund)


def _create(ledger: Ledger, request: MoneyRequest, minor: int, reference: str | None) -> Refund:
    behavior, script = request.account.behavior, request.script
    waits = request.failure in {Failure.PENDING, Failure.PENDING_FOREVER} or behavior.is_pending
    refund = ledger.add_refund(
        request.payment,
        minor,
        reference=reference,
        is_pending=waits,
        lag_seconds=behavior.lag_seconds,
    )
    seconds = behavior.settle_seconds
    if script and script.failure is Failure.PENDING:
        status = str(script.options.get("status", "succeeded"))
        ledger.settle_later(refund.id, status, script.seconds())
    elif script and script.failure is Failure.RETURNED_LATER:
        ledger.settle_later(refund.id, "failed", script.seconds())
    elif behavior.is_pending and seconds is not None and not script:
        ledger.settle_later(refund.id, "succeeded", seconds)
    return ledger.refund(refund.id)


def _void(ledger: Ledger, request: MoneyRequest) -> Outcome:
    payment, behavior = request.payment, request.account.behavior
    amount = _amount(request.body, payment, behavior)
    if amount is None:
        return Outcome(refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"))
    if payment.captured_at is not None:
        return Outcome(refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "already_captured"))
    if payment.is_voided:
        return Outcome(refusal(HTTPStatus.CONFLICT, "already_voided"))
    ledger.void(payment.id)
    document = {
        "id": f"void_{payment.id}",
        "payment": payment.id,
        "reference": amount.reference,
        "status": "succeeded",
        "amount": show(amount.minor, behavior.decimals(payment.currency)),
        "currency": payment.currency.upper(),
        "created_at": time_of(ledger.now()),
        "failure_code": None,
        "expected_on": None,
    }
    return Outcome(json_reply(HTTPStatus.CREATED, document))


def _amount(body: bytes, payment: Payment, behavior: Behavior) -> Amount | None:
    """The amount in the body; None if the body is invalid or names another currency."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    minor = parse(document.get("amount"), behavior.decimals(payment.currency))
    reference = document.get("reference")
    is_valid = document.get("currency") == payment.currency.upper() and bool(minor)
    if not is_valid or minor is None or not isinstance(reference, str | None):
        return None
    return Amount(minor, reference)


def _problem(
    ledger: Ledger, payment: Payment, minor: int, behavior: Behavior
) -> tuple[HTTPStatus, str] | None:
    """Why this payment cannot be refunded by this amount."""
    captured, refunded = ledger.captured(payment.id), ledger.refunded(payment.id)
    left = captured - refunded - ledger.charged_back(payment.id)
    if payment.captured_at is None:
        return HTTPStatus.UNPROCESSABLE_ENTITY, "not_captured"
    if payment.has_dispute:
        return HTTPStatus.CONFLICT, "dispute_open"
    if _is_late(ledger, payment, behavior):
        return HTTPStatus.UNPROCESSABLE_ENTITY, "refund_time_exceeded"
    if refunded and left <= 0:
        return HTTPStatus.CONFLICT, "already_refunded"
    if minor > left:
        return HTTPStatus.UNPROCESSABLE_ENTITY, "amount_above_rest"
    return _problem_of_other_refunds(ledger, payment, minor, behavior)


def _is_late(ledger: Ledger, payment: Payment, behavior: Behavior) -> bool:
    days, captured_at = behavior.refund_days, payment.captured_at or 0
    return days is not None and ledger.now() - captured_at > days * _DAY_SECONDS


def _problem_of_other_refunds(
    ledger: Ledger, payment: Payment, minor: int, behavior: Behavior
) -> tuple[HTTPStatus, str] | None:
    live = [refund for refund in ledger.refunds(payment.id) if refund.status != "failed"]
    if behavior.max_refunds is not None and len(live) >= behavior.max_refunds:
        return HTTPStatus.UNPROCESSABLE_ENTITY, "too_many_refunds"
    since = ledger.now() - behavior.equal_amounts_seconds
    equal = [refund for refund in live if refund.amount == minor and refund.created_at > since]
    if equal and behavior.equal_amounts_seconds:
        return HTTPStatus.CONFLICT, "duplicate_refund"
    return None
