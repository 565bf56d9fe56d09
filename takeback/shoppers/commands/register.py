"""Registers a customer, who is pending until the mailed link is opened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from takeback.accounts.models import Channel, User
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.normalize import email_key, name_key
from takeback.limits.commands import Bucket, count
from takeback.outbox.commands import emit
from takeback.shoppers.account_limits import HOUR, count_request, may_mail
from takeback.shoppers.topics import Topic


def register(
    channel_id: int, data: Mapping[str, Any], *, language: str, address: str, now: datetime
) -> User:
    """Create a pending customer; `data` holds columns, at least `email` and `password`.

    Nothing here depends on whether the address is known: the same queries run, and the handler of
    the message decides which mail to send. Raises Refused above the limits.
    """
    count_request("registration", settings.REGISTRATIONS_PER_ADDRESS, address=address, now=now)
    _count_for_shop(channel_id, now)
    if not Channel.objects.filter(pk=channel_id).exists():
        raise Refused(errors.NOT_FOUND)
    is_mailed = may_mail("registration", channel_id, email_key(data["email"]), now)
    user = _pending_customer(channel_id, data, language=language, now=now)
    with transaction.atomic():
        user.save(force_insert=True)
        if is_mailed:
            emit(Topic.REGISTERED, key=str(user.pk), payload={"user": user.pk})
    return user


def _pending_customer(
    channel_id: int, data: Mapping[str, Any], *, language: str, now: datetime
) -> User:
    """The customer with a hashed password, not saved."""
    values = {**data, "password": make_password(data["password"])}
    user = User(
        channel_id=channel_id,
        user_type=User.PENDING,
        language_code=language,
        date_joined=now,
        modified_date=now,
        **values,
    )
    user.email_key = email_key(user.email)
    user.first_name_key, user.last_name_key = name_key(user.first_name), name_key(user.last_name)
    return user


def _count_for_shop(channel_id: int, now: datetime) -> None:
    if settings.LIMITS_ENABLED:
        key = f"registration-shop:{channel_id}"
        buckets = [Bucket(key, settings.REGISTRATIONS_PER_SHOP, HOUR)]
        count(buckets, now)
