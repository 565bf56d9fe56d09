"""Staff users: creating and updating them, their credentials, and the API keys of their logins."""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from takeback.accounts.api_keys import AccessError, NewKey, Rights, issue_key, validate_rights
from takeback.accounts.models import ApiKey, StaffMember, User
from takeback.accounts.sign_in import check_credentials, record_login
from takeback.accounts.totp import clear_totp
from takeback.core.normalize import email_key

LOGIN_KEY_LIFETIME = timedelta(hours=12)
MAX_LOGIN_KEYS = 5

_USERNAME = re.compile(r"[!-~]{1,150}", re.ASCII)


def generate_password() -> str:
    """A random password of 20 characters for a new staff user."""
    return secrets.token_urlsafe(15)


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
    """Create a staff user and return the id; without a password the user cannot sign in.

    `name` is the first and the last name. Raises AccessError for a user name that is taken or
    invalid, a wrong e-mail address, and unknown channels or scopes.
    """
    rights = validate_rights(channel_ids, scopes)
    if not _USERNAME.fullmatch(username):
        raise AccessError("A user name has 1 to 150 visible ASCII characters, without spaces.")
    if email and not _is_email(email):
        raise AccessError(f"{email} is no e-mail address.")
    if User.objects.filter(username=username).exists():
        raise AccessError(f"The user name {username} is taken.")
    user = User.objects.create(
        username=username,
        email=email,
        email_key=email_key(email),
        first_name=name[0],
        last_name=name[1],
        password=make_password(password),
        is_staff=True,
    )
    member = StaffMember.objects.create(user=user, scopes=rights.scopes)
    member.channels.set(rights.channel_ids)
    return user.pk


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


@transaction.atomic
def update_staff_user(
    username: str,
    *,
    now: datetime,
    rights: Rights | None = None,
    password: str | None = None,
    email: str | None = None,
    is_active: bool | None = None,
    without_totp: bool = False,
) -> None:
    """Change rights, password or e-mail address of a staff user, (de)activate them, clear TOTP.

    Any change revokes the keys of their logins, because a key must never have more rights than its
    user. Raises AccessError when there is no such staff user.
    """
    member = StaffMember.objects.select_for_update().filter(user__username=username).first()
    if member is None:
        raise AccessError(
            f"No staff account has the name {username}. `takeback list-staff` shows all."
        )
    if rights is not None:
        member.scopes = rights.scopes
        member.save(update_fields=["scopes"])
        member.channels.set(rights.channel_ids)
    changes: dict[str, object] = {}
    if password is not None:
        changes["password"] = make_password(password)
    if email is not None:
        changes |= {"email": email, "email_key": email_key(email)}
    if is_active is not None:
        changes["is_active"] = is_active
    if changes:
        User.objects.filter(pk=member.pk).update(**changes)
    if without_totp:
        clear_totp(member.pk)
    _active_keys(member.pk, now).update(revoked_at=now)


@transaction.atomic
def issue_login_key(user: User, now: datetime) -> NewKey:
    """Issue a key for `LOGIN_KEY_LIFETIME`; only the newest `MAX_LOGIN_KEYS` of a user stay active.

    Raises AccessError when the password has changed since `user` was read, and when the user has
    no channel.
    """
    member = StaffMember.objects.select_for_update().get(pk=user.pk)
    if not User.objects.filter(pk=user.pk, password=user.password).exists():
        raise AccessError("the password has changed")
    key = issue_key(
        "login",
        channel_ids=list(member.channels.values_list("pk", flat=True)),
        scopes=member.scopes,
        now=now,
        expires_at=now + LOGIN_KEY_LIFETIME,
        user_id=user.pk,
    )
    newest_first = _active_keys(user.pk, now).order_by("-created_at", "-pk")
    surplus = list(newest_first.values_list("pk", flat=True)[MAX_LOGIN_KEYS:])
    ApiKey.objects.filter(pk__in=surplus).update(revoked_at=now)
    record_login(user.pk, now)
    return key


def _active_keys(user_id: int, now: datetime) -> "QuerySet[ApiKey]":
    return ApiKey.objects.filter(user_id=user_id, revoked_at=None, expires_at__gt=now)


def check_staff_password(username: str, password: str) -> User | None:
    """The active staff user if the password is right; a failure takes as long as a success."""
    return check_credentials(_active_staff().filter(username=username).first(), password)


def check_staff_password_only(username: str, password: str) -> User | None:
    """As `check_staff_password`, but None for users with TOTP, who need a code as well."""
    users = _active_staff().filter(username=username, staff__totp_encrypted=None)
    return check_credentials(users.first(), password)


def active_staff_user(user_id: int) -> User | None:
    return _active_staff().filter(pk=user_id).first()


def _active_staff() -> "QuerySet[User]":
    users = User.objects.filter(is_staff=True, is_active=True, staff__isnull=False)
    return users.select_related("staff")
