"""The shop of the model's test: three customers, two guests, an agent, and what they bought."""

from dataclasses import dataclass, replace
from typing import Any

from takeback.accounts.customer_input import CustomerIn
from takeback.cancellations.commands.import_completed import imported_reason
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.orders.models import Order
from takeback.orders.order_input import DiscountIn, ItemIn, OrderIn, TenderIn
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.reference_model import Carrier, Line, Person, Purchase, Reason, World


@dataclass
class Shop:
    """Everybody, everything, and the orders as they were told."""

    world: World
    people: list[Person]
    agent: Person
    told: dict[str, OrderIn]
    imported_reason: int


def merged(name: str, units: int, goods: int) -> ItemIn:
    """Several units in one line."""
    return factories.item_input(
        remote_id=name, quantity=units, goods_minor=goods, attributes={"quantity": units}
    )


def single(name: str, goods: int) -> ItemIn:
    """A piece."""
    return factories.item_input(remote_id=name, goods_minor=goods)


def delivered(item: ItemIn) -> ItemIn:
    """It came a moment ago."""
    return replace(item, status=550, invoice_number="INV", delivered_date=factories.NOW)


CASH = {"tenders": [TenderIn(kind="funds_transfer", amount_minor=5_000, captured_minor=5_000)]}
ORDERS: list[tuple[str, dict[str, Any]]] = [
    (
        "a@example.com",
        {
            "currency": "jpy",
            "items": [single("1", 1000), merged("2", 3, 1000)],
            "discounts": [DiscountIn(name="x", amount_minor=101)],
            "shipping_minor": 50,
        },
    ),
    ("a@example.com", {"currency": "try", "items": [delivered(single("1", 1187))]}),
    (
        "b@example.com",
        {
            "currency": "try",
            "items": [merged("1", 7, 10_000), single("2", 5), delivered(merged("3", 2, 333))],
            "discounts": [
                DiscountIn(name="x", amount_minor=1_000),
                DiscountIn(name="y", amount_minor=77, items=("1",)),
            ],
            "fee_minor": 13,
            "interest_minor": 29,
        },
    ),
    (
        "c@example.com",
        {"currency": "kwd", "items": [delivered(merged("1", 4, 4_999)), single("2", 1)]} | CASH,
    ),
    ("", {"currency": "kwd", "items": [merged("1", 5, 12_345), delivered(single("2", 1_250))]}),
    ("", {"currency": "jpy", "items": [merged("1", 2, 4_000), single("2", 1_000)]} | CASH),
]
"""Whose order (nobody's: a guest's), and what is in it."""


def make_shop() -> Shop:
    """Orders of two thousand minor units or so, three reasons of each kind, two carriers."""
    world, told = World(placed=factories.NOW), {}
    people: dict[str, Person] = {}
    for index, (email, fields) in enumerate(ORDERS):
        number = str(index)
        who = CustomerIn(
            email=email or f"guest{index}@example.com",
            user_type="registered" if email else "guest",
        )
        told[number] = factories.order_input(number=number, customer=who, **fields)
        factories.create_channel()
        factories.ingest(told[number])
        order = Order.objects.get(number=number)
        owner = people.get(email) or _person(email, order)
        people[owner.name] = owner
        copies = frozenset({order.shipping_address_id, order.billing_address_id})
        purchase = Purchase(order.pk, number, owner, "tenders" in fields, copies)
        for item in factories.items_of(order):
            world.lines[item.pk] = Line(
                item.pk,
                item.remote_id,
                purchase,
                item.quantity,
                bool(item.attributes),
                status=item.status,
                is_invoiced=bool(item.invoice_number),
                arrived=item.delivered_date,
            )
    _offer(world)
    agent = Person("agent", Actor(ActorKind.STAFF, 1), OrderScope(factories.SHOP))
    return Shop(world, list(people.values()), agent, told, imported_reason())


def _person(email: str, order: Order) -> Person:
    if not email:
        scope = OrderScope(factories.SHOP, order_ids=frozenset({order.pk}))
        return Person(order.number, Actor(ActorKind.GUEST, order.pk), scope)
    book = frozenset({factories.create_address(user=order.user).pk})
    scope = OrderScope(factories.SHOP, user_id=order.user_id)
    return Person(email, Actor(ActorKind.CUSTOMER, order.user_id), scope, book)


def _offer(world: World) -> None:
    for kind in Kind:
        for needs_words in (False, True):
            row = factories.create_reason(kind=kind, extra_information_needed=needs_words)
            world.reasons[row.pk] = Reason(kind, needs_words)
    # Numbers of their own, so that the model tells reasons and carriers apart.
    for number, needs_pickup in enumerate((False, True), start=1_000_000):
        factories.create_carrier(pk=number, needs_pickup=needs_pickup)
        world.carriers[number] = Carrier(needs_pickup)
