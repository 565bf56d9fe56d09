"""The documents of the merchant API."""

import json
from datetime import UTC, datetime
from typing import Any

from takeback.refund_providers.sandbox_server.behavior import Behavior, show
from takeback.refund_providers.sandbox_server.ledger import Account, Ledger, Payment, Refund

Document = dict[str, Any]


def encode(document: object) -> bytes:
    return json.dumps(document).encode()


def time_of(timestamp: float) -> str:
    """An ISO 8601 time in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat()


def refund_document(refund: Refund, behavior: Behavior) -> Document:
    """A refund."""
    return {
        "id": refund.id,
        "payment": refund.payment,
        "reference": refund.reference,
        "status": refund.status,
        "amount": show(refund.amount, behavior.decimals(refund.currency)),
        "currency": refund.currency.upper(),
        "created_at": time_of(refund.created_at),
        "failure_code": refund.failure_code,
        "expected_on": None,
    }


def payment_document(
    ledger: Ledger, payment: Payment, account: Account, *, lag_seconds: float = 0
) -> Document:
    """A payment with the refunds that a look shows: new ones lag."""
    behavior, places = account.behavior, account.behavior.decimals(payment.currency)
    elapsed, refunds = ledger.elapsed(), ledger.refunds(payment.id)
    visible = [refund for refund in refunds if refund.visible_at + lag_seconds <= elapsed]
    counted = visible if behavior.has_lagging_total else refunds
    refunded = sum(refund.amount for refund in counted if refund.status != "failed")
    captured = ledger.captured(payment.id)
    return {
        "id": payment.id,
        "order": payment.provider_order,
        "mode": "test" if account.is_test else "live",
        "status": "voided" if payment.is_voided else "captured" if captured else "authorized",
        "currency": payment.currency.upper(),
        "authorized": show(payment.authorized, places),
        "captured": show(captured, places),
        "refunded": show(refunded, places),
        "charged_back": show(ledger.charged_back(payment.id), places),
        "dispute_open": payment.has_dispute,
        "refunds": [refund_document(refund, behavior) for refund in visible],
    }
