"""Staff: adding and updating them, their credentials, and the API keys of their logins."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet

from takeback.accounts.api_keys import KeyRefused, NewKey, Rights, issue_key, rights
from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.sign_in import check_credentials, note_login
from takeback.accounts.totp import clear_totp
from takeback.core.normalize import email_key

LOGIN_KEY_LASTS = timedelta(hours=12)
LIVE_LOGIN_KEYS = 5

_USERNAME = re.compile(r"[!-~]{1,150}", re.ASCII)


@transaction.atomic
def create_staff_user(
    username: str,
    *,
    password: str | None,
    channel_ids: Collection[int],
    scopes: Collection[str],
    email: str = "",
    name: tuple[str, str] = ("", ""),
) -> int:
    """Add a member of staff and return the account's id; without a password nobody signs in.

    `name` is the first and the last name. Raises KeyRefused for a name that is taken or is not of
    1 to 150 visible ASCII characters, and for unknown channels or scopes.
    """
    allowed = rights(channel_ids, scopes)
    if not _USERNAME.fullmatch(username):
        raise KeyRefused("a user name is 1 to 150 visible ASCII characters, without spaces")
    if User.objects.filter(username=username).exists():
        raise KeyRefused(f"somebody is called {username} already")
    user = User.objects.create(
        username=username,
        email=email,
        email_key=email_key(email),
        first_name=name[0],
        last_name=name[1],
        password=make_password(password),
        is_staff=True,
    )
    member = StaffMember.objects.create(user=user, scopes=allowed.scopes)
    member.channels.set(allowed.channel_ids)
    return user.pk


@transaction.atomic
def update_staff_user(
    username: str,
    *,
    now: datetime,
    rights_now: Rights | None = None,
    password: str | None = None,
    is_active: bool | None = None,
    without_totp: bool = False,
) -> None:
    """Give a member of staff other rights or another password, let them go or take them back.

    Keys of their logins end with it: a key may never do more than the person. Raises KeyRefused
    when nobody on the staff is called that.
    """
    member = StaffMember.objects.select_for_update().filter(user__username=username).first()
    if member is None:
        raise KeyRefused(f"nobody on the staff is called {username}")
    if rights_now is not None:
        member.scopes = rights_now.scopes
        member.save(update_fields=["scopes"])
        member.channels.set(rights_now.channel_ids)
    new: dict[str, object] = {}
    if password is not None:
        new["password"] = make_password(password)
    if is_active is not None:
        new["is_active"] = is_active
    if new:
        User.objects.filter(pk=member.pk).update(**new)
    if without_totp:
        clear_totp(member.pk)
    _live_keys(member.pk, now).update(revoked_at=now)


@transaction.atomic
def issue_login_key(user: User, now: datetime) -> NewKey:
    """A key in this member's name for half a day; of their keys only the newest few stay live.

    Raises KeyRefused when the password was changed a moment ago, and when no channel is left.
    """
    member = StaffMember.objects.select_for_update().get(pk=user.pk)
    if not User.objects.filter(pk=user.pk, password=user.password).exists():
        raise KeyRefused("this is no longer the password")
    made = issue_key(
        "login",
        channel_ids=list(member.channels.values_list("pk", flat=True)),
        scopes=member.scopes,
        now=now,
        expires_at=now + LOGIN_KEY_LASTS,
        user_id=user.pk,
    )
    newest_first = _live_keys(user.pk, now).order_by("-created_at", "-pk")
    surplus = list(newest_first.values_list("pk", flat=True)[LIVE_LOGIN_KEYS:])
    ApiKey.objects.filter(pk__in=surplus).update(revoked_at=now)
    note_login(user.pk, now)
    return made


def _live_keys(user_id: int, now: datetime) -> "QuerySet[ApiKey]":
    return ApiKey.objects.filter(user_id=user_id, revoked_at=None, expires_at__gt=now)


def by_password(username: str, password: str) -> User | None:
    """The member of staff whose password this is; every other answer takes as long."""
    return check_credentials(_active().filter(username=username).first(), password)


def by_password_alone(username: str, password: str) -> User | None:
    """The same, but nobody who has set a second factor: for them a password is not enough."""
    found = _active().filter(username=username, staff__totp_encrypted=None)
    return check_credentials(found.first(), password)


def by_id(user_id: int) -> User | None:
    """An active member of staff, with what they may do."""
    return _active().filter(pk=user_id).first()


def _active() -> "QuerySet[User]":
    found = User.objects.filter(is_staff=True, is_active=True, staff__isnull=False)
    return found.select_related("staff")
