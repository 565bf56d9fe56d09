"""The payment accounts of the demo shop, and its payments at the sandbox provider."""

from datetime import datetime
from typing import Final, NamedTuple

from takeback.core.money import show
from takeback.demo.catalogue import read_data
from takeback.orders.models import Payment
from takeback.refund_providers.sandbox_server.client import SandboxAdmin
from takeback.refunds.commands.accounts import (
    AccountChange,
    NewAccount,
    add_account,
    change_account,
)
from takeback.refunds.commands.control import pause_account
from takeback.refunds.models import PaymentAccount

CARDS: Final = ("credit_card", "saved_card")


class _Special(NamedTuple):
    """An account that some orders name; its currency is that of the introduced customer."""

    code: str
    provider: str = "sandbox"
    limit_each_minor: int = 0
    is_paused: bool = False


_SPECIAL: Final = (
    _Special("cards-paused", is_paused=True),
    _Special("cards-limited", limit_each_minor=5_000),
    _Special("cards-month", provider="sandbox_month"),
    _Special("cards-forever", provider="sandbox_forever"),
)
_SPECIAL_CURRENCY: Final = "try"


def add_accounts(channel_id: int, sandbox_url: str, now: datetime) -> None:
    """Add an account for the cards of each currency, and those that some orders name."""
    for market in read_data("markets")["market"]:
        currency = market["currency"]
        new = _new_account(_code_of(currency), "sandbox", currency, sandbox_url, kinds=CARDS)
        add_account(channel_id, new, now=now)
    for special in _SPECIAL:
        new = _new_account(
            special.code,
            special.provider,
            _SPECIAL_CURRENCY,
            sandbox_url,
            limit_each_minor=special.limit_each_minor,
        )
        account_id = add_account(channel_id, new, now=now)
        if special.is_paused:
            pause_account(channel_id, account_id, now=now)


def set_address(channel_id: int, sandbox_url: str, now: datetime) -> None:
    """Let the accounts use the sandbox at this address: each start of the demo has another one."""
    for account in PaymentAccount.objects.filter(channel_id=channel_id, is_active=True):
        if account.base_url != sandbox_url:
            change_account(channel_id, account.pk, AccountChange(base_url=sandbox_url), now=now)


def add_payments(channel_id: int, sandbox: SandboxAdmin) -> None:
    """Tell the sandbox what it has charged: its accounts and payments are those of the shop."""
    accounts = PaymentAccount.objects.filter(channel_id=channel_id)
    for account in accounts:
        # What is paid back is listed at once, so that a minute of the past needs no waiting.
        sandbox.put_account(
            account.provider_account, behaves_like=account.provider, behavior={"lag_seconds": 0}
        )
    codes = {account.code: account.provider_account for account in accounts}
    payments = Payment.objects.filter(
        order__channel_id=channel_id, kind__in=CARDS, captured_minor__gt=0
    ).exclude(reference=None)
    rows = payments.order_by("pk").values_list(
        "reference", "account", "captured_minor", "order__currency", "order__number"
    )
    documents = [
        {
            "id": reference,
            "account": codes[code or _code_of(currency)],
            "currency": currency,
            "amount": show(captured, currency),
            **_differences(number, captured, currency),
        }
        for reference, code, captured, currency, number in rows
        if (code or _code_of(currency)) in codes
    ]
    sandbox.add_payments(documents)


def _differences(number: str, captured: int, currency: str) -> dict[str, str]:
    """What the provider charged differently from what the order says."""
    match _REFUNDS.get(number):
        case "capture_differs":
            return {"amount": show(captured - captured // 4, currency)}
        case "other_currency":
            return {"currency": "usd"}
        case _:
            return {}


_REFUNDS: Final = {
    row["number"]: row["refund"] for row in read_data("stories")["order"] if "refund" in row
}


def _code_of(currency: str) -> str:
    """The code of the account for cards in this currency."""
    return f"cards-{currency}"


def _new_account(
    code: str,
    provider: str,
    currency: str,
    url: str,
    *,
    kinds: tuple[str, ...] = (),
    limit_each_minor: int = 0,
) -> NewAccount:
    name = f"demo-{code}"
    return NewAccount(
        code=code,
        provider=provider,
        provider_account=name,
        currency=currency,
        payment_kinds=kinds,
        base_url=url,
        credentials={"secret": f"{name}-secret", "webhook_secret": f"{name}-webhook-secret"},
        is_test=True,
        limit_each_minor=limit_each_minor,
    )
