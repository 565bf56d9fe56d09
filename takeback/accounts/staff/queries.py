"""Who works here: by name and password, and their second factor."""

from takeback.accounts.logins import checked
from takeback.accounts.models import StaffMember, User
from takeback.accounts.staff.commands import totp_context
from takeback.core.sealing import unseal


def by_password(username: str, password: str) -> User | None:
    """Somebody on the staff who signs in with a password alone; every other answer takes as long.

    Whoever has set a second factor gets no key without it: their password is not enough.
    """
    found = User.objects.filter(
        username=username,
        is_staff=True,
        is_active=True,
        staff__isnull=False,
        staff__totp_sealed=None,
    )
    return checked(found.first(), password)


def totp_secret(user_id: int) -> str | None:
    """The secret of a member's second factor, if there is one."""
    sealed = StaffMember.objects.filter(pk=user_id).values_list("totp_sealed", flat=True).first()
    return unseal(sealed, totp_context(user_id)) if sealed else None
