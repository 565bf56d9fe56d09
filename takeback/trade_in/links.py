"""The links that a customer is mailed: signed for one line, one answer and one amount."""

from datetime import timedelta

from django.conf import settings
from django.core import signing

from takeback.trade_in.queries import Offer
from takeback.trade_in.statuses import Decision

_SALT = "takeback.trade_in"


def token(offer: Offer, decision: Decision) -> str:
    """Lets whoever holds it give this one answer to this one offer, for `TRADE_IN_LINK_DAYS`."""
    return signing.dumps(_meaning(offer, decision), salt=_SALT)


def opens(text: str, offer: Offer, decision: Decision) -> bool:
    """Whether this is a running token for just this answer to the offer as it is now."""
    age = timedelta(days=settings.TRADE_IN_LINK_DAYS)
    try:
        return bool(signing.loads(text, salt=_SALT, max_age=age) == _meaning(offer, decision))
    except signing.BadSignature:
        return False


def link(offer: Offer, decision: Decision) -> str:
    """The whole address (contract S1) with its token."""
    path = f"/users/order_item/{offer.item_id}/tradein_{decision}/"
    return f"{settings.SITE_URL}{path}?token={token(offer, decision)}"


def _meaning(offer: Offer, decision: Decision) -> list[int | str]:
    # The amount belongs to it: who agreed to 100 has not agreed to the 50 offered since.
    return [offer.item_id, decision.value, offer.amount_minor]
