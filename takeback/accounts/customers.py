"""Customers of a channel: matching by code or e-mail address, creating and updating."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, is_password_usable
from django.db import transaction
from django.db.models import Q, QuerySet

from takeback.accounts.customer_input import EMAIL, PHONE_NUMBER, CustomerIn
from takeback.accounts.models import Channel, User
from takeback.accounts.password_formats import PREFIX
from takeback.accounts.queries import customers_of
from takeback.accounts.sign_in import check_credentials
from takeback.core.db.bulk import delete_batch
from takeback.core.normalize import email_key, name_key

PENDING_DAYS = 7
PRUNED_AT_ONCE = 1_000


def get_or_create_customers(
    channel_id: int, customers: Sequence[CustomerIn], *, identifier: str = EMAIL
) -> dict[tuple[str, str], int]:
    """The ids of customers of the channel by `CustomerIn.key`; missing customers are created."""
    by_key = {customer.key(identifier): customer for customer in customers}
    ids = _existing_ids(channel_id, by_key.values(), identifier)
    # A registered e-mail address is one customer, even under two codes.
    new = {
        _identity(customer, identifier): customer
        for key, customer in by_key.items()
        if key not in ids
    }
    new_ids = dict(zip(new, _create(channel_id, new.values()), strict=True))
    return {
        key: ids.get(key) or new_ids[_identity(customer, identifier)]
        for key, customer in by_key.items()
    }


def create_customers_of_one_order(channel_id: int, customers: Sequence[CustomerIn]) -> list[int]:
    """New guests whom nothing identifies; their ids in the same order."""
    return _create(channel_id, customers)


def _identity(customer: CustomerIn, identifier: str) -> tuple[str, str]:
    registered = customer.user_type == User.REGISTERED
    return (User.REGISTERED, email_key(customer.email)) if registered else customer.key(identifier)


def check_customer_password(channel_id: int, email: str, password: str) -> User | None:
    """The registered customer if the password is right; `email` is an `email_key`."""
    user = registered_customer(channel_id, email)
    return check_credentials(user if user and user.is_active else None, password)


def _existing_ids(
    channel_id: int, customers: Collection[CustomerIn], identifier: str
) -> dict[tuple[str, str], int]:
    codes = [customer.channel_code for customer in customers if customer.channel_code]
    emails = [email_key(customer.email) for customer in customers if customer.email]
    ids: dict[tuple[str, str], int] = {}
    users = customers_of(channel_id)
    by_email = users.filter(email_key__in=emails).order_by("-id")
    for user_id, kind, key in by_email.values_list("id", "user_type", "email_key"):
        ids[kind, key] = user_id
    for user_id, code in users.filter(channel_code__in=codes).values_list("id", "channel_code"):
        ids["code", str(code)] = user_id
    if identifier == PHONE_NUMBER:
        ids |= _ids_by_phone(users, [customer.phone for customer in customers if customer.phone])
    for customer in customers:
        same = ids.get(_identity(customer, identifier))
        if customer.user_type == User.REGISTERED and same:
            ids.setdefault(customer.key(identifier), same)
    return ids


def _ids_by_phone(users: "QuerySet[User]", phones: list[str]) -> dict[tuple[str, str], int]:
    """The oldest customers with these phone numbers, by `CustomerIn.key`.

    Customers with a password are left out: they can set any phone number, and would then see the
    orders of its owner.
    """
    rows = users.filter(phone__in=phones, password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return {
        CustomerIn(email="", user_type=kind, phone=phone).key(PHONE_NUMBER): user_id
        for user_id, kind, phone in rows.order_by("-id").values_list("id", "user_type", "phone")
    }


def _create(channel_id: int, customers: Collection[CustomerIn]) -> list[int]:
    users = User.objects.bulk_create(
        User(
            channel_id=channel_id,
            email=customer.email.strip(" "),
            email_key=email_key(customer.email),
            user_type=customer.user_type,
            channel_code=customer.channel_code,
            first_name=customer.first_name,
            last_name=customer.last_name,
            first_name_key=name_key(customer.first_name),
            last_name_key=name_key(customer.last_name),
            phone=customer.phone,
            language_code=customer.language_code,
            attributes=customer.attributes,
            password=customer.password_hash or UNUSABLE_PASSWORD_PREFIX,
        )
        for customer in customers
    )
    return [user.pk for user in users]


def import_passwords(
    channel_id: int, customers: Collection[CustomerIn], *, identifier: str = EMAIL
) -> None:
    """Set the hashes of registered customers of the channel that have no password of their own.

    A new hash replaces one that nobody has signed in with, and no other.
    """
    with_password = [customer for customer in customers if customer.password_hash]
    if not with_password:
        return
    hashes = {customer.key(identifier): customer.password_hash or "" for customer in with_password}
    ids = _existing_ids(channel_id, with_password, identifier)
    stored = {ids[key]: password_hash for key, password_hash in hashes.items() if key in ids}
    users = _replaceable_passwords().filter(pk__in=stored)
    for user_id, password in list(users.values_list("id", "password")):
        if password != stored[user_id]:
            import_password(user_id, stored[user_id])


def import_password(user_id: int, password_hash: str) -> None:
    """Set the hash unless the customer has a password here, also one that is set right now."""
    _replaceable_passwords().filter(pk=user_id).update(password=password_hash)


def _replaceable_passwords() -> "QuerySet[User]":
    """Registered customers without a password, or with a hash that nobody has signed in with."""
    is_unused = Q(password__startswith=PREFIX)
    is_missing = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return User.objects.filter(is_unused | is_missing, user_type=User.REGISTERED, is_staff=False)


class PasswordOfGuest(ValueError):
    """A hash for a guest: only registered customers sign in."""


class CustomerConflict(ValueError):
    """Another customer of the channel has this value already; the text is the column's name."""


@transaction.atomic
def save_customer(channel_id: int, data: Mapping[str, Any], *, now: datetime) -> tuple[int, bool]:
    """Create a customer or update the matching one; returns the id, and whether it is new.

    `data` holds columns, at least `email`. The code identifies a customer, else the e-mail address
    does: of the registered customer, or of the first guest without a code. Raises CustomerConflict
    when another registered customer has the address, or another customer the code, and
    PasswordOfGuest for a `password_hash` of a guest.
    """
    lock_channel(channel_id)
    kind = data.get("user_type", User.GUEST)
    code, key = data.get("channel_code"), email_key(data["email"])
    customers = customers_of(channel_id).order_by("id")
    user = customers.filter(channel_code=code).first() if code else None
    if user is None and (kind == User.REGISTERED or not code):
        user = customers.filter(user_type=kind, email_key=key).first()
    is_new = user is None
    user = user or User(
        channel_id=channel_id, password=UNUSABLE_PASSWORD_PREFIX, user_type=kind, date_joined=now
    )
    _apply(user, data, customers, now)
    return user.pk, is_new


@transaction.atomic
def update_customer(
    channel_id: int, user_id: int, data: Mapping[str, Any], *, now: datetime
) -> bool:
    """Update these columns of a customer; False if the channel has no such customer.

    Raises CustomerConflict and PasswordOfGuest as `save_customer` does.
    """
    lock_channel(channel_id)
    customers = customers_of(channel_id)
    user = customers.filter(pk=user_id).first()
    if user is not None:
        _apply(user, data, customers, now)
    return user is not None


def lock_channel(channel_id: int) -> None:
    """Take the lock that order ingestion takes: two transactions could create the same customer."""
    Channel.objects.select_for_update(no_key=True).get(pk=channel_id)


def _apply(user: User, data: Mapping[str, Any], customers: "QuerySet[User]", now: datetime) -> None:
    """Set and save the columns, except the type of a customer, which existing orders rely on.

    The password is no column of `data`: it may change at this moment.
    """
    columns = {name: data[name] for name in data.keys() - {"user_type", "password_hash"}}
    password_hash = data.get("password_hash")
    if password_hash and user.user_type != User.REGISTERED:
        raise PasswordOfGuest
    for name, value in columns.items():
        setattr(user, name, value)
    user.email_key = email_key(user.email)
    user.first_name_key = name_key(user.first_name)
    user.last_name_key = name_key(user.last_name)
    user.modified_date = now
    others = customers.exclude(pk=user.pk)
    if user.channel_code and others.filter(channel_code=user.channel_code).exists():
        raise CustomerConflict("channel_code")
    registered = others.filter(user_type=User.REGISTERED, email_key=user.email_key)
    if user.user_type == User.REGISTERED and registered.exists():
        raise CustomerConflict("email")
    user.save(update_fields=[*columns, *_DERIVED_COLUMNS] if user.pk else None)
    if password_hash:
        import_password(user.pk, password_hash)


_DERIVED_COLUMNS = ("email_key", "first_name_key", "last_name_key", "modified_date")


def prune_pending(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` pending customers after `PENDING_DAYS`; returns their number.

    Their sessions and address books go with them. Repeat until it is 0.
    """
    pending = User.objects.filter(user_type=User.PENDING)
    expired = pending.filter(date_joined__lte=now - timedelta(days=PENDING_DAYS))
    return delete_batch(expired.order_by("date_joined"), PRUNED_AT_ONCE)


def registered_customer(channel_id: int, email: str) -> User | None:
    """The registered customer with this address; `email` is an `email_key`."""
    registered = customers_of(channel_id).filter(user_type=User.REGISTERED, email_key=email)
    return registered.first()


def has_account(user: User | None) -> bool:
    """Whether a registration must not take this customer over.

    It takes over only customers who have no password yet and who were not deactivated.
    """
    return user is not None and (is_password_usable(user.password) or not user.is_active)
