"""The mail that asks a customer to answer a trade-in offer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from takeback.core import money
from takeback.core.middleware import best_language
from takeback.orders.offers import OFFERED
from takeback.tradein.links import link
from takeback.tradein.queries import Offer, offer_of
from takeback.tradein.states import Decision

TOPIC = OFFERED


class Mail(NamedTuple):
    """A mail that is ready to go."""

    language: str
    recipient: str
    subject: str
    body: str


def handle(key: str, payload: Mapping[str, Any]) -> None:
    """Send the mail of a message of `TOPIC`.

    An offer that was answered or replaced while the message waited is not mailed any more.
    """
    offer = offer_of(payload["order_item"])
    if offer and offer.decision is None and offer.amount_minor == payload["amount_minor"]:
        mail = offer_mail(offer, link(offer, Decision.APPROVED), link(offer, Decision.REJECTED))
        headers = {"Content-Language": mail.language, "Auto-Submitted": "auto-generated"}
        EmailMessage(mail.subject, mail.body, to=[mail.recipient], headers=headers).send()


def offer_mail(offer: Offer, approve: str, reject: str) -> Mail:
    """What we offer, and the two links that answer it; in the language of the order."""
    language = best_language(offer.language)
    told = {
        "number": offer.order_number,
        "product": offer.product,
        "amount": shown_amount(offer),
    }
    with translation.override(language):
        subject = _("Your trade-in offer for order %(number)s") % told
        paragraphs = (
            _("We have valued what you send in with your order %(number)s (%(product)s).") % told,
            _("Our offer: %(amount)s") % told,
            _("To accept the offer, open this page:") + f"\n{approve}",
            _("To reject it, open this page:") + f"\n{reject}",
            _("You can answer once. Please keep the links to yourself."),
        )
    return Mail(language, offer.email, subject, "\n\n".join(paragraphs) + "\n")


def shown_amount(offer: Offer) -> str:
    """The amount with its currency, as `120.00 TRY`."""
    return f"{money.show(offer.amount_minor, offer.currency)} {offer.currency.upper()}"
