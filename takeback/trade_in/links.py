"""The links of an offer mail: a signed token for one item, one decision and one amount."""

from datetime import timedelta

from django.conf import settings
from django.core import signing

from takeback.accounts.policy import shop_policy
from takeback.trade_in.models import Decision
from takeback.trade_in.queries import Offer

_SALT = "takeback.tradein"


def make_token(offer: Offer, decision: Decision) -> str:
    """A token that authorizes this decision about this offer for `trade_in_link_days`."""
    return signing.dumps(_payload(offer, decision), salt=_SALT)


def is_valid_token(token: str, offer: Offer, decision: Decision) -> bool:
    """Whether the token is fresh and authorizes this decision about the present offer."""
    age = timedelta(days=shop_policy(offer.channel_id).trade_in_link_days)
    try:
        return bool(signing.loads(token, salt=_SALT, max_age=age) == _payload(offer, decision))
    except signing.BadSignature:
        return False


def make_link(offer: Offer, decision: Decision) -> str:
    path = f"/users/order_item/{offer.item_id}/tradein_{decision}/"
    return f"{settings.SITE_URL}{path}?token={make_token(offer, decision)}"


def _payload(offer: Offer, decision: Decision) -> list[int | str]:
    # The amount is part of it: consent to 100 is no consent to a later offer of 50.
    return [offer.item_id, decision.value, offer.amount_minor]
