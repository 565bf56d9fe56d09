"""Setting a second factor, taking its codes, each once, and giving it up."""

import re
from datetime import datetime

import pyotp
from django.db.models import Q, QuerySet
from pyotp.utils import strings_equal

from takeback.accounts.models import StaffMember
from takeback.core.encryption import decrypt, encrypt

_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_STEPS = (0, -1, 1)
"""Clocks differ, and people type slowly: the step before and the one after count, too."""


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The half minute whose code this is; None when it is not one of about now."""
    told = code.replace(" ", "")
    if not _CODE.fullmatch(told):
        return None
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    near = (present + distance for distance in _STEPS)
    return next((step for step in near if strings_equal(told, totp.generate_otp(step))), None)


def take_code(user_id: int, code: str, now: datetime) -> bool:
    """Whether the code is right and newer than every code taken before; it is taken then."""
    secret = totp_secret(user_id)
    step = step_of(secret, code, now) if secret else None
    return step is not None and bool(_untaken(user_id, step).update(totp_step=step))


def enable_totp(user_id: int, secret: str, code: str, now: datetime) -> str | None:
    """Ask for codes of this secret from now on, once the first is right; the secret, sealed.

    None when the code is wrong or a second factor is set already. The first code is taken.
    """
    step = step_of(secret, code, now)
    if step is None:
        return None
    sealed = encrypt(secret, totp_context(user_id))
    free = StaffMember.objects.filter(pk=user_id, totp_encrypted=None)
    return sealed if free.update(totp_encrypted=sealed, totp_step=step) else None


def disable_totp(user_id: int, code: str, now: datetime) -> bool:
    """Ask for the password alone again, if the code is right."""
    if not take_code(user_id, code, now):
        return False
    clear_totp(user_id)
    return True


def _untaken(user_id: int, step: int) -> "QuerySet[StaffMember]":
    return StaffMember.objects.filter(Q(totp_step=None) | Q(totp_step__lt=step), pk=user_id)


def clear_totp(user_id: int) -> None:
    """Ask for the password alone again."""
    StaffMember.objects.filter(pk=user_id).update(totp_encrypted=None)


def totp_context(user_id: int) -> str:
    """What a sealed secret is bound to: nobody's can be moved to another account."""
    return f"staff:{user_id}:totp"


def totp_secret(user_id: int) -> str | None:
    """The secret of a member's second factor, if there is one."""
    sealed = StaffMember.objects.filter(pk=user_id).values_list("totp_encrypted", flat=True).first()
    return decrypt(sealed, totp_context(user_id)) if sealed else None
