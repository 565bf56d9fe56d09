"""The shop of the model test: three customers, two guests, an agent and their orders."""

from dataclasses import dataclass, replace
from typing import Any

from takeback.accounts.customer_input import CustomerIn
from takeback.cancellations.commands.import_completed import get_or_create_imported_reason
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import ItemId
from takeback.orders.models import Order
from takeback.orders.order_input import DiscountIn, ItemIn, OrderIn, PaymentIn
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.reference_model import (
    ModelCarrier,
    ModelItem,
    ModelOrder,
    ModelReason,
    ReferenceModel,
    Requester,
)


@dataclass
class Shop:
    """The model, its requesters, and the inputs of its orders by number."""

    model: ReferenceModel
    shoppers: list[Requester]
    agent: Requester
    inputs: dict[str, OrderIn]
    get_or_create_imported_reason: int


def merged(remote_id: str, units: int, goods: int) -> ItemIn:
    """An item of several units."""
    return factories.item_input(
        remote_id=remote_id, quantity=units, goods_minor=goods, attributes={"quantity": units}
    )


def single(remote_id: str, goods: int) -> ItemIn:
    """An item of one unit."""
    return factories.item_input(remote_id=remote_id, goods_minor=goods)


def delivered(item: ItemIn) -> ItemIn:
    """An item that has just been delivered."""
    return replace(item, status=550, invoice_number="INV", delivered_date=factories.NOW)


CASH = {"payments": [PaymentIn(kind="funds_transfer", amount_minor=5_000, captured_minor=5_000)]}
POINTS_AND_CARD = {
    "payments": [
        PaymentIn(kind="credit_card", amount_minor=9_000, captured_minor=9_000),
        PaymentIn(kind="loyalty_money", amount_minor=303, captured_minor=303),
    ]
}
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
        }
        | POINTS_AND_CARD,
    ),
    (
        "c@example.com",
        {"currency": "kwd", "items": [delivered(merged("1", 4, 4_999)), single("2", 1)]} | CASH,
    ),
    ("", {"currency": "kwd", "items": [merged("1", 5, 12_345), delivered(single("2", 1_250))]}),
    ("", {"currency": "jpy", "items": [merged("1", 2, 4_000), single("2", 1_000)]} | CASH),
]
"""The customers' addresses and their orders; an order without address belongs to a guest."""


def make_shop() -> Shop:
    """Insert the orders, four reasons and two carriers, and build their model."""
    model, inputs = ReferenceModel(placed_at=factories.NOW), {}
    shoppers: dict[str, Requester] = {}
    factories.create_channel()
    for index, (email, fields) in enumerate(ORDERS):
        number = str(index)
        customer = CustomerIn(
            email=email or f"guest{index}@example.com",
            user_type="registered" if email else "guest",
        )
        inputs[number] = factories.order_input(number=number, customer=customer, **fields)
        factories.ingest(inputs[number])
        order = Order.objects.get(number=number)
        owner = shoppers.get(email) or _shopper(email, order)
        shoppers[owner.name] = owner
        address_ids = frozenset({order.shipping_address_id, order.billing_address_id})
        is_cash = fields.get("payments") == CASH["payments"]
        model_order = ModelOrder(order.pk, number, owner, is_cash, address_ids)
        for item in factories.items_of(order):
            item_id = ItemId(item.pk)
            model.items[item_id] = ModelItem(
                item_id,
                item.remote_id,
                model_order,
                item.quantity,
                bool(item.attributes),
                status=item.status,
                is_invoiced=bool(item.invoice_number),
                delivered=item.delivered_date,
                shipped=item.shipped_date,
            )
    _make_reasons_and_carriers(model)
    agent = Requester("agent", Actor(ActorKind.STAFF, 1), OrderScope(factories.SHOP))
    return Shop(model, list(shoppers.values()), agent, inputs, get_or_create_imported_reason())


def _shopper(email: str, order: Order) -> Requester:
    if not email:
        scope = OrderScope(factories.SHOP, order_ids=frozenset({order.pk}))
        return Requester(order.number, Actor(ActorKind.GUEST, order.pk), scope)
    address_book = frozenset({factories.create_address(user=order.user).pk})
    scope = OrderScope(factories.SHOP, user_id=order.user_id)
    return Requester(email, Actor(ActorKind.CUSTOMER, order.user_id), scope, address_book)


def _make_reasons_and_carriers(model: ReferenceModel) -> None:
    for kind in Kind:
        for needs_description in (False, True):
            row = factories.create_reason(kind=kind, extra_information_needed=needs_description)
            model.reasons[row.pk] = ModelReason(kind, needs_description)
    # The ids of carriers differ from those of reasons: the test draws from both.
    for carrier_id, needs_pickup in enumerate((False, True), start=1_000_000):
        factories.create_carrier(pk=carrier_id, needs_pickup=needs_pickup)
        model.carriers[carrier_id] = ModelCarrier(needs_pickup)
