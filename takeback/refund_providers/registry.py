"""The adapters by the name that a payment account gives them."""

from collections.abc import Mapping
from typing import Final

from takeback.refund_providers.capabilities import CAPABILITIES
from takeback.refund_providers.loyalty import LoyaltyProvider
from takeback.refund_providers.manual import PAID_BY_PERSONS, ManualProvider
from takeback.refund_providers.sandbox import SandboxProvider
from takeback.refunds.providers import AccountAccess, RefundProvider
from takeback.refunds.statuses import Means

LOYALTY, MANUAL = LoyaltyProvider.name, ManualProvider.name
LOYALTY_MONEY = "loyalty_money"
"""The payment type of points that were spent: they go back as points."""
NO_ACCESS: Final = AccountAccess("", "", {}, is_test=False)
"""The access of means that need no payment account."""

ADAPTERS: Final[Mapping[str, RefundProvider]] = {
    **{
        name: SandboxProvider(name, capabilities)
        for name, capabilities in CAPABILITIES.items()
        if name.startswith("sandbox")
    },
    LOYALTY: LoyaltyProvider(),
    MANUAL: ManualProvider(),
}


class UnknownProvider(Exception):
    """No adapter has this name; a payment account names one that this version lacks."""


def adapter(provider: str) -> RefundProvider:
    """The adapter of a provider. Raises UnknownProvider."""
    try:
        return ADAPTERS[provider]
    except KeyError:
        raise UnknownProvider(provider) from None


def provider_of(means: Means, *, payment_kind: str, account_provider: str | None) -> str | None:
    """The provider that pays a refund by this means; None if the account is missing."""
    if means is Means.LOYALTY:
        return LOYALTY
    if means in PAID_BY_PERSONS:
        return MANUAL
    if payment_kind == LOYALTY_MONEY:
        return LOYALTY
    return account_provider
