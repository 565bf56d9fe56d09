"""Reading trade-in offers."""

from dataclasses import dataclass

from takeback.accounts.policy import shop_policy
from takeback.core import money
from takeback.orders.models import OrderItem
from takeback.orders.trade_in_offers import offered_minor
from takeback.trade_in.statuses import Decision


@dataclass(frozen=True, slots=True)
class Offer:
    """The offer of a line; once answered, as it was then."""

    item_id: int
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
        """The amount with its currency, as `120.00 TRY`."""
        return f"{money.show(self.amount_minor, self.currency)} {self.currency.upper()}"


def offer_of(item_id: int) -> Offer | None:
    """The line's offer; None for a part that was set apart: the line itself has the offer."""
    found = OrderItem.objects.filter(pk=item_id, split_from=None)
    row = found.select_related("order", "product", "trade_in").first()
    if row is None:
        return None
    answer = getattr(row, "trade_in", None)
    currency = row.order.currency
    key = shop_policy(row.order.channel_id).trade_in_key
    minor = answer.amount_minor if answer else offered_minor(row.attributes, currency, key)
    if minor is None:
        return None
    return Offer(
        item_id=row.pk,
        amount_minor=minor,
        currency=currency,
        product=row.product.document.get("name", row.sku),
        order_number=row.order.number,
        user_id=row.order.user_id,
        email=row.order.user_email,
        language=row.order.language_code,
        decision=Decision(answer.decision) if answer else None,
    )
