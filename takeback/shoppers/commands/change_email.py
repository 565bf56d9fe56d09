"""Changes the e-mail address of a customer, once a link to the new address has confirmed it."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from takeback.accounts.models import User
from takeback.accounts.own_account import apply_email_change, open_email_change
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, count, key_of
from takeback.loyalty.commands.accounts import assign_guest_accounts
from takeback.orders.commands.assign_guest_orders import assign_guest_orders
from takeback.outbox.commands import emit
from takeback.shoppers.account_limits import HOUR, may_mail
from takeback.shoppers.commands.set_password import SENDS_WHEN_REFUSED
from takeback.shoppers.email_change_links import change_of_token
from takeback.shoppers.topics import Topic

REQUESTS_PER_CUSTOMER = 10


def request_email_change(user: User, new_email: str, now: datetime) -> None:
    """Mail a link to the new address, or a note that it has an account already.

    The worker decides between the two: the request causes the same statements in both cases. An
    address that has had several mails within an hour gets no more of them.
    """
    assert user.channel_id
    if settings.LIMITS_ENABLED:
        key = key_of("email-change", str(user.pk))
        buckets = [Bucket(key, SENDS_WHEN_REFUSED * REQUESTS_PER_CUSTOMER, HOUR)]
        count(buckets, now)
    if not may_mail("email-change", user.channel_id, email_key(new_email), now):
        return
    with transaction.atomic():
        change = open_email_change(user, new_email, now=now)
        emit(Topic.EMAIL_CHANGE_REQUESTED, str(change.pk), {"email_change": change.pk})


@transaction.atomic
def confirm_email_change(token: str, now: datetime) -> bool:
    """Change the address that the token confirms, and join the guest orders and points of the new
    address; False if the token is not valid or another customer has registered it meanwhile."""
    opened = change_of_token(token)
    change = opened and apply_email_change(opened.pk, now=now)
    if not change:
        return False
    user = change.user
    assert user.channel_id
    assign_guest_orders(user.channel_id, user.email_key, user.pk, now=now)
    # Points under the old address are the customer's as well: the next owner must not get them.
    addresses = [email_key(change.old_email), user.email_key]
    assign_guest_accounts(user.channel_id, addresses, user.pk, now=now)
    emit(Topic.EMAIL_CHANGED, str(change.pk), {"email_change": change.pk})
    return True
