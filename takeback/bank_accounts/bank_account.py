"""Bank accounts: valid IBANs, how they are masked, encrypted and compared."""

import re
import unicodedata
from typing import NamedTuple, Protocol
from uuid import UUID

from django.utils.crypto import salted_hmac
from stdnum import iban as standard
from stdnum.exceptions import ValidationError

from takeback.core.encryption import decrypt, encrypt


class BankAccount(NamedTuple):
    """Where money without a card goes: a valid IBAN without spaces, and who holds it."""

    iban: str
    holder_name: str


IBAN_MAX = 34


_SEPARATORS = re.compile(r"[ -]")
# Check digits go from 02 to 98: the sums of 97, 98 and 02 would also come out for 00, 01 and 99,
# and one account would have two numbers.
_ALPHABET = re.compile(r"[A-Z]{2}(?!00|01|99)[0-9]{2}[A-Z0-9]{11,30}", re.ASCII | re.IGNORECASE)


class NotAnIban(ValueError):
    """The text is no account number: its form, its length or its check digits are wrong."""


def normalize_iban(text: str) -> str:
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


def is_holder_name(name: str) -> bool:
    """Whether the name has at least two characters, and a letter among them."""
    letters = (character for character in name if unicodedata.category(character).startswith("L"))
    return len(name) > 1 and any(letters)


def mask_iban(iban: str) -> str:
    """The ends only, for everybody but the owner and staff who pay.

    >>> masked("TR330006100519786457841326")
    'TR33 •••• 1326'
    """
    return f"{iban[:4]} •••• {iban[-4:]}"


def mask_name(name: str) -> str:
    """The first letter of every word: enough to recognise a holder, too little to pay one.

    >>> masked_name("Ayla Ray")
    'A••• R•••'
    """
    return " ".join(f"{word[0]}•••" for word in name.split())


class HasBankAccount(Protocol):
    """The part of a case that says where money goes."""

    @property
    def uuid(self) -> UUID: ...
    @property
    def iban_encrypted(self) -> str | None: ...
    @property
    def holder_name_encrypted(self) -> str | None: ...


def bank_account_of(case: HasBankAccount) -> BankAccount | None:
    """The bank account that a case names, opened."""
    if case.iban_encrypted is None:
        return None
    context = str(case.uuid)
    holder = case.holder_name_encrypted
    return BankAccount(
        decrypt(case.iban_encrypted, context), decrypt(holder, context) if holder else ""
    )


def encrypted_columns(account: BankAccount, uuid: UUID) -> dict[str, str]:
    """The columns in which the case with this `uuid` keeps its account; `account_of` opens them."""
    context = str(uuid)
    return {
        "iban_encrypted": encrypt(account.iban, context),
        "holder_name_encrypted": encrypt(account.holder_name, context),
        "iban_index": blind_index(account.iban),
    }


def blind_index(iban: str) -> str:
    """64 hex digits, equal for equal accounts and of no use without our secret.

    It hangs on SECRET_KEY: after a change, accounts from before are not recognised any more.
    """
    digest = salted_hmac("takeback.bank_accounts.bank_account", iban, algorithm="sha256")
    return digest.hexdigest()
