"""A provider for tests that keeps its payments in memory and reports what a test gives it."""

from collections.abc import Mapping
from datetime import timedelta

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


class MemoryProvider:
    """Reports the states in `states`, or raises what stands there; never moves money."""

    def __init__(self, name: str = "sandbox", *, is_manual: bool = False) -> None:
        self.name = name
        self.capabilities = Capabilities(
            key_window=timedelta(days=1), lag=timedelta(0), is_manual=is_manual
        )
        self.states: dict[str, PaymentState | Exception] = {}
        self.requests: list[tuple[AccountAccess, str]] = []

    def refund(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        raise AssertionError("nothing may be sent")

    def void(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        raise AssertionError("nothing may be sent")

    def payment_state(self, access: AccountAccess, payment: PaymentRef) -> PaymentState:
        self.requests.append((access, payment.payment))
        state = self.states[payment.payment]
        if isinstance(state, Exception):
            raise state
        return state

    def payment_of_event(
        self, access: AccountAccess, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, PaymentRef] | None:
        return None


def state_of(*refunds: ProviderRefund, captured: int = 1000, currency: str = "try") -> PaymentState:
    """The state of a captured payment with these refunds."""
    return PaymentState(
        currency=currency,
        captured_minor=captured,
        refunded_minor=sum(
            refund.amount_minor for refund in refunds if refund.status is not RefundStatus.FAILED
        ),
        charged_back_minor=0,
        has_open_dispute=False,
        refunds=refunds,
        is_test=False,
    )


def provider_refund(reference: str | None, amount_minor: int = 100) -> ProviderRefund:
    """A confirmed refund at the provider."""
    return ProviderRefund(
        provider_refund=f"re_{reference}",
        reference=reference,
        status=RefundStatus.CONFIRMED,
        amount_minor=amount_minor,
        currency="try",
    )
