"""Confirms the e-mail address of a registration: the pending customer becomes the account."""

from datetime import datetime

from django.db import transaction

from takeback.accounts.customers import has_account, lock_channel, registered_customer
from takeback.accounts.models import User, new_username
from takeback.accounts.sessions import move_sessions
from takeback.addresses.address_book import move_address_book
from takeback.loyalty.commands.accounts import assign_guest_accounts
from takeback.orders.commands.assign_guest_orders import assign_guest_orders
from takeback.shoppers.confirmation_links import is_valid_token, user_id_of

_TYPED_TEXTS = ("first_name", "last_name", "phone", "gender", "date_of_birth", "language_code")


def can_confirm(token: str) -> bool:
    """Whether `confirm_registration` would accept the token now."""
    return _pending_customer(token) is not None


@transaction.atomic
def confirm_registration(token: str, *, now: datetime) -> bool:
    """Accept the token of a mailed link; False, with nothing changed, if it is not valid.

    The pending customer becomes a registered one. If the shop knows a registered customer of this
    address without a password, that customer takes over password, names and sessions instead.
    Guest orders and loyalty points of the address join the account. An account with a password is
    never changed. The links of all other registrations of the address end.
    """
    user = _pending_customer(token)
    if user is None or user.channel_id is None:
        return False
    # The lock of all commands that create or match customers: of two links the first wins.
    lock_channel(user.channel_id)
    user = _pending_customer(token)
    if user is None or user.channel_id is None:
        return False
    account = registered_customer(user.channel_id, user.email_key)
    _revoke_other_links(user)
    if account is None:
        account = _become_account(user, now)
    else:
        _take_over(account, user, now)
    assign_guest_orders(user.channel_id, user.email_key, account.pk, now=now)
    assign_guest_accounts(user.channel_id, [account.email_key], account.pk, now=now)
    return True


def _pending_customer(token: str) -> User | None:
    """The customer whose registration a valid token confirms."""
    user_id = user_id_of(token)
    if user_id is None:
        return None
    user = User.objects.filter(pk=user_id, user_type=User.PENDING).first()
    if user is None or user.channel_id is None or not is_valid_token(token, user):
        return None
    if has_account(registered_customer(user.channel_id, user.email_key)):
        return None
    return user


def _revoke_other_links(user: User) -> None:
    """Give all other pending customers of the address a new user name, to which no link belongs."""
    pending = User.objects.filter(email_key=user.email_key, user_type=User.PENDING)
    others = pending.filter(channel=user.channel).exclude(pk=user.pk)
    for other_id in others.values_list("pk", flat=True):
        User.objects.filter(pk=other_id).update(username=new_username())


def _become_account(user: User, now: datetime) -> User:
    user.user_type, user.modified_date = User.REGISTERED, now
    user.save(update_fields=["user_type", "modified_date"])
    return user


def _take_over(account: User, user: User, now: datetime) -> None:
    """Move password, typed values, sessions and addresses to the account of the shop."""
    for name in _TYPED_TEXTS:
        if value := getattr(user, name):
            setattr(account, name, value)
    if user.first_name:
        account.first_name_key = user.first_name_key
    if user.last_name:
        account.last_name_key = user.last_name_key
    account.email_allowed, account.sms_allowed = user.email_allowed, user.sms_allowed
    account.password, account.last_login, account.modified_date = user.password, now, now
    account.save()
    move_sessions(user.pk, account.pk)
    move_address_book(user.pk, account.pk)
    user.delete()
