"""Opens and changes loyalty accounts, and gives those of guests to registered customers."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from takeback.accounts.customers import registered_customer
from takeback.accounts.models import User
from takeback.accounts.own_account import ANONYMOUS_DOMAIN
from takeback.core import errors as core_errors
from takeback.core.errors import Refused
from takeback.core.normalize import email_key
from takeback.loyalty.commands.entries import add_entry, lock_account
from takeback.loyalty.errors import ACCOUNT_EXISTS, NOT_ENOUGH_POINTS
from takeback.loyalty.models import LoyaltyAccount
from takeback.loyalty.transaction_types import TransactionType
from takeback.orders.models import Order
from takeback.orders.versions import ensure_version


class NewAccount(NamedTuple):
    """An account that a channel opens; `user_id` is a registered customer of the channel."""

    user_email: str
    currency: str
    balance_minor: int = 0
    debit_allowed: bool = False
    number: UUID | None = None
    user_id: int | None = None


def primary_account(order: Order, currency: str, *, now: datetime) -> LoyaltyAccount:
    """The locked account that refunds of an order credit; it is opened if it is missing."""
    owner = _registered_owner(order)
    values = {"created_date": now, "modified_date": now}
    if owner:
        _assign(order.channel_id, [owner.email_key], owner.pk, now=now)
        account, _ = LoyaltyAccount.objects.get_or_create(
            channel_id=order.channel_id,
            user=owner,
            currency=currency,
            is_primary=True,
            defaults={"user_email": owner.email, "email_key": owner.email_key, **values},
        )
    else:
        account, _ = LoyaltyAccount.objects.get_or_create(
            channel_id=order.channel_id,
            user=None,
            email_key=order.email_key,
            currency=currency,
            is_primary=True,
            defaults={"user_email": order.user_email, **values},
        )
    return lock_account(account.pk)


def existing_primary_account(order: Order, currency: str) -> LoyaltyAccount | None:
    """The locked account that refunds of an order credit, if there is one."""
    owner = _registered_owner(order)
    accounts = LoyaltyAccount.objects.filter(
        channel_id=order.channel_id, currency=currency, is_primary=True
    )
    own = accounts.filter(user=owner).first() if owner else None
    account = own or accounts.filter(user=None, email_key=order.email_key).first()
    return lock_account(account.pk) if account else None


def _registered_owner(order: Order) -> User | None:
    """The customer of an order, also of an order that they placed as a guest."""
    customer = User.objects.get(pk=order.user_id)
    if customer.user_type == User.REGISTERED:
        return customer
    return registered_customer(order.channel_id, order.email_key) if order.email_key else None


@transaction.atomic
def open_account(channel_id: int, new: NewAccount, *, now: datetime) -> int:
    """Open an account with a first balance; returns its id.

    Refused (ACCOUNT_EXISTS) if its number is known, (NOT_ENOUGH_POINTS) for a negative balance
    that is not allowed.
    """
    number = new.number or uuid4()
    if LoyaltyAccount.objects.filter(number=number).exists():
        raise Refused(ACCOUNT_EXISTS)
    key = email_key(new.user_email)
    others = LoyaltyAccount.objects.filter(
        channel_id=channel_id, currency=new.currency, is_primary=True
    )
    if new.user_id is None:
        others = others.filter(user=None, email_key=key)
    else:
        others = others.filter(user_id=new.user_id)
    account = LoyaltyAccount.objects.create(
        channel_id=channel_id,
        number=number,
        user_id=new.user_id,
        user_email=new.user_email,
        email_key=key,
        currency=new.currency,
        debit_allowed=new.debit_allowed,
        is_primary=not others.exists(),
        created_date=now,
        modified_date=now,
    )
    if new.balance_minor:
        add_entry(account, new.balance_minor, TransactionType.CORRECTION, now=now)
    return account.pk


@transaction.atomic
def change_account(
    channel_id: int,
    account_id: int,
    *,
    balance_minor: int | None,
    debit_allowed: bool | None,
    version: int | None,
    now: datetime,
) -> None:
    """Set the balance of an account by an entry of the difference, and whether it may be negative.

    The balance is absolute: a credit that the channel has not read would be lost, so the channel
    sends the version that it has read. Refused (PRECONDITION_FAILED) if there is a newer one.
    """
    locked = LoyaltyAccount.objects.select_for_update()
    account = locked.filter(channel_id=channel_id, pk=account_id).first()
    if account is None:
        raise Refused(core_errors.NOT_FOUND)
    ensure_version(account.modified_date, version)
    if debit_allowed is True:
        _allow_debit(account, now=now, is_allowed=True)
    if balance_minor is not None and balance_minor != account.balance_minor:
        difference = balance_minor - account.balance_minor
        add_entry(account, difference, TransactionType.CORRECTION, now=now)
    if debit_allowed is False:
        _allow_debit(account, now=now, is_allowed=False)


def _allow_debit(account: LoyaltyAccount, *, now: datetime, is_allowed: bool) -> None:
    """Set whether the balance may be negative; a negative one keeps the permission it needs."""
    if account.debit_allowed == is_allowed:
        return
    if not is_allowed and account.balance_minor < 0:
        raise Refused(NOT_ENOUGH_POINTS, account=account.pk)
    account.debit_allowed, account.modified_date = is_allowed, now
    account.save(update_fields=["debit_allowed", "modified_date"])


@transaction.atomic
def assign_guest_accounts(
    channel_id: int, email_keys: Collection[str], user_id: int, *, now: datetime
) -> None:
    """Give the accounts of guests with these addresses to the customer who has registered them."""
    _assign(channel_id, email_keys, user_id, now=now)


def _assign(channel_id: int, email_keys: Collection[str], user_id: int, *, now: datetime) -> None:
    guests = LoyaltyAccount.objects.filter(
        channel_id=channel_id, user=None, email_key__in=email_keys
    )
    accounts = list(guests.select_for_update().order_by("pk"))
    if not accounts:
        return
    own = LoyaltyAccount.objects.filter(channel_id=channel_id, user_id=user_id, is_primary=True)
    currencies = set(own.values_list("currency", flat=True))
    for account in accounts:
        account.is_primary = account.is_primary and account.currency not in currencies
        account.user_id, account.modified_date = user_id, now
        account.save(update_fields=["user", "is_primary", "modified_date"])
        currencies.add(account.currency)


@transaction.atomic
def forget_owner(
    *, now: datetime, user_id: int | None = None, email_key: str | None = None
) -> None:
    """Remove the e-mail address from the accounts of a customer, and of a guest; the sums stay."""
    is_theirs = Q(user=None, email_key=email_key) if email_key else Q(pk__in=[])
    if user_id is not None:
        user = User.objects.get(pk=user_id)
        is_guest = Q(user=None, channel_id=user.channel_id, email_key=user.email_key)
        is_theirs |= Q(user_id=user_id) | is_guest
    for account in LoyaltyAccount.objects.select_for_update().filter(is_theirs).order_by("pk"):
        address = f"{account.number.hex}@{ANONYMOUS_DOMAIN}"
        account.user_email = account.email_key = address
        account.modified_date = now
        account.save(update_fields=["user_email", "email_key", "modified_date"])
