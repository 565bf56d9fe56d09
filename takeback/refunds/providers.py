"""The port of payment providers: what an adapter promises, takes and reports.

Amounts are minor units of the currency's ISO 4217 exponent; an adapter converts them to the
provider's own exponent. Adapters never retry, raise nothing but `Unavailable` and `KeyError`, and
log no credentials.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol


class RefundStatus(StrEnum):
    """The status of a refund at the provider."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class StoredReplies(StrEnum):
    """The replies that a provider repeats when it receives their key again."""

    ALL = "all"
    # A request that was refused or that failed runs again under its key.
    SUCCESSFUL = "successful"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do. `None` as a duration means for ever, zero means not at all."""

    # How long the provider recognizes a repeated request by its key.
    key_window: timedelta | None
    # How long a new refund may be missing from the payment's state.
    lag: timedelta
    stored_replies: StoredReplies = StoredReplies.ALL
    # How long after the capture a refund is accepted.
    deadline: timedelta | None = None
    max_partials: int | None = None
    # Two equal amounts on one payment within this time are taken for a duplicate.
    equal_amounts_apart: timedelta = timedelta(0)
    # The decimals of currencies for which they differ from ISO 4217, by lower-case code.
    exponents: Mapping[str, int] = field(default_factory=dict)
    # Whether the final status of a refund may come after the reply.
    is_asynchronous: bool = False
    # Whether a refund of a disputed payment is refused.
    refuses_disputed: bool = True
    can_refund: bool = True
    can_void: bool = False
    # Whether the payment's state lists refunds with our reference.
    lists_references: bool = True
    # A person carries out the payment and reports it.
    is_manual: bool = False


class AccountAccess(NamedTuple):
    """An account's address and decrypted credentials. Never logged."""

    base_url: str
    provider_account: str
    credentials: Mapping[str, str]
    is_test: bool


class PaymentRef(NamedTuple):
    """A payment at a provider, and its row `orders.Payment` for means that we carry out."""

    payment: str
    order: str | None = None
    row: int | None = None


class RefundOrder(NamedTuple):
    """The order to refund: the key is the refund's uuid in 32 hex digits."""

    key: str
    payment: PaymentRef
    amount_minor: int
    currency: str


class Accepted(NamedTuple):
    """The provider has taken the order; `status` may be pending."""

    provider_refund: str
    status: RefundStatus
    amount_minor: int
    currency: str
    expected_on: datetime | None = None

    def matches(self, order: RefundOrder) -> bool:
        """Whether the provider has taken this amount in this currency, and no other."""
        return (self.amount_minor, self.currency) == (order.amount_minor, order.currency)


class Refused(NamedTuple):
    """The provider has definitively not moved money; the code is the provider's."""

    code: str
    # The provider says that the money went back already: a look decides.
    is_duplicate: bool = False


class Unknown(NamedTuple):
    """It is not known whether money moved: no reply, or one that cannot be read."""

    reason: str
    # Seconds after which the provider accepts the next request, if it says so.
    retry_after: int | None = None


class ProviderRefund(NamedTuple):
    """A refund in the state of a payment."""

    provider_refund: str
    # Our key, if the provider stores it.
    reference: str | None
    status: RefundStatus
    amount_minor: int
    currency: str
    created_at: datetime | None = None
    failure_code: str = ""


class PaymentState(NamedTuple):
    """Everything a provider knows of a payment at one moment."""

    currency: str
    captured_minor: int
    # The provider's total, pending refunds included and failed ones excluded.
    refunded_minor: int
    charged_back_minor: int
    has_open_dispute: bool
    refunds: tuple[ProviderRefund, ...]
    is_test: bool
    # Authorized and not captured: it is voided, not refunded.
    is_authorized_only: bool = False
    # False for means that we carry out (loyalty points, a person): the state holds only the refunds
    # by this means, and says nothing of other refunds, charge-backs and disputes.
    covers_payment: bool = True


class Unavailable(Exception):
    """The provider did not report the state of a payment; the text is a code for logs."""


class Contradictory(Unavailable):
    """The reported state contradicts itself, and a person must look at it."""


class RefundProvider(Protocol):
    """An adapter. All calls are synchronous and end within 20 seconds."""

    name: str
    capabilities: Capabilities

    def refund(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        """Send the order once."""
        ...

    def void(self, access: AccountAccess, order: RefundOrder) -> Accepted | Refused | Unknown:
        """Release an authorization that was not captured."""
        ...

    def payment_state(self, access: AccountAccess, payment: PaymentRef) -> PaymentState:
        """The state of a payment. Raises `Unavailable`; KeyError if the payment is unknown."""
        ...

    def payment_of_event(
        self, access: AccountAccess, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, PaymentRef] | None:
        """The event's id and its payment; None if the signature or the content is wrong."""
        ...
