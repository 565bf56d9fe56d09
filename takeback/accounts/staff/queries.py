"""Who works here: by name and password, and their second factor."""

from django.db.models import QuerySet

from takeback.accounts.logins import checked
from takeback.accounts.models import StaffMember, User
from takeback.accounts.staff.commands import totp_context
from takeback.core.sealing import unseal


def by_password(username: str, password: str) -> User | None:
    """The member of staff whose password this is; every other answer takes as long."""
    return checked(_active().filter(username=username).first(), password)


def by_password_alone(username: str, password: str) -> User | None:
    """The same, but nobody who has set a second factor: for them a password is not enough."""
    found = _active().filter(username=username, staff__totp_sealed=None)
    return checked(found.first(), password)


def by_id(user_id: int) -> User | None:
    """An active member of staff, with what they may do."""
    return _active().filter(pk=user_id).first()


def _active() -> "QuerySet[User]":
    found = User.objects.filter(is_staff=True, is_active=True, staff__isnull=False)
    return found.select_related("staff")


def totp_secret(user_id: int) -> str | None:
    """The secret of a member's second factor, if there is one."""
    sealed = StaffMember.objects.filter(pk=user_id).values_list("totp_sealed", flat=True).first()
    return unseal(sealed, totp_context(user_id)) if sealed else None
