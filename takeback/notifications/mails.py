"""What a mail says, in the language in which the order was placed."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from takeback.cancellations.bank_account_links import link_of, masked_account
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE, Kind, Status
from takeback.core.middleware import best_language

_STEERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of whatever follows them."""
_UNCHECKED = (Status.WAITING, Status.WAITING_APPROVAL)
_RTL_MARK, _ISOLATE, _END = "\u200f", "\u2068", "\u2069"


class Mail(NamedTuple):
    """A mail that is ready to go."""

    language: str
    recipient: str
    subject: str
    body: str


class Line(NamedTuple):
    """One thing that was asked."""

    kind: str
    name: str
    quantity: int


class Account(NamedTuple):
    """A bank account that waits for its owner's word."""

    masked: str
    link: str


def received(cases: Sequence[CancellationRequest]) -> Mail:
    """We have what you asked in one go, of one order; and is this your bank account?"""
    with translation.override(language_of(cases[0])):
        number = one_line(cases[0].order_item.order.number)
        subject = _("We have received your request for order %(number)s") % {"number": number}
        context = {
            "accounts": _accounts(cases),
            "days": settings.BANK_ACCOUNT_LINK_DAYS,
            "waits": any(case.status in _UNCHECKED for case in cases),
            "has_returns": any(case.cancellation_type == Kind.RETURN for case in cases),
        }
        return _mail("received", subject, cases, context)


def rejected(case: CancellationRequest, note: str | None) -> Mail:
    """The shop has said no, perhaps with a note."""
    with translation.override(language_of(case)):
        number = one_line(case.order_item.order.number)
        subject = _("Your request for order %(number)s was declined") % {"number": number}
        return _mail("rejected", subject, [case], {"note": _paragraph(note or "")})


def account_changed(case: CancellationRequest) -> Mail | None:
    """Another bank account has been noted: is it yours? None when nobody waits for an answer."""
    with translation.override(language_of(case)):
        accounts = _accounts([case])
        if not accounts:
            return None
        number = one_line(case.order_item.order.number)
        subject = _("Please confirm the bank account for order %(number)s") % {"number": number}
        context = {"account": accounts[0], "days": settings.BANK_ACCOUNT_LINK_DAYS}
        return _mail("account_changed", subject, [case], context)


def language_of(case: CancellationRequest) -> str:
    """The order's language as far as we speak it, else the site's."""
    return best_language(case.order_item.order.language_code)


def one_line(text: str) -> str:
    """Somebody's words without line breaks and whatever else would change what is around them."""
    plain = _STEERING.sub("", text)
    return " ".join("".join(" " if _breaks(char) else char for char in plain).split())


def _breaks(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def _paragraph(text: str) -> str:
    return "\n".join(one_line(line) for line in text.splitlines()).strip()


def _mail(
    name: str, subject: str, cases: Sequence[CancellationRequest], context: dict[str, Any]
) -> Mail:
    order = cases[0].order_item.order
    context |= {
        "number": one_line(order.number),
        "lines": [_line(case) for case in cases],
        "shop": one_line(order.channel.name),
    }
    return composed(name, order.user_email, subject, context)


def composed(name: str, recipient: str, subject: str, context: dict[str, Any]) -> Mail:
    """The mail of a template, in the present language."""
    body = render_to_string(f"notifications/{name}.txt", context)
    language = translation.get_language() or settings.LANGUAGE_CODE
    return Mail(language, recipient, subject, _set(body))


def _line(case: CancellationRequest) -> Line:
    item = case.order_item
    name = one_line(str(item.product.document.get("name") or item.sku))
    return Line(case.cancellation_type, isolated(name), case.quantity)


def _accounts(cases: Sequence[CancellationRequest]) -> list[Account]:
    """Each account that nobody has confirmed yet, once."""
    waiting = {
        case.iban_index: case
        for case in cases
        if case.iban_index and case.status in LIVE and not case.is_bank_account_confirmed
    }
    return [Account(isolated(masked_account(case)), link_of(case)) for case in waiting.values()]


def isolated(value: str) -> str:
    """A value that may run the other way than the text around it."""
    foreign = any(unicodedata.bidirectional(char) in {"R", "AL"} for char in value)
    return f"{_ISOLATE}{value}{_END}" if foreign or get_language_bidi() else value


def _set(body: str) -> str:
    """Paragraphs one blank line apart; where text runs from the right, each line says so itself.

    Mail programs take a line's direction from its first letter, and that may be a product's.
    Links stay bare: a mark would become part of them.
    """
    text = re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"
    if not get_language_bidi():
        return text
    return re.sub(r"^(?=.)(?!https?://)", _RTL_MARK, text, flags=re.MULTILINE)
