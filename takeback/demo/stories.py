"""The orders that the demo introduces: printed, written to demo.json, and kept free to be tried."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from takeback.accounts.models import Channel
from takeback.archive.models import OldOrder
from takeback.demo.catalogue import article, markets
from takeback.demo.orders import LinePlan, OrderPlan
from takeback.demo.people import CUSTOMER_EMAIL, Person
from takeback.orders.models import Order, OrderItem
from takeback.orders.states import Status

CANCELLABLE, REFUNDABLE, NEEDS_PICKUP = "100200301", "100200302", "100200303"
PARTLY_SHIPPED, MERGED, GUEST, IN_STORE = "100200304", "100200305", "100200306", "100200307"
RETURNING, IN_DOUBT, ENDED, PAST = "100200311", "100200312", "100200313", "100200314"
OLD_ORDER = "OLD-2019-0042"

UNTOUCHED = {CANCELLABLE, REFUNDABLE, NEEDS_PICKUP, PARTLY_SHIPPED, MERGED, GUEST, IN_STORE}
"""Orders without a case, so that there is something left to try."""

_STORIES = {
    "cancellable": CANCELLABLE,
    "refundable": REFUNDABLE,
    "needs_pickup": NEEDS_PICKUP,
    "partly_shipped": PARTLY_SHIPPED,
    "merged": MERGED,
}
_MANY = 4


class Story(TypedDict):
    """An order to try something on, with the lines that it is about."""

    email: str
    number: str
    order: int
    items: list[int]


def introduced(customer: Person, guest: Person, reference: datetime) -> list[OrderPlan]:
    """The orders of the two people whom the demo introduces; they have all that orders can have."""
    approved, shipped, delivered = Status.APPROVED, Status.SHIPPED, Status.DELIVERED
    ended = {"MUG-GREEN": Status.CANCELLED, "SHIRT-L": Status.REFUNDED}

    def plan(number: str, days: float, lines: Mapping[str, int]) -> OrderPlan:
        return OrderPlan(
            number=number,
            person=guest if number == GUEST else customer,
            placed_at=reference - timedelta(days=days),
            lines=[LinePlan(article=article(sku), status=code) for sku, code in lines.items()],
            is_rich=True,
        )

    three = {"MUG-BLUE": approved, "LAMP-RED": approved, "SHIRT-S": approved}
    plans = [
        plan(CANCELLABLE, 0.4, three),
        plan(REFUNDABLE, 5, {"SHIRT-M": delivered, "SCARF-RED": delivered}),
        plan(NEEDS_PICKUP, 6, {"BLANKET-SAND": delivered, "CLOCK-BLUE": delivered}),
        plan(PARTLY_SHIPPED, 3, {"BAG-GREEN": shipped, "BOOK-RED": approved}),
        plan(MERGED, 0.6, {"BOOK-BLUE": approved, "PLANT-GREEN": approved}),
        plan(GUEST, 0.5, {"TEAPOT-SAND": approved, "MUG-SAND": approved}),
        plan(IN_STORE, 5.5, {"BAG-BLUE": delivered}),
        plan(RETURNING, 7, {"LAMP-SAND": delivered, "BOOK-GREEN": delivered}),
        plan(IN_DOUBT, 2, {"CLOCK-GREEN": Status.CANCELLATION_WAITING}),
        plan(ENDED, 40, ended),
        plan(PAST, 120, {"TEAPOT-BLUE": delivered, "SCARF-SAND": delivered}),
    ]
    by_number = {plan.number: plan for plan in plans}
    by_number[MERGED].lines[0].quantity = _MANY
    by_number[RETURNING].lines[0].quantity = 2
    by_number[IN_STORE].to_store = True
    # One customer may shop in several currencies.
    by_number[NEEDS_PICKUP].market = markets()["eur"]
    by_number[PAST].market = markets()["kwd"]
    return plans


def stories(channel: Channel) -> dict[str, Story]:
    """The stories as they stand in the database."""
    numbers = list(_STORIES.values())
    orders = {
        order.number: order for order in Order.objects.filter(channel=channel, number__in=numbers)
    }
    found: dict[str, Story] = {}
    for name, number in _STORIES.items():
        order = orders[number]
        lines = OrderItem.objects.filter(order=order).order_by("id")
        if name == "merged":
            lines = lines.filter(quantity=_MANY)
        items = list(lines.values_list("id", flat=True))
        found[name] = {
            "email": order.user_email,
            "number": number,
            "order": order.pk,
            "items": items,
        }
    return found | {"old_order": _old_order(channel)}


def _old_order(channel: Channel) -> Story:
    order = OldOrder.objects.get(user__channel=channel, user_email=CUSTOMER_EMAIL, number=OLD_ORDER)
    items = order.oldorderitem_set.order_by("id").values_list("id", flat=True)
    return {
        "email": order.user_email,
        "number": order.number,
        "order": order.pk,
        "items": list(items),
    }
