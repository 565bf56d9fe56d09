"""Words of the desk for refunds: statuses, means, reasons with the next step, and ledger causes."""

from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from takeback.refunds.statuses import Attention, Means, Status

STATUSES: Final[dict[str, Promise]] = {
    Status.PLANNED: pgettext_lazy("refund", "Planned"),
    Status.SENDING: pgettext_lazy("refund", "Being sent"),
    Status.IN_DOUBT: pgettext_lazy("refund", "Result not known"),
    Status.PENDING: pgettext_lazy("refund", "Accepted by the provider"),
    Status.CONFIRMED: pgettext_lazy("refund", "Paid back"),
    Status.FAILED: pgettext_lazy("refund", "Failed"),
    Status.RETURNED: pgettext_lazy("refund", "Money came back"),
    Status.CANCELLED: pgettext_lazy("refund", "Cancelled"),
}
MEANS: Final[dict[str, Promise]] = {
    Means.ORIGINAL: _("To the original payment"),
    Means.LOYALTY: _("As loyalty points"),
    Means.BANK_TRANSFER: _("By bank transfer"),
    Means.MANUAL: _("By hand"),
}
PAYMENT_KINDS: Final[dict[str, Promise]] = {
    "credit_card": _("Card"),
    "saved_card": _("Card"),
    "masterpass": _("Card"),
    "funds_transfer": _("Bank transfer"),
    "pay_on_delivery": _("Cash on delivery"),
    "loyalty_money": _("Loyalty points"),
    "unknown": _("Unknown payment type"),
}
# Providers whose name is no brand.
PROVIDERS: Final[dict[str, Promise]] = {
    "sandbox": _("Sandbox (for tests)"),
}
PAUSES: Final[dict[str, Promise]] = {
    "staff": _("Paused by staff"),
    "restored": _("The database was restored; run “takeback reconcile”."),
}
"""The reasons of pauses that staff did not enter."""
CAUSES: Final[dict[str, Promise]] = {
    "plan": pgettext_lazy("ledger", "Refund planned"),
    "confirm": pgettext_lazy("ledger", "Paid back"),
    "return": pgettext_lazy("ledger", "Money came back"),
    "cancel": pgettext_lazy("ledger", "Refund cancelled"),
    "found": pgettext_lazy("ledger", "Refund made at the provider"),
    "charge_back": pgettext_lazy("ledger", "Charge-back"),
}


class Need(NamedTuple):
    """Why a person must look at a refund, and what to do."""

    reason: Promise
    next_step: Promise


SECOND_PERSON = "second_person"
"""The reason of refunds that a second person must approve; the others are stored as attention."""

NEEDS: Final[dict[str, Need]] = {
    SECOND_PERSON: Need(
        _("A second person must approve it."),
        _("Check amount and reason, then approve or cancel the refund."),
    ),
    Attention.NO_PROVIDER_PAYMENT: Need(
        _("The order's payment has no id at a provider."),
        _("Pay the amount yourself and mark the refund as paid, or cancel it."),
    ),
    Attention.CAPTURE_DIFFERS: Need(
        _("The provider charged another amount than the order says."),
        _("Compare the payment in the provider's pages with the order. Correct the order."),
    ),
    Attention.OTHER_CURRENCY: Need(
        _("The provider charged another currency than the order says."),
        _("Compare the payment in the provider's pages with the order. Correct the order."),
    ),
    Attention.NOT_ENOUGH_LEFT: Need(
        _("The payment has less left: others refunded it, or the customer's bank took it back."),
        _("Check the payment in the provider's pages. Cancel the refund if the money is back."),
    ),
    Attention.KEY_EXPIRED: Need(
        _("The result is not known, and the provider no longer recognizes a repeated request."),
        _("Look for the refund in the provider's pages, then mark it as paid or as not paid."),
    ),
    Attention.TOTAL_MOVED: Need(
        _("The provider has refunded something of this payment, but does not list this refund."),
        _("Look for the refund in the provider's pages, then mark it as paid or as not paid."),
    ),
    Attention.WRONG_AMOUNT: Need(
        _("The provider reports another amount or currency for this refund."),
        _("Compare the refund in the provider's pages, and ask the provider to correct it."),
    ),
    Attention.CONTRADICTION: Need(
        _("Reports of the provider about this refund contradict each other."),
        _("Look for the refund in the provider's pages, and ask the provider what holds."),
    ),
    Attention.UNREADABLE: Need(
        _("The provider's response could not be read."),
        _("Look for the refund in the provider's pages, then mark it as paid or as not paid."),
    ),
    Attention.OVERDUE: Need(
        _("The provider has been working on the refund for two weeks."),
        _("Ask the provider when it pays. The refund ends by itself when the provider reports it."),
    ),
    Attention.REFUSED: Need(
        _("The provider refused the refund."),
        _("Send it again, or use other means if the customer agrees."),
    ),
    Attention.LATE_FAILURE: Need(
        _("The money came back, for example from a closed card account."),
        _("Ask the customer for other means, and pay it back by them."),
    ),
    Attention.ACCOUNT_MISSING: Need(
        _("The payment's account at the provider does not exist or is not active."),
        _("Add or activate the account under Settings, Payment accounts."),
    ),
    Attention.MANUAL_PAYMENT: Need(
        _("Somebody must pay this refund by hand."),
        _("Pay the amount, then mark the refund as paid with the bank's reference."),
    ),
}
