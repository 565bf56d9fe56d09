"""Bank accounts: validating, masking, encrypting and comparing IBANs."""

import re
import unicodedata
from typing import NamedTuple, Protocol
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac
from stdnum import iban as standard
from stdnum.exceptions import ValidationError

from takeback.core.encryption import decrypt, encrypt


class BankAccount(NamedTuple):
    """The target of a bank transfer: a valid IBAN without spaces, and the holder's name."""

    iban: str
    holder_name: str


IBAN_MAX = 34
_SEPARATORS = re.compile(r"[ -]")
# Check digits run from 02 to 98. The checksum also accepts 00, 01 and 99 in place of 97, 98 and 02,
# which would give one account two IBANs.
_IBAN = re.compile(r"[A-Z]{2}(?!00|01|99)[0-9]{2}[A-Z0-9]{11,30}", re.ASCII | re.IGNORECASE)


class NotAnIban(ValueError):
    """The text is not an IBAN: its characters, length or check digits are wrong."""


def normalize_iban(text: str) -> str:
    """The IBAN in capitals without spaces; its country's length and its check digits are valid.

    Only ASCII is accepted: the library computes with digits of other scripts, too, and some letters
    become ASCII in upper case.
    """
    compact = _SEPARATORS.sub("", text)
    if not _IBAN.fullmatch(compact):
        raise NotAnIban
    try:
        # The library's lists of banks per country are out of date too soon.
        return str(standard.validate(compact.upper(), check_country=False))
    except ValidationError as error:
        raise NotAnIban from error


def is_holder_name(name: str) -> bool:
    """Whether the name has at least two characters, and a letter among them."""
    letters = (character for character in name if unicodedata.category(character).startswith("L"))
    return len(name) > 1 and any(letters)


def mask_iban(iban: str) -> str:
    """The first and last four characters, for everyone except the owner and staff who pay.

    >>> mask_iban("TR330006100519786457841326")
    'TR33 •••• 1326'
    """
    return f"{iban[:4]} •••• {iban[-4:]}"


VERIFIED_CHARACTERS = 4


def iban_start(iban: str) -> str:
    """The first four characters, where the last four are asked for.

    >>> iban_start("TR330006100519786457841326")
    'TR33 ••••'
    """
    return f"{iban[:4]} ••••"


def has_iban_end(iban: str, text: str) -> bool:
    """Whether a person typed the last four characters of the IBAN, in digits of any script."""
    characters = unicodedata.normalize("NFKC", text)
    typed = "".join(
        str(unicodedata.decimal(character, character)) for character in characters
    ).upper()
    end = _SEPARATORS.sub("", typed).strip()
    return constant_time_compare(end, iban[-VERIFIED_CHARACTERS:])


def mask_name(name: str) -> str:
    """The first letter of each word: enough to recognise the holder, too little for a transfer.

    >>> mask_name("Ayla Ray")
    'A••• R•••'
    """
    return " ".join(f"{word[0]}•••" for word in name.split())


class HasBankAccount(Protocol):
    @property
    def uuid(self) -> UUID: ...
    @property
    def iban_encrypted(self) -> str | None: ...
    @property
    def holder_name_encrypted(self) -> str | None: ...


def bank_account_of(case: HasBankAccount) -> BankAccount | None:
    if case.iban_encrypted is None:
        return None
    context = str(case.uuid)
    holder = case.holder_name_encrypted
    return BankAccount(
        decrypt(case.iban_encrypted, context), decrypt(holder, context) if holder else ""
    )


def encrypted_columns(account: BankAccount, uuid: UUID) -> dict[str, str]:
    """The columns of a case with this `uuid`; `bank_account_of` decrypts them."""
    context = str(uuid)
    return {
        "iban_encrypted": encrypt(account.iban, context),
        "holder_name_encrypted": encrypt(account.holder_name, context),
        "iban_index": blind_index(account.iban),
    }


def blind_index(iban: str) -> str:
    """A keyed hash of 64 hex digits: finds equal accounts without decrypting any.

    It depends on SECRET_KEY: after a change, older accounts are no longer recognised.
    """
    return salted_hmac("takeback.cancellations.bank", iban, algorithm="sha256").hexdigest()
