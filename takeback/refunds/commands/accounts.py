"""Adds, changes and deactivates the payment accounts of channels.

An account with history is never deleted. Its credentials are encrypted and never logged.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import structlog
from django.db import IntegrityError, transaction

from takeback.accounts.customers import lock_channel
from takeback.core.errors import NOT_FOUND, Refused
from takeback.refunds import account_errors as errors
from takeback.refunds.access import accounts_of_kind
from takeback.refunds.account_queries import refunds_under_way
from takeback.refunds.account_values import account_columns
from takeback.refunds.models import PaymentAccount

log = structlog.get_logger(__name__)

# What an account is at the provider: keys and reports of its refunds belong to it.
_FIXED_WITH_REFUNDS = ("provider", "provider_account", "currency", "is_test")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A payment account; amounts are minor units of its currency, and 0 is no limit.

    `payment_kinds` are the payment types that it serves if a payment names no account.
    """

    code: str
    provider: str
    provider_account: str
    currency: str
    payment_kinds: Collection[str] = ()
    base_url: str = ""
    credentials: Mapping[str, object] = field(default_factory=dict, repr=False)
    is_test: bool = False
    limit_each_minor: int = 0
    limit_day_minor: int = 0


@dataclass(frozen=True, slots=True)
class AccountChange:
    """New values of a payment account; None leaves a value as it is, and 0 removes a limit."""

    provider_account: str | None = None
    currency: str | None = None
    payment_kinds: Collection[str] | None = None
    base_url: str | None = None
    credentials: Mapping[str, object] | None = field(default=None, repr=False)
    is_test: bool | None = None
    limit_each_minor: int | None = None
    limit_day_minor: int | None = None
    is_active: bool | None = None


@transaction.atomic
def add_account(channel_id: int, new: NewAccount, *, now: datetime) -> int:
    """Add a payment account of a channel and return its id.

    `Refused` for invalid values, a code that the channel has already, an account at the provider
    that another active account uses, and a payment type that another one serves.
    """
    lock_channel(channel_id)
    uuid = uuid4()
    values = account_columns(uuid, {name: getattr(new, name) for name in NewAccount.__slots__})
    if PaymentAccount.objects.filter(channel_id=channel_id, code=new.code).exists():
        raise Refused(errors.CODE_TAKEN.with_values(code=new.code))
    account = PaymentAccount(
        channel_id=channel_id, uuid=uuid, created_date=now, modified_date=now, **values
    )
    _ensure_unique(account)
    _write(account, account.save)
    log.info("payment account added", account=account.code, channel=channel_id)
    return account.pk


@transaction.atomic
def change_account(
    channel_id: int, account_id: int, change: AccountChange, *, now: datetime
) -> list[str]:
    """Set new values of a channel's payment account, and return the names of those that changed.

    Credentials count as changed whenever they are set. `Refused` as for a new account, if the
    account has refunds and would become another account at the provider, and if one is not final
    and the account would be deactivated.
    """
    lock_channel(channel_id)
    account = lock_account(account_id, channel_id)
    sent = {name: getattr(change, name) for name in AccountChange.__slots__}
    values = account_columns(account.uuid, {name: v for name, v in sent.items() if v is not None})
    changes = {name: value for name, value in values.items() if value != getattr(account, name)}
    if not changes:
        return []
    if not changes.keys().isdisjoint(_FIXED_WITH_REFUNDS) and account.refund_set.exists():
        raise Refused(errors.ACCOUNT_HAS_REFUNDS.with_values(code=account.code))
    if changes.get("is_active") is False:
        _ensure_idle(account)
    for name, value in changes.items():
        setattr(account, name, value)
    account.modified_date = now
    _ensure_unique(account)
    _write(account, lambda: account.save(update_fields=[*changes, "modified_date"]))
    log.info("payment account changed", account=account.code, columns=sorted(changes))
    return sorted(name.removesuffix("_encrypted").removesuffix("_minor") for name in changes)


@transaction.atomic
def deactivate_account(channel_id: int, account_id: int, *, now: datetime) -> None:
    """Deactivate a channel's payment account; repeating it is a no-op.

    `Refused` while refunds of the account are not final: the answer to a refund in doubt comes
    through this account only. A refund that is being planned at this moment stays planned: it is
    held (`Hold.ACCOUNT_INACTIVE`) until the account is active again.
    """
    change_account(channel_id, account_id, AccountChange(is_active=False), now=now)


def lock_account(account_id: int, channel_id: int) -> PaymentAccount:
    """The account, locked: no refund begins to be sent meanwhile. `Refused` if it is unknown."""
    accounts = PaymentAccount.objects.select_for_update(no_key=True)
    account = accounts.filter(pk=account_id, channel_id=channel_id).first()
    if account is None:
        raise Refused(NOT_FOUND)
    return account


def _ensure_idle(account: PaymentAccount) -> None:
    if under_way := refunds_under_way([account.pk]).get(account.pk):
        values = {"code": account.code, **under_way._asdict()}
        raise Refused(errors.REFUNDS_UNDER_WAY.with_values(**values), account=account.code)


def _write(account: PaymentAccount, save: Callable[[], None]) -> None:
    """Save, and refuse an account at the provider that another transaction has just taken."""
    try:
        with transaction.atomic():
            save()
    except IntegrityError:
        _ensure_unique(account)
        raise


def _ensure_unique(account: PaymentAccount) -> None:
    """An account at a provider, and a payment type of a channel, belong to one active account."""
    if not account.is_active:
        return
    others = PaymentAccount.objects.filter(is_active=True).exclude(pk=account.pk)
    same = others.filter(provider=account.provider, provider_account=account.provider_account)
    for other in same:
        raise Refused(
            errors.PROVIDER_ACCOUNT_TAKEN.with_values(
                code=other.code,
                channel=other.channel_id,
                provider_account=account.provider_account,
            )
        )
    for kind in account.payment_kinds:
        for other in accounts_of_kind(account.channel_id, kind, account.currency):
            if other.pk != account.pk:
                raise Refused(
                    errors.KIND_TAKEN.with_values(
                        code=other.code, kind=kind, currency=account.currency.upper()
                    )
                )
