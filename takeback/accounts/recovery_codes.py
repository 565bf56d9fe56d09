"""Recovery codes: each is accepted once instead of a code of the authenticator app."""

import re
import secrets
from hashlib import sha256

from django.db import transaction

from takeback.accounts.models import StaffMember

CODES = 10
# Without characters that look alike. Sixteen of them are 79 bits: no slow hash is needed.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_GROUPS, _GROUP_LENGTH = 4, 4
_CODE = re.compile(f"[{_ALPHABET}]{{{_GROUPS * _GROUP_LENGTH}}}")


def generate_codes() -> list[str]:
    """New codes, in groups of characters that are easy to read and type."""
    return [
        "-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS)
        )
        for _ in range(CODES)
    ]


def hashes_of(user_id: int, codes: list[str]) -> list[str]:
    """The stored form of a user's codes; the same code of another user has another hash."""
    return [_hash(user_id, _normalize(code)) for code in codes]


def is_recovery_code(text: str) -> bool:
    """Whether the text has the form of a recovery code; case, hyphens and spaces do not matter."""
    return _CODE.fullmatch(_normalize(text)) is not None


def replace_codes(user_id: int) -> list[str]:
    """New codes instead of all earlier ones; empty without a second factor."""
    codes = generate_codes()
    members = StaffMember.objects.filter(pk=user_id, totp_encrypted__isnull=False)
    return codes if members.update(recovery_codes=hashes_of(user_id, codes)) else []


@transaction.atomic
def consume_recovery_code(user_id: int, code: str) -> bool:
    """Delete a code that is right. Of concurrent calls with the same code one returns True."""
    member = StaffMember.objects.select_for_update().filter(pk=user_id).first()
    digest = _hash(user_id, _normalize(code))
    if member is None or digest not in member.recovery_codes:
        return False
    member.recovery_codes = [unused for unused in member.recovery_codes if unused != digest]
    member.save(update_fields=["recovery_codes"])
    return True


def codes_left(user_id: int) -> int:
    """The number of a user's unused codes."""
    members = StaffMember.objects.filter(pk=user_id)
    return len(members.values_list("recovery_codes", flat=True).first() or [])


def _normalize(text: str) -> str:
    return re.sub(r"[\s-]", "", text).upper()


def _hash(user_id: int, code: str) -> str:
    return sha256(f"{user_id}:{code}".encode()).hexdigest()
