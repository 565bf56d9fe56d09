"""A payment provider in memory that misbehaves on demand; it implements the port of adapters."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

from takeback.core import clock
from takeback.refunds.providers import (
    Accepted,
    AccountAccess,
    Capabilities,
    PaymentRef,
    PaymentState,
    ProviderRefund,
    RefundOrder,
    RefundStatus,
    Refused,
    Unknown,
)

LAG = timedelta(seconds=2)
CAPABILITIES = Capabilities(key_window=timedelta(hours=24), lag=LAG, can_void=True)

Result = Accepted | Refused | Unknown
Behaviour = Callable[["FakeProvider", RefundOrder], Result]


class Request(NamedTuple):
    """A request that would move money."""

    verb: str
    order: RefundOrder


@dataclass
class FakePayment:
    """A payment in the provider's books, in minor units."""

    captured: int = 1000
    currency: str = "try"
    charged_back: int = 0
    has_open_dispute: bool = False
    is_test: bool = False
    is_authorized_only: bool = False
    refunds: list[ProviderRefund] = field(default_factory=list)


@dataclass
class FakeProvider:
    """Keys are remembered for the window of the capabilities, for all replies."""

    capabilities: Capabilities = CAPABILITIES
    name: str = "fake"
    payments: dict[str, FakePayment] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=list)
    status: RefundStatus = RefundStatus.CONFIRMED
    look_error: Exception | None = None
    keys: dict[str, tuple[datetime, Result]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def refund(self, access: AccountAccess, order: RefundOrder) -> Result:
        return self._take("refund", order)

    def void(self, access: AccountAccess, order: RefundOrder) -> Result:
        return self._take("void", order)

    def payment_state(self, access: AccountAccess, payment: PaymentRef) -> PaymentState:
        self.looks.append(payment.payment)
        if self.look_error is not None:
            raise self.look_error
        row = self.payments[payment.payment]
        now = clock.now()
        moved = [entry for entry in row.refunds if entry.status is not RefundStatus.FAILED]
        return PaymentState(
            currency=row.currency,
            captured_minor=row.captured,
            refunded_minor=sum(entry.amount_minor for entry in moved if self._shows(entry, now)),
            charged_back_minor=row.charged_back,
            has_open_dispute=row.has_open_dispute,
            refunds=tuple(entry for entry in row.refunds if self._shows(entry, now)),
            is_test=row.is_test,
            is_authorized_only=row.is_authorized_only,
        )

    def payment_of_event(
        self, access: AccountAccess, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, PaymentRef] | None:
        return None

    def book(
        self,
        payment: str,
        amount: int,
        *,
        reference: str | None = None,
        status: RefundStatus | None = None,
    ) -> ProviderRefund:
        """Add a refund to the provider's books, as its own pages do."""
        row = self.payments[payment]
        entry = ProviderRefund(
            provider_refund=f"re_{payment}_{len(row.refunds) + 1}",
            reference=reference,
            status=status or self.status,
            amount_minor=amount,
            currency=row.currency,
            created_at=clock.now(),
        )
        row.refunds.append(entry)
        return entry

    def change(self, payment: str, status: RefundStatus, number: int = 0, code: str = "") -> None:
        """Set the status of a refund."""
        refunds = self.payments[payment].refunds
        refunds[number] = refunds[number]._replace(status=status, failure_code=code)

    def paid(self, payment: str) -> int:
        """What has left for good or is under way, in the provider's books."""
        refunds = self.payments[payment].refunds
        return sum(row.amount_minor for row in refunds if row.status is not RefundStatus.FAILED)

    def requests_by_key(self) -> Counter[str]:
        return Counter(request.order.key for request in self.requests)

    def _take(self, verb: str, order: RefundOrder) -> Result:
        with self.lock:
            self.requests.append(Request(verb, order))
            behaviour = self.behaviours.pop(0) if self.behaviours else accept
            if (known := self._known(order.key)) is not None:
                return known
            if verb == "void":
                self.payments[order.payment.payment].is_authorized_only = False
            result = behaviour(self, order)
            if not isinstance(result, Unknown):
                self.keys[order.key] = (clock.now(), result)
        return result

    def _known(self, key: str) -> Result | None:
        at, result = self.keys.get(key, (None, None))
        window = self.capabilities.key_window
        is_open = at is not None and (window is None or clock.now() < at + window)
        return result if is_open else None

    def _shows(self, entry: ProviderRefund, now: datetime) -> bool:
        created = entry.created_at or now
        return entry.reference is None or now >= created + self.capabilities.lag


def accept(provider: FakeProvider, order: RefundOrder) -> Result:
    """Take the order and report it."""
    reference = order.payment.payment
    if provider.payments[reference].captured == 0:
        return Accepted(f"void_{order.key}", RefundStatus.CONFIRMED, order.amount_minor, "try")
    entry = provider.book(reference, order.amount_minor, reference=order.key)
    return Accepted(entry.provider_refund, entry.status, order.amount_minor, order.currency)


def lose_reply(provider: FakeProvider, order: RefundOrder) -> Result:
    """Take the order, and lose the reply."""
    result = accept(provider, order)
    provider.keys[order.key] = (clock.now(), result)
    return Unknown("timeout")


def lose_request(provider: FakeProvider, order: RefundOrder) -> Result:
    """Receive nothing."""
    return Unknown("connection_lost")


def refuse(provider: FakeProvider, order: RefundOrder) -> Result:
    return Refused("card_expired")


def refuse_after_paying(provider: FakeProvider, order: RefundOrder) -> Result:
    accept(provider, order)
    return Refused("card_expired")


def call_duplicate(provider: FakeProvider, order: RefundOrder) -> Result:
    return Refused("already_refunded", is_duplicate=True)


def break_down(provider: FakeProvider, order: RefundOrder) -> Result:
    """Fail as an adapter with a defect."""
    raise RuntimeError("an adapter must not do this")


def take_other_amount(provider: FakeProvider, order: RefundOrder) -> Result:
    """Refund a part only."""
    entry = provider.book(order.payment.payment, order.amount_minor - 1, reference=order.key)
    return Accepted(entry.provider_refund, entry.status, entry.amount_minor, order.currency)


def take_other_currency(provider: FakeProvider, order: RefundOrder) -> Result:
    entry = provider.book(order.payment.payment, order.amount_minor, reference=order.key)
    return Accepted(entry.provider_refund, entry.status, order.amount_minor, "usd")
