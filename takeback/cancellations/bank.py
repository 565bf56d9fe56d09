"""Bank accounts: what may be one, how it is shown, and how equal ones are found."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from stdnum import iban as standard
from stdnum.exceptions import ValidationError

from takeback.cancellations.asks import BankAccount
from takeback.core.fields import StrictText
from takeback.core.sealing import seal, unseal

IBAN_MAX = 34
HOLDER_MAX = 255
BOTH_NEEDED = _("A bank account needs both its IBAN and the name of its holder.")
_SEPARATORS = re.compile(r"[ -]")
# Check digits go from 02 to 98: the sums of 97, 98 and 02 would also come out for 00, 01 and 99,
# and one account would have two numbers.
_ALPHABET = re.compile(r"[A-Z]{2}(?!00|01|99)[0-9]{2}[A-Z0-9]{11,30}", re.ASCII | re.IGNORECASE)


class NotAnIban(ValueError):
    """The text is no account number: its form, its length or its check digits are wrong."""


def normalised(text: str) -> str:
    """The IBAN in capitals without spaces, its country's length and check digits verified.

    Only ASCII is read: digits of other scripts would pass the library's arithmetic, and some
    letters become ASCII in capitals.
    """
    compact = _SEPARATORS.sub("", text)
    if not _ALPHABET.fullmatch(compact):
        raise NotAnIban
    try:
        # A country's own list of banks ages faster than accounts do: it is not asked.
        return str(standard.validate(compact.upper(), check_country=False))
    except ValidationError as error:
        raise NotAnIban from error


def masked(iban: str) -> str:
    """The ends only, for everybody but the owner and staff who pay.

    >>> masked("TR330006100519786457841326")
    'TR33 •••• 1326'
    """
    return f"{iban[:4]} •••• {iban[-4:]}"


def masked_name(name: str) -> str:
    """The first letter of every word: enough to recognise a holder, too little to pay one.

    >>> masked_name("Ayla Ray")
    'A••• R•••'
    """
    return " ".join(f"{word[0]}•••" for word in name.split())


class NamesAccount(Protocol):
    """The part of a case that says where money goes."""

    @property
    def uuid(self) -> UUID: ...
    @property
    def iban_sealed(self) -> str | None: ...
    @property
    def holder_name_sealed(self) -> str | None: ...


def account_of(case: NamesAccount) -> BankAccount | None:
    """The bank account that a case names, opened."""
    if case.iban_sealed is None:
        return None
    context = str(case.uuid)
    holder = case.holder_name_sealed
    return BankAccount(unseal(case.iban_sealed, context), unseal(holder, context) if holder else "")


def sealed(account: BankAccount, uuid: UUID) -> dict[str, str]:
    """The columns in which the case with this `uuid` keeps its account; `account_of` opens them."""
    context = str(uuid)
    return {
        "iban_sealed": seal(account.iban, context),
        "holder_name_sealed": seal(account.holder_name, context),
        "iban_index": blind_index(account.iban),
    }


def blind_index(iban: str) -> str:
    """64 hex digits, equal for equal accounts and of no use without our secret.

    It hangs on SECRET_KEY: after a change, accounts from before are not recognised any more.
    """
    digest = salted_hmac("takeback.cancellations.bank", iban, algorithm="sha256")
    return digest.hexdigest()


@extend_schema_field({"type": "string", "maxLength": IBAN_MAX})
class IbanField(serializers.Field[str, Any, str, Any]):
    """An account number as people write it; empty means none."""

    default_error_messages = {
        "invalid": _("This is not a valid IBAN."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > 2 * IBAN_MAX:
            self.fail("invalid")
        if not data.strip():
            return ""
        try:
            return normalised(data.strip())
        except NotAnIban:
            self.fail("invalid")

    def to_representation(self, value: str) -> str:
        return value


class HolderNameField(StrictText):
    """Who holds the account: a name has at least two characters, and a letter among them."""

    default_error_messages = {"name": _("Write the name as the bank knows it.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=HOLDER_MAX, allow_blank=True, **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        has_letter = any(unicodedata.category(character).startswith("L") for character in name)
        if name and (len(name) == 1 or not has_letter):
            self.fail("name")
        return name


def refuse_half_an_account(told: Mapping[str, Any]) -> None:
    """The IBAN and its holder come together; without the other either is refused."""
    if bool(told.get("iban")) == bool(told.get("holder_name")):
        return
    missing = "holder_name" if told.get("iban") else "iban"
    raise serializers.ValidationError({missing: [BOTH_NEEDED]})
