"""The texts of mails, in the language of the order."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from takeback.accounts.channels import shop_brand
from takeback.accounts.policy import shop_policy
from takeback.cancellations.amounts import refundable_amounts
from takeback.cancellations.bank_account_links import link_of, masked_account
from takeback.cancellations.eligibility import CASH
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.plans import refund_total
from takeback.cancellations.queries import paid_by_means
from takeback.cancellations.statuses import LIVE, Kind, Status
from takeback.core.formatting import format_amount
from takeback.core.middleware import best_language
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem, Payment
from takeback.refunds.statuses import Means
from takeback.trade_in.offers import Offer

# Characters that change the direction of the text after them.
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Control characters, surrogates, and separators of lines and paragraphs.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNDER_REVIEW = (Status.WAITING, Status.WAITING_APPROVAL)
_RTL_MARK, _ISOLATE, _END = "\u200f", "\u2068", "\u2069"


class Mail(NamedTuple):
    """A mail; `shop` is the name of its sender."""

    language: str
    recipient: str
    subject: str
    body: str
    shop: str = ""


def received_mail(cases: Sequence[CancellationRequest]) -> Mail:
    """The receipt of cases that were opened together, with links to confirm bank accounts."""
    with translation.override(language_of(cases[0])):
        number = single_line(cases[0].order_item.order.number)
        subject = _("We have received your request for order %(number)s") % {"number": number}
        context = {
            "accounts": _unconfirmed_accounts(cases),
            "is_under_review": any(case.status in _UNDER_REVIEW for case in cases),
            "has_returns": any(case.cancellation_type == Kind.RETURN for case in cases),
        }
        return _case_mail("received", subject, cases, context)


def approved_mail(
    case: CancellationRequest, message: str | None, *, is_preview: bool = False
) -> Mail:
    """The amount of an approved refund, how it is paid, and how the item is sent back.

    A preview has no link that confirms a bank account: only the mailbox of the order gets it.
    """
    with translation.override(language_of(case)):
        order = case.order_item.order
        number = single_line(order.number)
        subject = _("Your request for order %(number)s was approved") % {"number": number}
        plan = case.plan
        minor = refundable_amounts(case).goods
        if plan is not None:
            is_forced, total = plan.forced_refund_minor is not None, refund_total(plan)
            # Without a charge the plan refunds nothing.
            minor = total if is_forced else min(minor, total)
        accounts = _unconfirmed_accounts([case], is_preview=is_preview)
        context = {
            "amount": _isolate(format_amount(minor, order.currency)) if minor else "",
            "destination": _destination(case),
            "account": accounts[0] if accounts else {"masked": _isolate(masked_account(case))},
            "is_return": case.cancellation_type == Kind.RETURN,
            "shipping": _shipping(case.easy_return) if case.easy_return else None,
            "message": _lines(message),
        }
        return _case_mail("approved", subject, [case], context)


def completed_mail(cases: Sequence[CancellationRequest]) -> Mail | None:
    """The refund of a plan, by the means with which it was paid; None if there is none."""
    order = cases[0].order_item.order
    paid = paid_by_means(cases[0].plan_id or 0)
    if not paid:
        return None
    accounts = {account for case in cases if (account := masked_account(case))}
    with translation.override(language_of(cases[0])):
        number = single_line(order.number)
        subject = _("Your refund for order %(number)s was paid") % {"number": number}
        context = {
            "amount": _isolate(format_amount(sum(paid.values()), order.currency)),
            "parts": [
                {"means": means, "amount": _isolate(format_amount(minor, order.currency))}
                for means, minor in paid.items()
            ],
            "account": _isolate(accounts.pop()) if len(accounts) == 1 else "",
            "is_shown_by_bank": not {Means.ORIGINAL, Means.BANK_TRANSFER}.isdisjoint(paid),
        }
        return _case_mail("completed", subject, cases, context)


def _destination(case: CancellationRequest) -> str:
    """Where the refund of a case goes."""
    if case.fully_refund_as_loyalty_money:
        return "points"
    if case.iban_index:
        return "account"
    # What was paid in cash or by transfer cannot be returned the same way.
    is_cash = Payment.objects.filter(order=case.order_item.order, kind__in=CASH).exists()
    return "unknown" if is_cash else "payment"


def _shipping(easy_return: EasyReturn) -> dict[str, Any]:
    """The return shipment, as far as it is arranged."""
    pickup = easy_return.pickup_date or {}
    hours = pickup.get("hour_range") or {}
    return {
        "carrier": _isolate(single_line(easy_return.carrier_label)),
        "code": _isolate(single_line(easy_return.code or "")) if easy_return.code else "",
        "is_pickup": easy_return.pickup_address_id is not None,
        "pickup_day": pickup.get("date"),
        "pickup_start": hours.get("start"),
        "pickup_end": hours.get("end"),
    }


def rejected_mail(case: CancellationRequest, message: str | None) -> Mail:
    with translation.override(language_of(case)):
        number = single_line(case.order_item.order.number)
        subject = _("Your request for order %(number)s was declined") % {"number": number}
        return _case_mail("rejected", subject, [case], {"message": _lines(message)})


def _lines(message: str | None) -> str:
    """A message of several lines, without other control characters."""
    return "\n".join(single_line(line) for line in (message or "").splitlines()).strip()


def account_changed_mail(case: CancellationRequest) -> Mail | None:
    """The link that confirms a changed bank account; None if nothing needs confirmation."""
    with translation.override(language_of(case)):
        accounts = _unconfirmed_accounts([case])
        if not accounts:
            return None
        number = single_line(case.order_item.order.number)
        subject = _("Please confirm the bank account for order %(number)s") % {"number": number}
        return _case_mail("account_changed", subject, [case], {"account": accounts[0]})


def offer_mail(offer: Offer, approve: str, reject: str) -> Mail:
    """A trade-in offer and the two links that decide it."""
    with translation.override(best_language(offer.language)):
        number = single_line(offer.order_number)
        subject = _("Your trade-in offer for order %(number)s") % {"number": number}
        context = {
            "number": number,
            "shop": single_line(shop_brand(offer.channel_id).name),
            "product": _isolate(single_line(offer.product)),
            "amount": _isolate(offer.amount),
            "approve": approve,
            "reject": reject,
        }
        return compose("offered", offer.email, subject, context)


def single_line(text: str) -> str:
    """Foreign text on one line, without control characters."""
    return " ".join(_BREAKS.sub(" ", _BIDI_CONTROLS.sub("", text)).split())


def language_of(case: CancellationRequest) -> str:
    """The language of the order if it is supported, else that of the site."""
    return best_language(case.order_item.order.language_code)


def _case_mail(
    template: str, subject: str, cases: Sequence[CancellationRequest], context: dict[str, Any]
) -> Mail:
    order = cases[0].order_item.order
    context |= {
        "number": single_line(order.number),
        "items": [
            {
                "kind": case.cancellation_type,
                "name": _isolate(single_line(_product_name(case.order_item))),
                "quantity": case.quantity,
            }
            for case in cases
        ],
        "shop": single_line(order.channel.name),
        "days": shop_policy(order.channel_id).bank_account_link_days,
    }
    return compose(template, order.user_email, subject, context)


def compose(template: str, recipient: str, subject: str, context: dict[str, Any]) -> Mail:
    body = render_to_string(f"notifications/{template}.txt", context)
    language = translation.get_language() or settings.LANGUAGE_CODE
    return Mail(language, recipient, subject, _format(body), context.get("shop", ""))


def _product_name(item: OrderItem) -> str:
    return str(item.product.document.get("name") or item.sku)


def _unconfirmed_accounts(
    cases: Sequence[CancellationRequest], *, is_preview: bool = False
) -> list[dict[str, str]]:
    by_account = {
        case.iban_index: case
        for case in cases
        if case.iban_index and case.status in LIVE and not case.is_bank_account_confirmed
    }
    return [
        {
            "masked": _isolate(masked_account(case)),
            "link": f"{settings.SITE_URL}/…" if is_preview else link_of(case),
        }
        for case in by_account.values()
    ]


def _isolate(value: str) -> str:
    """Isolate a value whose direction may differ from that of the text around it."""
    is_rtl = any(unicodedata.bidirectional(char) in {"R", "AL"} for char in value)
    return f"{_ISOLATE}{value}{_END}" if is_rtl or get_language_bidi() else value


def _format(body: str) -> str:
    """Separate paragraphs by one blank line; in RTL languages mark the direction of each line.

    Mail programs take a line's direction from its first letter, which may be that of a product.
    Links and codes get no mark, because it would become a part of them.
    """
    text = re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"
    if not get_language_bidi():
        return text
    return re.sub(r"^(?=.)(?!https?://|[0-9]+$)", _RTL_MARK, text, flags=re.MULTILINE)
