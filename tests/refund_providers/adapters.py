"""What the shared suite needs of each adapter: a payment, an order, and the provider's truth."""

from abc import ABC, abstractmethod
from itertools import count
from uuid import UUID

from takeback.core import clock
from takeback.core.money import decimals, show
from takeback.loyalty.models import LoyaltyEntry
from takeback.orders.models import Payment
from takeback.orders.order_input import PaymentIn
from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.registry import NO_ACCESS, adapter
from takeback.refund_providers.sandbox import SandboxProvider
from takeback.refunds.models import Refund
from takeback.refunds.providers import (
    AccountAccess,
    PaymentRef,
    RefundOrder,
    RefundProvider,
    RefundStatus,
)
from takeback.refunds.statuses import Means, Status
from tests import factories
from tests.rigs.sandbox import SANDBOXES, Sandbox

IMPATIENT_SECONDS = 1.5
"""The time after which an impatient adapter gives up: longer than a busy machine stands still."""
_numbers = count(1)


def new_key() -> str:
    """A key of 32 hex digits that no test has used."""
    return f"{next(_numbers):032x}"


class AdapterUnderTest(ABC):
    """One adapter with payments at its provider."""

    provider: RefundProvider
    access: AccountAccess
    status = RefundStatus.CONFIRMED
    """The status of a refund that was just accepted."""

    @abstractmethod
    def payment(self, amount_minor: int, currency: str = "eur") -> PaymentRef:
        """A captured payment."""

    @abstractmethod
    def unknown_payment(self) -> PaymentRef:
        """A payment that the provider does not know."""

    @abstractmethod
    def moved(self, payment: PaymentRef) -> int:
        """What the provider's own ledger says it gave back, in minor units."""

    def wait(self, seconds: float) -> None:
        """Let time pass at the provider; without a lag nothing is to be done."""
        assert self.provider.capabilities.lag.total_seconds() == seconds == 0

    def order(
        self, payment: PaymentRef, amount_minor: int, *, currency: str = "eur", key: str = ""
    ) -> RefundOrder:
        """An order for this payment."""
        return RefundOrder(key or new_key(), payment, amount_minor, currency)


class SandboxUnderTest(AdapterUnderTest):
    """A sandbox adapter against the server that keeps what its capabilities say."""

    def __init__(self, name: str, sandbox: Sandbox) -> None:
        self.provider: RefundProvider = SandboxProvider(name, CAPABILITIES[name])
        self.name, self.sandbox, self.access = name, sandbox, sandbox.access(name)

    @property
    def impatient_provider(self) -> RefundProvider:
        """The adapter for replies that never end."""
        return SandboxProvider(self.name, CAPABILITIES[self.name], total_seconds=IMPATIENT_SECONDS)

    def payment(self, amount_minor: int, currency: str = "eur") -> PaymentRef:
        places = self._places(currency)
        text = _rescaled(show(amount_minor, currency), places)
        payment_id = f"pay_{next(_numbers)}"
        self.sandbox.admin.add_payment(payment_id, currency, text, account=self.name)
        return PaymentRef(payment_id)

    def unknown_payment(self) -> PaymentRef:
        return PaymentRef("pay_unknown")

    def moved(self, payment: PaymentRef) -> int:
        currency = self.sandbox.ledger.payment(payment.payment).currency
        ours, theirs = decimals(currency), self._places(currency)
        return self.sandbox.moved(payment.payment) * int(10**ours) // int(10**theirs)

    def wait(self, seconds: float) -> None:
        self.sandbox.admin.jump(seconds)

    def _places(self, currency: str) -> int:
        return self.sandbox.ledger.account(self.name).behavior.decimals(currency)


def _rescaled(text: str, places: int) -> str:
    integer, _, fraction = text.partition(".")
    return f"{integer}.{fraction.ljust(places, '0')[:places]}" if places else integer


class LoyaltyUnderTest(AdapterUnderTest):
    """Our own loyalty accounts."""

    def __init__(self) -> None:
        self.provider = adapter("loyalty")
        self.access = NO_ACCESS

    def payment(self, amount_minor: int, currency: str = "eur") -> PaymentRef:
        return own_payment(amount_minor, currency)

    def unknown_payment(self) -> PaymentRef:
        return PaymentRef("", row=0)

    def moved(self, payment: PaymentRef) -> int:
        entries = LoyaltyEntry.objects.filter(payment_id=payment.row or 0)
        return sum(entries.values_list("amount_minor", flat=True))


class ManualUnderTest(AdapterUnderTest):
    """A person: what was sent is pending until they report it."""

    status = RefundStatus.PENDING

    def __init__(self) -> None:
        self.provider = adapter("manual")
        self.access = NO_ACCESS

    def payment(self, amount_minor: int, currency: str = "eur") -> PaymentRef:
        return own_payment(amount_minor, currency)

    def unknown_payment(self) -> PaymentRef:
        return PaymentRef("", row=0)

    def moved(self, payment: PaymentRef) -> int:
        refunds = Refund.objects.filter(payment_id=payment.row or 0).exclude(status=Status.FAILED)
        return sum(refunds.values_list("amount_minor", flat=True))

    def order(
        self, payment: PaymentRef, amount_minor: int, *, currency: str = "eur", key: str = ""
    ) -> RefundOrder:
        """A person sees the row of the refund; its intent is committed before it is sent."""
        order = super().order(payment, amount_minor, currency=currency, key=key)
        refunds = Refund.objects.filter(uuid=UUID(order.key))
        if payment.row and not refunds.exists():
            row = Payment.objects.get(pk=payment.row)
            Refund.objects.create(
                uuid=UUID(order.key),
                order_id=row.order_id,
                plan_id=1,
                payment=row,
                means=Means.MANUAL.value,
                amount_minor=amount_minor,
                currency=currency,
                status=Status.SENDING.value,
                first_sent_at=clock.now(),
            )
        return order


def own_payment(amount_minor: int, currency: str) -> PaymentRef:
    """The payment of a new order of a guest."""
    order = factories.create_order(
        number=f"A-{next(_numbers)}",
        currency=currency,
        items=[factories.item_input(goods_minor=amount_minor)],
        payments=[
            PaymentIn(kind="credit_card", amount_minor=amount_minor, captured_minor=amount_minor)
        ],
    )
    return PaymentRef("", row=Payment.objects.get(order=order).pk)


def adapter_under_test(name: str, sandbox: Sandbox) -> AdapterUnderTest:
    if name == "loyalty":
        return LoyaltyUnderTest()
    return ManualUnderTest() if name == "manual" else SandboxUnderTest(name, sandbox)


NAMES = (*SANDBOXES, "loyalty", "manual")
"""All adapters; a test compares them with the capability table."""
