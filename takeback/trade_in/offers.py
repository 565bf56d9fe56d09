"""Trade-in offers, and the signed links with which a customer decides them."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing

from takeback.accounts.policy import shop_policy
from takeback.core.formatting import format_amount
from takeback.orders.models import OrderItem
from takeback.orders.trade_in_offers import offered_minor
from takeback.trade_in.models import Decision

_SALT = "takeback.tradein"


@dataclass(frozen=True, slots=True)
class Offer:
    """The offer for an item; after a decision, the offer that was decided."""

    item_id: int
    channel_id: int
    amount_minor: int
    currency: str
    product: str
    order_number: str
    user_id: int
    email: str
    language: str
    decision: Decision | None

    @property
    def amount(self) -> str:
        """The amount in the format of the active language."""
        return format_amount(self.amount_minor, self.currency)


def offer_of(item_id: int) -> Offer | None:
    """The offer for an item; None for a split-off part, because the original item has the offer."""
    items = OrderItem.objects.filter(pk=item_id, split_from=None)
    row = items.select_related("order", "product", "trade_in").first()
    if row is None:
        return None
    trade_in = getattr(row, "trade_in", None)
    currency = row.order.currency
    key = shop_policy(row.order.channel_id).trade_in_key
    minor = trade_in.amount_minor if trade_in else offered_minor(row.attributes, currency, key)
    if minor is None:
        return None
    return Offer(
        item_id=row.pk,
        channel_id=row.order.channel_id,
        amount_minor=minor,
        currency=currency,
        product=row.product.document.get("name", row.sku),
        order_number=row.order.number,
        user_id=row.order.user_id,
        email=row.order.user_email,
        language=row.order.language_code,
        decision=Decision(trade_in.decision) if trade_in else None,
    )


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
