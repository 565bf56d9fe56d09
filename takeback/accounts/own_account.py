"""Commands of customers on their own account: profile, password, e-mail address, closing it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction

from takeback.accounts.customers import lock_channel, registered_customer
from takeback.accounts.models import EmailChange, Session, User
from takeback.core.db.bulk import delete_batch
from takeback.core.normalize import email_key, name_key

PRUNED_AT_ONCE = 1_000
EMAIL_CHANGE_RETENTION = timedelta(days=30)
# A reserved top-level domain (RFC 2606): no mail can reach it.
ANONYMOUS_DOMAIN = "anonymized.invalid"


def update_profile(user_id: int, changes: Mapping[str, Any], *, now: datetime) -> None:
    """Set these columns of a customer, and the columns that follow from names."""
    columns: dict[str, Any] = dict(changes)
    for name in ("first_name", "last_name"):
        if name in columns:
            columns[f"{name}_key"] = name_key(columns[name])
    if columns:
        User.objects.filter(pk=user_id).update(**columns, modified_date=now)


@transaction.atomic
def replace_password(user: User, encoded: str, *, keep_session: str | None, now: datetime) -> bool:
    """Set a new password hash and end all sessions but one; False if password or e-mail address
    have changed since `user` was read.

    Requests for another e-mail address end as well: the person who made them may be the reason
    for the new password.
    """
    unchanged = User.objects.filter(pk=user.pk, password=user.password, email=user.email)
    if not unchanged.filter(is_active=True).update(password=encoded, modified_date=now):
        return False
    Session.objects.filter(user_id=user.pk).exclude(session_key=keep_session or "").delete()
    EmailChange.objects.filter(user_id=user.pk, confirmed_at=None).delete()
    return True


def open_email_change(user: User, new_email: str, *, now: datetime) -> EmailChange:
    """Record the request for another address; it replaces an earlier one."""
    EmailChange.objects.filter(user_id=user.pk, confirmed_at=None).delete()
    return EmailChange.objects.create(
        user=user, old_email=user.email, new_email=new_email, requested_at=now
    )


@transaction.atomic
def apply_email_change(change_id: int, *, now: datetime) -> EmailChange | None:
    """Change the address of the customer once; None if the request has ended or if another
    customer has registered the address meanwhile."""
    changes = EmailChange.objects.filter(pk=change_id, confirmed_at=None)
    for channel_id in changes.values_list("user__channel_id", flat=True):
        # Two transactions could give one address to two customers.
        lock_channel(channel_id)
    change = changes.select_related("user").first()
    if change is None or not _may_change(change):
        return None
    user, key = change.user, email_key(change.new_email)
    user.email, user.email_key, user.modified_date = change.new_email, key, now
    user.save(update_fields=["email", "email_key", "modified_date"])
    change.confirmed_at = now
    change.save(update_fields=["confirmed_at"])
    return change


def _may_change(change: EmailChange) -> bool:
    user = change.user
    return (
        user.is_active
        and user.user_type == User.REGISTERED
        and user.email == change.old_email
        and user.channel_id is not None
        and not is_taken(user.channel_id, change.new_email, other_than=user.pk)
    )


def is_taken(channel_id: int, email: str, *, other_than: int) -> bool:
    """Whether another registered customer of the channel has this address."""
    owner = registered_customer(channel_id, email_key(email))
    return owner is not None and owner.pk != other_than


def anonymize_customer(user_id: int, *, now: datetime) -> None:
    """Remove the personal data of a customer and close the account; orders keep their customer."""
    user = User.objects.get(pk=user_id)
    email = f"{user.username}@{ANONYMOUS_DOMAIN}"
    User.objects.filter(pk=user_id).update(
        email=email,
        email_key=email,
        first_name="",
        last_name="",
        first_name_key="",
        last_name_key="",
        phone="",
        channel_code=None,
        erp_code=None,
        gender=None,
        date_of_birth=None,
        email_allowed=False,
        sms_allowed=False,
        call_allowed=None,
        language_code="",
        attributes={},
        attributes_kwargs={},
        extra_field={},
        password=UNUSABLE_PASSWORD_PREFIX,
        last_login=None,
        is_active=False,
        modified_date=now,
    )
    Session.objects.filter(user_id=user_id).delete()
    EmailChange.objects.filter(user_id=user_id).delete()


def prune_email_changes(now: datetime) -> int:
    """Delete up to `PRUNED_AT_ONCE` old requests for another address; returns their number."""
    old = EmailChange.objects.filter(requested_at__lte=now - EMAIL_CHANGE_RETENTION)
    return delete_batch(old.order_by("requested_at"), PRUNED_AT_ONCE)
