"""The orders that the demo introduces: printed, written to demo.json, and kept free to be tried."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from takeback.accounts.models import Channel
from takeback.archive.models import OldOrder
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Status as CaseStatus
from takeback.demo.catalogue import article, markets
from takeback.demo.orders import LinePlan, OrderPlan
from takeback.demo.people import CUSTOMER_EMAIL, Person
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import Status

CANCELLABLE, REFUNDABLE, NEEDS_PICKUP = "100200301", "100200302", "100200303"
PARTLY_SHIPPED, MERGED, GUEST, IN_STORE = "100200304", "100200305", "100200306", "100200307"
TRADE_IN = "100200308"
RETURNING, IN_DOUBT, ENDED, PAST = "100200311", "100200312", "100200313", "100200314"
ASKING, REVIEWED, DIVIDED, BY_TRANSFER = "100200315", "100200316", "100200317", "100200318"
OLD_ORDER = "OLD-2019-0042"

UNTOUCHED = {
    CANCELLABLE,
    REFUNDABLE,
    NEEDS_PICKUP,
    PARTLY_SHIPPED,
    MERGED,
    GUEST,
    IN_STORE,
    TRADE_IN,
}
"""Orders without a case, so that there is something left to try."""
ASKED = {ASKING, DIVIDED, BY_TRANSFER}
"""Orders whose cases come about through the real commands."""
DECIDED = {
    RETURNING: CaseStatus.WAITING,
    REVIEWED: CaseStatus.WAITING_APPROVAL,
    IN_DOUBT: CaseStatus.APPROVED,
}
"""Orders with a case per line, and where it stands."""
REQUESTS = {
    "waiting": (ASKING, "MUG-BLUE"),
    "waiting_approval": (REVIEWED, "PLANT-GREEN"),
    "confirmed": (DIVIDED, "BOOK-RED"),
    "approved": (IN_DOUBT, "CLOCK-GREEN"),
    "completed": (ENDED, "MUG-GREEN"),
    "rejected": (ASKING, "SCARF-RED"),
    "withdrawn": (ASKING, "SHIRT-S"),
    "unconfirmed_account": (BY_TRANSFER, "MUG-SAND"),
    "with_pictures": (RETURNING, "LAMP-SAND"),
}
"""The introduced requests: order number and article of each."""

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


class Request(TypedDict):
    """A request to look at; its item is the line that it is about now."""

    id: int
    email: str
    number: str
    order: int
    item: int


def introduced(customer: Person, guest: Person, reference: datetime) -> list[OrderPlan]:
    """The orders of the two people whom the demo introduces; they have all that orders can have."""
    plans = [
        OrderPlan(
            number=number,
            person=guest if number in {GUEST, BY_TRANSFER} else customer,
            placed_at=reference - timedelta(days=days),
            lines=[LinePlan(article=article(sku), status=code) for sku, code in lines.items()],
            is_rich=True,
        )
        for number, days, lines in _told()
    ]
    by_number = {plan.number: plan for plan in plans}
    by_number[MERGED].lines[0].quantity = by_number[DIVIDED].lines[0].quantity = _MANY
    by_number[RETURNING].lines[0].quantity = 2
    by_number[IN_STORE].to_store = True
    by_number[BY_TRANSFER].payment = "funds_transfer"
    by_number[TRADE_IN].lines[0].trade_in_cents = 1_500
    # One customer may shop in several currencies.
    by_number[NEEDS_PICKUP].market = markets()["eur"]
    by_number[PAST].market = markets()["kwd"]
    return plans


def _told() -> list[tuple[str, float, Mapping[str, int]]]:
    """Number, age in days, and the status of each article."""
    approved, shipped, delivered = Status.APPROVED, Status.SHIPPED, Status.DELIVERED
    three = {"MUG-BLUE": approved, "LAMP-RED": approved, "SHIRT-S": approved}
    ended = {"MUG-GREEN": Status.CANCELLED, "SHIRT-L": Status.REFUNDED}
    return [
        (CANCELLABLE, 0.4, three),
        (REFUNDABLE, 5, {"SHIRT-M": delivered, "SCARF-RED": delivered}),
        (NEEDS_PICKUP, 6, {"BLANKET-SAND": delivered, "CLOCK-BLUE": delivered}),
        (PARTLY_SHIPPED, 3, {"BAG-GREEN": shipped, "BOOK-RED": approved}),
        (MERGED, 0.6, {"BOOK-BLUE": approved, "PLANT-GREEN": approved}),
        (GUEST, 0.5, {"TEAPOT-SAND": approved, "MUG-SAND": approved}),
        (IN_STORE, 5.5, {"BAG-BLUE": delivered}),
        (TRADE_IN, 0.7, {"CLOCK-BLUE": approved, "MUG-GREEN": approved}),
        (RETURNING, 7, {"LAMP-SAND": delivered, "BOOK-GREEN": delivered}),
        (IN_DOUBT, 2, {"CLOCK-GREEN": Status.CANCELLATION_WAITING}),
        (ENDED, 40, ended),
        (PAST, 120, {"TEAPOT-BLUE": delivered, "SCARF-SAND": delivered}),
        (ASKING, 4.5, {"MUG-BLUE": delivered, "SCARF-RED": delivered, "SHIRT-S": delivered}),
        (REVIEWED, 4, {"PLANT-GREEN": delivered}),
        (DIVIDED, 0.8, {"BOOK-RED": approved, "LAMP-RED": approved}),
        (BY_TRANSFER, 0.3, {"MUG-SAND": approved, "BOOK-GREEN": approved}),
    ]


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


def requests(channel: Channel) -> dict[str, Request]:
    """The introduced requests as they stand; an older version's shop may lack some."""
    first: dict[tuple[str, str], CancellationRequest] = {}
    numbers = {number for number, _ in REQUESTS.values()}
    cases = CancellationRequest.objects.select_related("order_item__order").filter(
        order_item__order__channel=channel, order_item__order__number__in=numbers
    )
    for case in cases.order_by("-id"):
        first[case.order_item.order.number, case.order_item.sku] = case
    return {name: _request(first[about]) for name, about in REQUESTS.items() if about in first}


def _request(case: CancellationRequest) -> Request:
    order = case.order_item.order
    return {
        "id": case.pk,
        "email": order.user_email,
        "number": order.number,
        "order": order.pk,
        "item": case.order_item_id,
    }
