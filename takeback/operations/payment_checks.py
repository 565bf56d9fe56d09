"""What refunds need: payment accounts that work, anchors of the ledger, and people."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Max, QuerySet

from takeback.core import clock
from takeback.core.errors import Refused
from takeback.core.money import is_currency
from takeback.operations.database import names
from takeback.operations.findings import Result, Severity, result_of
from takeback.orders.allocation import CARDS
from takeback.orders.models import Payment
from takeback.refund_providers.registry import ADAPTERS
from takeback.refunds.access import access_of, account_for, is_safe_url
from takeback.refunds.models import LedgerAnchor, LedgerEntry, PaymentAccount, Refund
from takeback.refunds.statuses import Status

SAMPLE_SIZE: Final = 1_000
MAX_ANCHOR_DELAY: Final = timedelta(days=2)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _payment_accounts() -> Result:
    """Whether each active account has an adapter, an address and credentials that decrypt."""
    accounts = list(_active_accounts())
    problems = [problem for account in accounts if (problem := _problem_of(account))]
    return result_of(
        not problems,
        fine=f"Payment accounts: {len(accounts)}. Their addresses and credentials are usable."
        if accounts
        else "There is no payment account. `takeback add-payment-account` adds one.",
        failure=" ".join(problems),
    )


def _problem_of(account: PaymentAccount) -> str:
    change = f"Run `takeback change-payment-account {account.code}`."
    if account.provider not in ADAPTERS:
        return (
            f"This version has no provider {account.provider} for account {account.code}. Run "
            f"`takeback remove-payment-account {account.code}`."
        )
    if account.base_url and not is_safe_url(account.base_url):
        return f"The address of account {account.code} is not https. {change}"
    try:
        access_of(account)
    except Refused:
        return f"Add the key of account {account.code}'s credentials to DATA_KEYS."
    except ValueError:
        return f"The credentials of account {account.code} are damaged. {change}"
    return ""


def _test_credentials() -> Result:
    """A shop that others reach should not send refunds to a provider's test mode."""
    codes = [account.code for account in _active_accounts() if account.is_test]
    is_local = urlsplit(settings.SITE_URL).hostname in _LOOPBACK
    if codes and not is_local:
        return Severity.WARNING, (
            f"Test credentials move no money: {names(codes)}. Replace them by "
            "`takeback add-payment-account` with live ones."
        )
    return Severity.FINE, "No account of a live shop has test credentials."


def _paused_accounts() -> Result:
    accounts = list(_active_accounts())
    if restored := [account.code for account in accounts if account.reconcile_since]:
        return Severity.FAILURE, (
            f"The database was restored: {names(restored)} may have paid more than it knows. Run "
            "`takeback reconcile`."
        )
    if paused := [account.code for account in accounts if account.paused_because]:
        return Severity.WARNING, (
            f"Paused: {names(paused)}. Refunds wait. Run `takeback resume-payment-account`."
        )
    return Severity.FINE, "No payment account is paused."


def _payment_kinds() -> Result:
    """Whether refunds of the newest card payments would find their account."""
    newest = Payment.objects.filter(captured_minor__gt=0, kind__in=CARDS).order_by("-pk")
    kinds: dict[tuple[int, str | None, str, str], Payment] = {}
    for payment in newest.select_related("order")[:SAMPLE_SIZE]:
        order = payment.order
        currency = payment.currency or order.currency
        kinds.setdefault((order.channel_id, payment.account, payment.kind, currency), payment)
    missing = sorted(
        f"{account or kind} in {currency.upper()} (channel {channel_id})"
        for (channel_id, account, kind, currency), payment in kinds.items()
        if account_for(payment) is None
    )
    if missing:
        return Severity.WARNING, (
            f"Payments without an account: {names(missing)}. Staff must pay them back by hand, "
            "until you run `takeback add-payment-account`."
        )
    return Severity.FINE, "The newest card payments have an account."


def _waiting_refunds() -> Result:
    reasons = Counter(Refund.objects.exclude(attention="").values_list("attention", flat=True))
    waiting = Refund.objects.filter(needs_second_person=True, approved_by_number=None)
    if count := waiting.filter(status=Status.PLANNED.value).count():
        reasons["second_person"] += count
    if reasons:
        counted = [f"{reason} ({count})" for reason, count in sorted(reasons.items())]
        return (
            Severity.WARNING,
            f"Refunds wait for a person: {names(counted)}. Open SITE_URL/desk/.",
        )
    return Severity.FINE, "No refund waits for a person."


def _ledger_anchors() -> Result:
    """Whether the worker has anchored the ledger: without anchors a cut tail is not noticed."""
    anchored = LedgerAnchor.objects.aggregate(last=Max("last_entry"))["last"] or 0
    late = LedgerEntry.objects.filter(pk__gt=anchored, at__lt=clock.now() - MAX_ANCHOR_DELAY)
    return result_of(
        not late.exists(),
        fine="All entries of the ledger up to yesterday are anchored.",
        failure="Entries of the ledger have no anchor for two days. Start `takeback worker`.",
    )


def _second_person() -> Result:
    unknown = [code for code in settings.SECOND_PERSON_ABOVE if not is_currency(code)]
    return result_of(
        not unknown,
        fine="SECOND_PERSON_ABOVE names known currencies.",
        failure=f"SECOND_PERSON_ABOVE has no effect for {names(unknown)}: no such currency.",
    )


def _active_accounts() -> "QuerySet[PaymentAccount]":
    return PaymentAccount.objects.filter(is_active=True).order_by("channel_id", "code")


CHECKS: Final[dict[str, Callable[[], Result]]] = {
    "payment accounts": _payment_accounts,
    "test credentials": _test_credentials,
    "paused accounts": _paused_accounts,
    "payment types": _payment_kinds,
    "second person": _second_person,
    "refunds": _waiting_refunds,
    "ledger anchors": _ledger_anchors,
}
