"""The adapter of the sandbox provider, a test server that misbehaves on demand."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from takeback.core import clock
from takeback.core.money import is_currency
from takeback.refund_providers.amounts import NotRepresentable, from_provider, to_provider
from takeback.refund_providers.contradictions import contradiction
from takeback.refund_providers.http_request import (
    MAX_BODY_BYTES,
    TOTAL_SECONDS,
    NoReply,
    Reply,
    send_request,
)
from takeback.refund_providers.strict_json import DocumentReader, Unreadable
from takeback.refunds.providers import (
    Accepted,
    AccountAccess,
    Capabilities,
    Contradictory,
    PaymentRef,
    PaymentState,
    ProviderRefund,
    RefundOrder,
    RefundStatus,
    Refused,
    Unavailable,
    Unknown,
)

EVENT_TOLERANCE = timedelta(minutes=5)
SIGNATURE_HEADER = "sandbox-signature"

STATUSES: Final = {
    "pending": RefundStatus.PENDING,
    "succeeded": RefundStatus.CONFIRMED,
    "failed": RefundStatus.FAILED,
}
DUPLICATES: Final = frozenset({"duplicate_refund", "already_refunded"})
"""Refusals that state that the money went back already: a look decides."""
UNDECIDED_CODES: Final = frozenset({"key_in_use", "key_reused"})
"""Refusals of this request that say nothing of earlier ones under its key."""
UNDECIDED_STATUSES: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Refusals for a reason that ends: credentials that staff correct, a limit of requests."""

_CODE = re.compile(r"[a-z0-9_.-]{1,64}", re.ASCII)
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
_ID_MAX = 255


class RefundDocument(msgspec.Struct):
    """A refund as the sandbox writes it."""

    id: str
    payment: str
    reference: str | None
    status: Literal["pending", "succeeded", "failed"]
    amount: str
    currency: str
    created_at: datetime
    failure_code: str | None = None
    expected_on: datetime | None = None


class PaymentDocument(msgspec.Struct):
    """A payment as the sandbox writes it."""

    id: str
    mode: Literal["test", "live"]
    status: Literal["authorized", "captured", "voided"]
    currency: str
    captured: str
    refunded: str
    charged_back: str
    dispute_open: bool
    refunds: list[RefundDocument]


class ErrorCode(msgspec.Struct):
    """The code of a refusal."""

    code: str


class ErrorDocument(msgspec.Struct):
    """A refusal as the sandbox writes it."""

    error: ErrorCode


class EventDocument(msgspec.Struct):
    """A notification: only its ids are used."""

    id: str
    payment: str


_payments = DocumentReader(PaymentDocument)
_refunds = DocumentReader(RefundDocument)
_errors = DocumentReader(ErrorDocument)
_events = DocumentReader(EventDocument)


class SandboxProvider:
    """Speaks to a sandbox server whose capabilities are those of its name."""

    def __init__(
        self, name: str, capabilities: Capabilities, *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.total_seconds = total_seconds

    def refund(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        return self._move_money(access, order, "refunds")

    def void(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        return self._move_money(access, order, "void")

    def payment_state(self, access: AccountAccess, payment: PaymentRef) -> PaymentState:
        try:
            reply = self._request("GET", access, _path(payment))
        except NoReply as error:
            raise Unavailable(str(error)) from error
        if reply.status == HTTPStatus.NOT_FOUND and _error_code(reply) == "payment_not_found":
            raise KeyError(payment.payment)
        if reply.status != HTTPStatus.OK:
            raise Unavailable(f"status_{reply.status}")
        try:
            document = _payments.read(reply.body)
            if document.id != payment.payment:
                raise Unavailable("other_payment")
            state = self._state(document)
        except (Unreadable, NotRepresentable) as error:
            raise Unavailable("unreadable") from error
        if code := contradiction(state):
            raise Contradictory(code)
        return state

    def payment_of_event(
        self, access: AccountAccess, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, PaymentRef] | None:
        if len(body) > MAX_BODY_BYTES or not is_signed(access, headers, body):
            return None
        try:
            event = _events.read(body)
        except Unreadable:
            return None
        if not (_is_id(event.id) and _is_id(event.payment)):
            return None
        return event.id, PaymentRef(event.payment)

    def _move_money(
        self, access: AccountAccess, order: RefundOrder, action: str
    ) -> Accepted | Refused | Unknown:
        try:
            amount = to_provider(order.amount_minor, order.currency, self.capabilities.exponents)
        except NotRepresentable:
            return Refused("amount_not_representable")
        body = msgspec.json.encode(
            {"amount": amount, "currency": order.currency.upper(), "reference": order.key}
        )
        try:
            reply = self._request(
                "POST", access, f"{_path(order.payment)}/{action}", body=body, key=order.key
            )
        except NoReply as error:
            return Unknown(str(error))
        return self._outcome(reply, order)

    def _outcome(self, reply: Reply, order: RefundOrder) -> Accepted | Refused | Unknown:
        if reply.status in {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
            return self._accepted(reply, order)
        if not HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unknown(f"status_{reply.status}", reply.retry_after)
        code = _error_code(reply)
        if code is None:
            return Unknown("unreadable", reply.retry_after)
        if code in UNDECIDED_CODES or reply.status in UNDECIDED_STATUSES:
            return Unknown(code, reply.retry_after)
        return Refused(code, is_duplicate=code in DUPLICATES)

    def _accepted(self, reply: Reply, order: RefundOrder) -> Accepted | Refused | Unknown:
        try:
            document = _refunds.read(reply.body)
            refund = self._refund(document)
        except (Unreadable, NotRepresentable):
            return Unknown("unreadable")
        if document.payment != order.payment.payment or refund.reference != order.key:
            return Unknown("other_refund")
        if refund.status is RefundStatus.FAILED:
            return Refused(refund.failure_code or "failed")
        return Accepted(
            refund.provider_refund,
            refund.status,
            refund.amount_minor,
            refund.currency,
            document.expected_on,
        )

    def _state(self, document: PaymentDocument) -> PaymentState:
        currency, exponents = _currency(document.currency), self.capabilities.exponents
        return PaymentState(
            currency=currency,
            captured_minor=from_provider(document.captured, currency, exponents),
            refunded_minor=from_provider(document.refunded, currency, exponents),
            charged_back_minor=from_provider(document.charged_back, currency, exponents),
            has_open_dispute=document.dispute_open,
            refunds=tuple(self._refund(refund) for refund in document.refunds),
            is_test=document.mode == "test",
            is_authorized_only=document.status == "authorized",
        )

    def _refund(self, document: RefundDocument) -> ProviderRefund:
        currency = _currency(document.currency)
        if not _is_id(document.id) or document.created_at.tzinfo is None:
            raise Unreadable("id")
        return ProviderRefund(
            provider_refund=document.id,
            reference=document.reference,
            status=STATUSES[document.status],
            amount_minor=from_provider(document.amount, currency, self.capabilities.exponents),
            currency=currency,
            created_at=document.created_at,
            failure_code=_code(document.failure_code or "failed") if _has_failed(document) else "",
        )

    def _request(
        self, method: str, access: AccountAccess, path: str, *, body: bytes = b"", key: str = ""
    ) -> Reply:
        headers = {"Authorization": f"Bearer {access.credentials.get('secret', '')}"}
        if body:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        url = f"{access.base_url.rstrip('/')}/v1/{path}"
        return send_request(method, url, headers=headers, body=body, seconds=self.total_seconds)


def is_signed(access: AccountAccess, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an event is signed with a secret of the account, and not older than five minutes."""
    lower = {name.lower(): value for name, value in headers.items()}
    match = _SIGNATURE.fullmatch(lower.get(SIGNATURE_HEADER, ""))
    if match is None:
        return False
    age = abs(clock.now().timestamp() - int(match[1]))
    secrets = (
        access.credentials.get("webhook_secret"),
        # Valid until the provider uses the new one.
        access.credentials.get("previous_webhook_secret"),
    )
    is_genuine = False
    for secret in filter(None, secrets):
        is_genuine |= hmac.compare_digest(signature(secret, match[1], body), match[2])
    return is_genuine and age <= EVENT_TOLERANCE.total_seconds()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of an event, in hexadecimal digits."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


def _path(payment: PaymentRef) -> str:
    return f"payments/{quote(payment.payment, safe='')}"


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _ID_MAX and text.isascii() and text.isprintable()


def _currency(code: str) -> str:
    currency = code.lower()
    if code != code.upper() or not is_currency(currency):
        raise Unreadable("currency")
    return currency


def _has_failed(document: RefundDocument) -> bool:
    return document.status == "failed"


def _code(text: str) -> str:
    """The provider's code; another text is no code, and never stored."""
    return text if _CODE.fullmatch(text) else "unreadable"


def _error_code(reply: Reply) -> str | None:
    """The code of a refusal; None if the body is no refusal of this provider."""
    try:
        code = _errors.read(reply.body).error.code
    except Unreadable:
        return None
    return code if _CODE.fullmatch(code) else None
