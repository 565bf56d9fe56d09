"""The mail that asks a customer to answer a trade-in offer."""

from django.utils import translation
from django.utils.translation import gettext as _

from takeback.core.middleware import best_language
from takeback.notifications.mails import Mail, composed, isolated, one_line
from takeback.notifications.sending import send
from takeback.outbox.worker import Delivery
from takeback.tradein.links import link
from takeback.tradein.queries import Offer, offer_of
from takeback.tradein.states import Decision


def tell_offer(delivery: Delivery) -> None:
    """An offer that was answered or replaced while the message waited is not mailed any more."""
    told = delivery.payload
    offer = offer_of(told["order_item"])
    if offer and offer.decision is None and offer.amount_minor == told["amount_minor"]:
        approve, reject = (link(offer, decision) for decision in Decision)
        send(offer_mail(offer, approve, reject), delivery.key)


def offer_mail(offer: Offer, approve: str, reject: str) -> Mail:
    """What we offer, and the two links that answer it; in the language of the order."""
    with translation.override(best_language(offer.language)):
        number = one_line(offer.order_number)
        subject = _("Your trade-in offer for order %(number)s") % {"number": number}
        context = {
            "number": number,
            "product": isolated(one_line(offer.product)),
            "amount": isolated(offer.amount),
            "approve": approve,
            "reject": reject,
        }
        return composed("offered", offer.email, subject, context)
