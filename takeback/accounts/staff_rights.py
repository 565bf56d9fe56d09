"""What staff may do: adding and changing staff with the scope admin, and steps about money.

Nobody passes on a right that they do not have, changes an account with more rights, or takes the
last administrator from a channel.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from django.db import transaction

from takeback.accounts import errors
from takeback.accounts.api_keys import NewKey, Rights, issue_key, revoke_key
from takeback.accounts.models import ApiKey, Channel, StaffMember, User
from takeback.accounts.staff import create_staff_user, is_email, is_username, update_staff_user
from takeback.core.errors import NOT_FOUND, Refused
from takeback.core.normalize import email_key


class NewMember(NamedTuple):
    """A new staff user, and the password that is shown once."""

    id: int
    password: str


@dataclass(frozen=True, slots=True)
class MemberChange:
    """New values of a staff user; None leaves a value as it is."""

    scopes: Collection[str] | None = None
    channel_ids: Collection[int] | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    is_active: bool | None = None
    has_new_password: bool = False
    without_totp: bool = False


def generate_password() -> str:
    """A random password of 20 characters."""
    return secrets.token_urlsafe(15)


def has_all_channels(channel_ids: Collection[int]) -> bool:
    """Whether these are all active channels: only then may they change what all channels share."""
    return not Channel.objects.filter(is_active=True).exclude(pk__in=channel_ids).exists()


def add_member(
    username: str, rights: Rights, *, by: Rights, email: str = "", name: tuple[str, str] = ("", "")
) -> NewMember:
    """Add a staff user with these rights, on behalf of someone with the rights `by`."""
    _ensure_covered(rights, by)
    if not is_username(username):
        raise Refused(errors.USERNAME_INVALID)
    if User.objects.filter(username=username).exists():
        raise Refused(errors.USERNAME_TAKEN)
    _ensure_email(email)
    password = generate_password()
    user_id = create_staff_user(
        username,
        password=password,
        channel_ids=rights.channel_ids,
        scopes=rights.scopes,
        email=email,
        name=name,
    )
    return NewMember(user_id, password)


@transaction.atomic
def change_member(
    user_id: int, channel_id: int, change: MemberChange, *, by: Rights, now: datetime
) -> str | None:
    """Change a staff user of a channel; returns the new password, if there is one.

    A change of rights, password, activity or second factor ends the keys of their logins.
    `Refused` if the channel has no such staff user, they have more rights than `by`, or the change
    passes on more.
    """
    member = StaffMember.objects.filter(pk=user_id, channels=channel_id).first()
    if member is None:
        raise Refused(NOT_FOUND)
    present = Rights(sorted(member.channels.values_list("pk", flat=True)), member.scopes)
    _ensure_not_above(present, by)
    requested = Rights(
        present.channel_ids if change.channel_ids is None else sorted(set(change.channel_ids)),
        present.scopes if change.scopes is None else list(change.scopes),
    )
    _ensure_covered(requested, by)
    _ensure_email(change.email)
    remains_admin = change.is_active is not False and ApiKey.ADMIN in requested.scopes
    admin_of = requested.channel_ids if remains_admin else []
    _ensure_admin_remains(user_id, present, set(present.channel_ids) - set(admin_of))
    password = generate_password() if change.has_new_password else None
    return _apply(user_id, change, requested if requested != present else None, password, now)


def _apply(
    user_id: int, change: MemberChange, rights: Rights | None, password: str | None, now: datetime
) -> str | None:
    user = User.objects.get(pk=user_id)
    values: dict[str, object] = {
        "email": change.email,
        "email_key": None if change.email is None else email_key(change.email),
        "first_name": change.first_name,
        "last_name": change.last_name,
    }
    changes = {
        name: value
        for name, value in values.items()
        if value is not None and value != getattr(user, name)
    }
    if changes:
        User.objects.filter(pk=user_id).update(**changes, modified_date=now)
    is_active = None if change.is_active == user.is_active else change.is_active
    if rights or password or change.without_totp or is_active is not None:
        update_staff_user(
            user.username,
            now=now,
            rights=rights,
            password=password,
            is_active=is_active,
            without_totp=change.without_totp,
        )
    return password


def add_key(name: str, rights: Rights, *, by: Rights, now: datetime) -> NewKey:
    """Issue an API key with these rights, on behalf of someone with the rights `by`."""
    _ensure_covered(rights, by)
    return issue_key(name, channel_ids=rights.channel_ids, scopes=rights.scopes, now=now)


def remove_key(public_id: str, channel_id: int, *, by: Rights, now: datetime) -> None:
    """Revoke an API key of a channel; a revoked key stays revoked."""
    # PostgreSQL refuses a NUL in a text.
    name = public_id if public_id.isprintable() else ""
    key = ApiKey.objects.filter(public_id=name, channels=channel_id, user=None).first()
    if key is None:
        raise Refused(NOT_FOUND)
    _ensure_not_above(Rights(list(key.channels.values_list("pk", flat=True)), key.scopes), by)
    if key.revoked_at is None:
        revoke_key(public_id, now=now)


def _ensure_email(text: str | None) -> None:
    if text and not is_email(text):
        raise Refused(errors.EMAIL_INVALID)


def _ensure_covered(requested: Rights, by: Rights) -> None:
    if missing := _missing(requested, by):
        raise Refused(errors.RIGHTS_NOT_YOURS.with_values(rights=missing))


def _ensure_not_above(present: Rights, by: Rights) -> None:
    if missing := _missing(present, by):
        raise Refused(errors.HAS_MORE_RIGHTS.with_values(rights=missing))


def _missing(requested: Rights, by: Rights) -> str:
    """The rights beyond `by`, as text; channels by their numbers."""
    scopes = [scope for scope in requested.scopes if scope not in by.scopes]
    channels = sorted(set(requested.channel_ids) - set(by.channel_ids))
    return ", ".join([*scopes, *map(str, channels)])


def _ensure_admin_remains(user_id: int, present: Rights, channel_ids: Collection[int]) -> None:
    """Refuse to take the last active administrator from one of these channels."""
    is_active = User.objects.filter(pk=user_id, is_active=True).exists()
    if ApiKey.ADMIN not in present.scopes or not is_active or not channel_ids:
        return
    # Locked, so that two administrators cannot remove each other at the same time.
    channels = Channel.objects.select_for_update(no_key=True).filter(pk__in=channel_ids)
    names = {channel.pk: channel.name for channel in channels.order_by("pk")}
    others = StaffMember.objects.filter(user__is_active=True).exclude(pk=user_id)
    rows = others.filter(channels__in=channel_ids).values_list("channels", "scopes")
    with_admin = {pk for pk, scopes in rows if ApiKey.ADMIN in scopes}
    for pk in sorted(names.keys() - with_admin):
        raise Refused(errors.LAST_ADMIN.with_values(channel=names[pk]))


class MoneyStep(StrEnum):
    """What staff do about refunds besides approving cases, which needs the scope decide."""

    PAY = "pay"
    APPROVE_AS_SECOND_PERSON = "approve_as_second_person"
    MARK_AS_PAID = "mark_as_paid"
    PAUSE_ACCOUNT = "pause_account"
    CHANGE_ACCOUNT = "change_account"


SCOPES_OF_MONEY_STEPS: Final = {
    # Sending again, and other means.
    MoneyStep.PAY: (ApiKey.MONEY,),
    MoneyStep.APPROVE_AS_SECOND_PERSON: (ApiKey.MONEY,),
    MoneyStep.MARK_AS_PAID: (ApiKey.MONEY,),
    MoneyStep.PAUSE_ACCOUNT: (ApiKey.MONEY,),
    # Adding, changing, resuming and deactivating. A new address could divert all refunds.
    MoneyStep.CHANGE_ACCOUNT: (ApiKey.MONEY, ApiKey.ADMIN),
}
"""The scopes that each step needs."""


def ensure_may(step: MoneyStep, rights: Rights | None, channel_id: int) -> None:
    """`Refused` unless these rights allow a step about the money of a channel."""
    needed = SCOPES_OF_MONEY_STEPS[step]
    if rights is None or channel_id not in rights.channel_ids:
        raise Refused(NOT_FOUND)
    if missing := [scope for scope in needed if scope not in rights.scopes]:
        raise Refused(errors.MONEY_RIGHT_MISSING.with_values(rights=", ".join(missing)))


def rights_of_staff(user_id: int) -> Rights | None:
    """The rights of an active staff user."""
    member = StaffMember.objects.filter(pk=user_id, user__is_active=True).first()
    if member is None:
        return None
    channels = member.channels.filter(is_active=True).order_by("pk")
    return Rights(list(channels.values_list("pk", flat=True)), member.scopes)
