"""Values in the words of the desk: amounts, people, products."""

from decimal import Decimal
from typing import Any

from babel.numbers import format_currency
from django.utils.translation import get_language

from takeback.bank_accounts.bank_account import bank_account_of, mask_iban
from takeback.cancellations.models import CancellationRequest
from takeback.core.money import show


def amount(minor: int, currency: str) -> str:
    """Money as people write it in the reader's language: 11,87 ₺."""
    told = Decimal(show(minor, currency))
    return str(format_currency(told, currency.upper(), locale=get_language() or "en"))


def product_name(document: Any, sku: str) -> str:
    """What the shop calls it; its stock number when it calls it nothing."""
    name = document.get("name") if isinstance(document, dict) else None
    return str(name or sku)


def account(case: CancellationRequest, *, whole: bool) -> tuple[str, str] | None:
    """IBAN and holder: in full for whoever works with money, else the ends and no name."""
    kept = bank_account_of(case)
    if kept is None:
        return None
    if not whole:
        return mask_iban(kept.iban), ""
    return " ".join(kept.iban[at : at + 4] for at in range(0, len(kept.iban), 4)), kept.holder_name
