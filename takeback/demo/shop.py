"""Loading the demo shop: the same day always gives the same shop."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from takeback.accounts.models import Channel
from takeback.archive.models import OldOrder, OldOrderItem
from takeback.cancellations.models import CancellationReason
from takeback.core.actor import Actor, ActorKind
from takeback.core.db.bulk import refresh_statistics
from takeback.demo import cases, people, stories
from takeback.demo.asked import add_asked
from takeback.demo.catalogue import Catalogue, articles
from takeback.demo.chance import happens
from takeback.demo.orders import LinePlan, OrderPlan, order_of
from takeback.demo.people import Person
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders.commands.ingest import CREATED, Snapshots, ingest_orders
from takeback.orders.models import DiscountItem, LoyaltyTransaction, Order, OrderItem, Tender
from takeback.orders.statuses import Status

ORDERS = 2_000
CHANNEL = 1
"""What STOREFRONT_CHANNEL is when nobody sets it."""

_SEED = 20_260
_MARK = "demo_reference"
_BATCH = 500
_OLD_ORDERS = 60
_NUMBERS = range(200_000_000_000_000, 1_000_000_000_000_000)

# Which statuses an order may have, by its age in days: {status: weight}.
_BY_AGE: tuple[tuple[float, dict[int, int]], ...] = (
    (2, {200: 30, 300: 10, 350: 10, 400: 30, 450: 8, 50: 6, 100: 6}),
    (5, {400: 15, 450: 35, 500: 25, 510: 12, 50: 5, 100: 8}),
    (9, {500: 15, 510: 15, 520: 15, 540: 10, 550: 40, 50: 5}),
    (1_000, {550: 78, 100: 10, 600: 9, 520: 2, 540: 1}),
)

Progress = Callable[[int], None]


def reference_of(channel: Channel | None) -> datetime | None:
    """The day on which the demo shop was loaded; None when this is no demo shop."""
    kept = channel.conf.get(_MARK) if channel else None
    return datetime.fromisoformat(kept) if kept else None


@transaction.atomic
def load(reference: datetime, site_url: str, progress: Progress) -> Channel:
    """Fill an empty database, wholly or not at all; `reference` is the day the dates hang on.

    `progress` is told how many orders have been written.
    """
    rng = Random(_SEED)  # noqa: S311 - a made-up shop, the same every time
    channel = Channel.objects.create(
        pk=CHANNEL,
        name="Demo shop",
        catalog=1,
        category_tree="demo",
        conf={_MARK: reference.isoformat()},
        schema={"version": 1},
        created_date=reference - timedelta(days=800),
        modified_date=reference - timedelta(days=800),
    )
    cases.add_reasons(reference)
    cases.add_carriers()
    people.add_places()
    crowd = people.crowd(rng)
    users = people.add_people(channel, crowd, reference)
    _add_orders(_plans(rng, crowd, reference), Catalogue(site_url, reference), rng, progress)
    refresh_statistics(Order, OrderItem, Tender)
    _date_rows()
    _add_parents()
    staff = Actor(ActorKind.STAFF, people.staff_of(channel).pk)
    cases.add_cases(reference, rng, staff)
    add_asked(staff)
    _add_old_orders(rng, crowd, users, reference)
    _continue_numbering(Channel, CancellationReason, EasyReturnShippingCompany)
    return channel


def _plans(rng: Random, crowd: list[Person], reference: datetime) -> list[OrderPlan]:
    """All orders, oldest first, so that newer ones have larger ids."""
    plans = stories.introduced(crowd[0], crowd[1], reference)
    numbers = rng.sample(_NUMBERS, ORDERS - len(plans))
    plans += [_plan(rng, str(number), rng.choice(crowd[2:]), reference) for number in numbers]
    return sorted(plans, key=lambda plan: (plan.placed_at, plan.number))


def _plan(rng: Random, number: str, person: Person, reference: datetime) -> OrderPlan:
    # Half of the orders are young: there something may still be asked for.
    days = rng.uniform(0.05, 14) if happens(rng, 0.5) else rng.uniform(9, 400)
    weights = next(weights for oldest, weights in _BY_AGE if days < oldest)
    codes = rng.choices(list(weights), list(weights.values()), k=2)
    mixed = happens(rng, 0.2)
    lines = [
        _line(rng, codes[1] if mixed and index else codes[0])
        for index in range(rng.choices([1, 2, 3, 4, 6], [35, 30, 20, 10, 5])[0])
    ]
    payment = rng.choices(
        ["credit_card", "saved_card", "funds_transfer", "pay_on_delivery"], [55, 20, 15, 10]
    )[0]
    if Status.PAYMENT_WAITING in (line.status for line in lines):
        payment = "funds_transfer"
    return OrderPlan(
        number=number,
        person=person,
        placed_at=reference - timedelta(minutes=int(days * 1_440)),
        lines=lines,
        payment=payment,
    )


def _line(rng: Random, status: int) -> LinePlan:
    return LinePlan(
        article=rng.choice(articles()),
        status=status,
        quantity=rng.choice([2, 3, 4, 6]) if happens(rng, 0.15) else 1,
        is_invoiced=status == Status.PREPARING and happens(rng, 0.5),
        is_delivered=status == Status.CANCELLATION_WAITING and happens(rng, 0.3),
    )


def _add_orders(
    plans: list[OrderPlan], catalogue: Catalogue, rng: Random, progress: Progress
) -> None:
    snapshots = Snapshots()
    for batch in _batches(plans):
        told = [order_of(plan, catalogue, rng) for plan in batch]
        outcomes = ingest_orders(
            CHANNEL, told, source="demo", now=batch[-1].placed_at, snapshots=snapshots
        )
        for outcome in outcomes:
            assert outcome.result == CREATED, outcome
        progress(len(batch))


def _batches(plans: list[OrderPlan]) -> Iterator[list[OrderPlan]]:
    return (plans[start : start + _BATCH] for start in range(0, len(plans), _BATCH))


def _date_rows() -> None:
    """Rows as old as what they tell; a batch gives all its rows one moment."""
    placed = Subquery(Order.objects.filter(pk=OuterRef("order_id")).values("placed_at"))
    for model in (OrderItem, DiscountItem, LoyaltyTransaction):
        model.objects.update(created_date=placed)
    OrderItem.objects.update(
        modified_date=Coalesce("delivered_date", "shipped_date", "invoice_date", "created_date")
    )
    Order.objects.update(created_date=F("placed_at"), modified_date=F("placed_at"))


def _add_parents() -> None:
    """In the introduced orders a second line came along with the first."""
    numbers = stories.UNTOUCHED
    items = OrderItem.objects.filter(order__number__in=numbers).order_by("order_id", "id")
    first: dict[int, int] = {}
    for item in items:
        parent = first.setdefault(item.order_id, item.pk)
        if parent != item.pk:
            item.details["parent"] = parent
    OrderItem.objects.bulk_update(items, ["details"])


def _add_old_orders(
    rng: Random, crowd: list[Person], users: dict[str, int], reference: datetime
) -> None:
    """What a former system knew; three of them are the customer's."""
    registered = [person for person in crowd if person.code]
    owners = [crowd[0]] * 3 + rng.sample(registered[1:], _OLD_ORDERS - 3)
    orders, lines = [], []
    for number, person in enumerate(owners, 42):
        sold = rng.sample(articles(), 2)
        prices = [person.market.price(article.cents) for article in sold]
        off = prices[0] // 10
        order = _old_order(person, number, reference)
        order.user_id = users[person.email]
        order.amount_minor, order.discount_minor = sum(prices) - off, off
        orders.append(order)
        lines += [
            OldOrderItem(
                old_order=order,
                product=article.names[person.market.language],
                sku=article.sku,
                quantity=1,
                price_minor=price,
                image_url=f"https://old.example.com/{article.sku.lower()}.jpg",
                extra_field={"shelf": "old"},
            )
            for article, price in zip(sold, prices, strict=True)
        ]
    OldOrder.objects.bulk_create(orders)
    OldOrderItem.objects.bulk_create(lines)


def _old_order(person: Person, number: int, reference: datetime) -> OldOrder:
    home = person.book[0]
    address = f"{home.line}, {home.district}, {home.township}, {home.city}"
    return OldOrder(
        number=f"OLD-2019-{number:04}",
        user_email=person.email,
        status="delivered",
        created_date=reference - timedelta(days=2_500 - number),
        currency=person.market.currency,
        payment_type="credit card",
        bank=f"Demo Bank {person.market.country.upper()}",
        installment_count=3 if person.market.currency == "try" else 1,
        tracking_number=f"OLDTRK{number}",
        shipping_company="extension",
        shipping_address=address,
        billing_address=address,
        extra_field={"system": "before 2020"},
    )


def _continue_numbering(*written: type[models.Model]) -> None:
    """Rows that came with a number of our choice do not move PostgreSQL's counter on."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), written):
            cursor.execute(statement)
