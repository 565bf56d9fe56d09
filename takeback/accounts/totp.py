"""TOTP as second factor of staff (RFC 6238): enabling, checking each code once, disabling."""

import re
from datetime import datetime

import pyotp
from django.db.models import Q
from pyotp.utils import strings_equal

from takeback.accounts.models import StaffMember
from takeback.accounts.recovery_codes import (
    consume_recovery_code,
    generate_codes,
    hashes_of,
    is_recovery_code,
)
from takeback.core.encryption import decrypt, encrypt

_CODE = re.compile(r"[0-9]{6}", re.ASCII)
# The neighbouring time steps count as well: clocks differ, and typing takes time.
_ACCEPTED_STEPS = (0, -1, 1)


def time_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step of a code (30 seconds each); None if the code is wrong."""
    digits = code.replace(" ", "")
    if not _CODE.fullmatch(digits):
        return None
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    steps = (present + distance for distance in _ACCEPTED_STEPS)
    return next((step for step in steps if strings_equal(digits, totp.generate_otp(step))), None)


def consume_code(user_id: int, code: str, now: datetime) -> bool:
    """Accept an unused recovery code, or a right code that is newer than all codes before."""
    if is_recovery_code(code):
        return consume_recovery_code(user_id, code)
    secret = totp_secret(user_id)
    step = time_step(secret, code, now) if secret else None
    if step is None:
        return False
    unused = Q(totp_step=None) | Q(totp_step__lt=step)
    return bool(StaffMember.objects.filter(unused, pk=user_id).update(totp_step=step))


def enable_totp(user_id: int, secret: str, code: str, now: datetime) -> list[str]:
    """Require codes of this secret from now on, if the first code is right; it counts as used.

    Returns the recovery codes; empty if the code is wrong or TOTP is enabled already.
    """
    step = time_step(secret, code, now)
    if step is None:
        return []
    encrypted = encrypt(secret, totp_context(user_id))
    recovery_codes = generate_codes()
    is_enabled = StaffMember.objects.filter(pk=user_id, totp_encrypted=None).update(
        totp_encrypted=encrypted,
        totp_step=step,
        recovery_codes=hashes_of(user_id, recovery_codes),
    )
    return recovery_codes if is_enabled else []


def disable_totp(user_id: int, code: str, now: datetime) -> bool:
    if not consume_code(user_id, code, now):
        return False
    clear_totp(user_id)
    return True


def clear_totp(user_id: int) -> None:
    StaffMember.objects.filter(pk=user_id).update(totp_encrypted=None, recovery_codes=[])


def totp_context(user_id: int) -> str:
    """The encryption context: a secret cannot be copied to another user."""
    return f"staff:{user_id}:totp"


def totp_secret(user_id: int) -> str | None:
    members = StaffMember.objects.filter(pk=user_id)
    encrypted = members.values_list("totp_encrypted", flat=True).first()
    return decrypt(encrypted, totp_context(user_id)) if encrypted else None
