"""Passwords of staff: reset by a mailed link, and changed with the present one."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Q

from takeback.accounts.link_tokens import is_valid, make_token, value_of
from takeback.accounts.models import StaffMember, User
from takeback.accounts.sign_in import forget_staff_failures
from takeback.accounts.staff import active_staff_user, update_staff_user
from takeback.accounts.topics import Topic
from takeback.core.ids import id_of
from takeback.core.normalize import email_key
from takeback.limits.commands import Bucket, count, increment, key_of, over_limit, raise_alarms
from takeback.outbox.commands import emit

RESET_LINK_LIFETIME = timedelta(hours=1)
RESETS_PER_NAME, RESETS_PER_NETWORK = 3, 20
_WINDOW_SECONDS = 3600
_MAX_MAILS = 5
_PURPOSE = "staff-password"


def request_reset(name: str, network: str, *, language: str, now: datetime) -> None:
    """Mail a link to the staff users with this user name or e-mail address.

    All names get the same treatment, so nobody learns which exist: each leaves a message, possibly
    for no user. More than `RESETS_PER_NAME` requests per hour send no mail; the links of the
    earlier ones still work. Raises Refused for too many requests from one network.
    """
    key = name.casefold()
    per_network = [Bucket(key_of("staff-reset", network), RESETS_PER_NETWORK, _WINDOW_SECONDS)]
    count(per_network, now)
    per_name = [Bucket(key_of("staff-reset-name", key), RESETS_PER_NAME, _WINDOW_SECONDS)]
    counts = increment(per_name, now)
    raise_alarms(per_name, counts, now)
    if over_limit(per_name, counts):
        return
    users = User.objects.filter(is_staff=True, is_active=True, staff__isnull=False)
    matches = users.filter(Q(username=name) | Q(email_key=email_key(name))).exclude(email="")
    user_ids = list(matches.order_by("pk").values_list("pk", flat=True)[:_MAX_MAILS])
    with transaction.atomic():
        emit(Topic.STAFF_PASSWORD_RESET, uuid4().hex, {"users": user_ids, "language": language})


def reset_token(user: User) -> str:
    """A token for the mailed link; it ends with the present password, so it works once."""
    return make_token(_PURPOSE, str(user.pk), state=user.password)


def user_of_reset_token(token: str) -> User | None:
    """The active staff user of a valid token."""
    user_id = id_of(value_of(token))
    user = active_staff_user(user_id) if user_id else None
    if user is None:
        return None
    is_current = is_valid(token, _PURPOSE, state=user.password, max_age=RESET_LINK_LIFETIME)
    return user if is_current else None


@transaction.atomic
def reset_password(token: str, password: str, now: datetime, *, network: str) -> User | None:
    """Set the password of the token's user; of concurrent calls one succeeds.

    The sessions and login keys of the user end, and so does a limit that a stranger's wrong
    passwords have reached: those of all networks together, and those of this client's network.
    """
    user = user_of_reset_token(token)
    if user is None or not replace_password(user, password, now):
        return None
    forget_staff_failures(user.username.casefold(), network)
    return user


@transaction.atomic
def replace_password(user: User, password: str, now: datetime) -> bool:
    """Set the password, unless it has changed since `user` was read; login keys end."""
    StaffMember.objects.select_for_update().get(pk=user.pk)
    if not User.objects.filter(pk=user.pk, password=user.password).exists():
        return False
    update_staff_user(user.username, now=now, password=password)
    return True
