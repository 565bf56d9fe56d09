"""The mail that asks a customer to answer a trade-in offer."""

from django.utils import translation
from django.utils.translation import gettext as _

from takeback.core.middleware import best_language
from takeback.notifications.mails import Mail, composed, isolated, one_line
from takeback.trade_in.queries import Offer


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
