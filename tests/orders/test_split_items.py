"""Promise P8 for splits: a new item holds exactly the amounts of its units."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest
import zeal
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from takeback.cancellations.commands.import_completed import (
    CompletedCase,
    get_or_create_imported_reason,
    record_completed,
)
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import ItemId
from takeback.core.money import units_value
from takeback.orders.audit import unbalanced_orders
from takeback.orders.commands.ingest import REFUSED, UPDATED
from takeback.orders.commands.split_item import split_items
from takeback.orders.models import BenefitApplicant, Order, OrderItem
from takeback.orders.order_input import DiscountIn, ItemIn, LoyaltyIn, OrderIn
from takeback.orders.scope import OrderScope
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import tables

pytestmark = pytest.mark.django_db

LATER = factories.NOW + timedelta(hours=1)
COMPONENTS = (
    "goods_minor",
    "discount_minor",
    "tax_minor",
    "shipping_minor",
    "fee_minor",
    "interest_minor",
    "retail_minor",
)
_amounts = attrgetter(*COMPONENTS)


@st.composite
def splittable_orders(draw: st.DrawFn) -> OrderIn:
    """A merged item of 2 to 12 units and another item, under up to three discounts."""
    units = draw(st.integers(2, 12))
    goods = draw(st.integers(0, 10**6))
    off = draw(st.lists(st.integers(0, goods // 3), max_size=3))
    retail = draw(st.none() | st.integers(0, 10**6))
    merged = factories.item_input(
        goods_minor=goods,
        quantity=units,
        retail_minor=retail,
        tax_rate=Decimal(draw(st.integers(0, 3000))) / 100,
        attributes={"quantity": units, "colour": "red"} if draw(st.booleans()) else {},
    )
    return factories.order_input(
        currency=draw(st.sampled_from(["jpy", "try", "kwd"])),
        items=[
            merged,
            factories.item_input(remote_id="2", goods_minor=draw(st.integers(0, 10**6))),
        ],
        discounts=[
            DiscountIn(name=str(number), amount_minor=amount, items=("1",))
            for number, amount in enumerate(off)
        ],
        shipping_minor=draw(st.integers(0, 10**4)),
        fee_minor=draw(st.integers(0, 10**4)),
        interest_minor=draw(st.integers(0, 10**4)),
        loyalty=[LoyaltyIn(uuid=UUID(int=1), amount_minor=draw(st.integers(0, 100)))],
    )


@dataclass
class Part:
    """The units of the original item that an item holds; the first `closed` ones are closed."""

    pk: int
    units: list[int]
    closed: int = 0

    def split(self, count: int, pk: int) -> "Part":
        """Move the next `count` units to a new item."""
        moved = self.units[self.closed : self.closed + count]
        del self.units[self.closed : self.closed + count]
        return Part(pk, moved)


@dataclass
class Original:
    """The item as it was imported: the amounts of each unit never change."""

    item: OrderItem
    parts: list[Part] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = [Part(self.item.pk, list(range(self.item.quantity)))]

    def amount(self, component: str, unit: int) -> int | None:
        """A unit's share of a component."""
        total = getattr(self.item, component)
        return None if total is None else units_value(total, self.item.quantity, unit, 1)


def close_or_split(data: st.DataObject, original: Original) -> None:
    """Close some units of a part, or split some off."""
    part = data.draw(st.sampled_from([p for p in original.parts if p.closed < len(p.units)]))
    count = data.draw(st.integers(1, len(part.units) - part.closed))
    if data.draw(st.integers(0, 2)) == 0 or count == len(part.units):
        part.closed += count
        OrderItem.objects.filter(pk=part.pk).update(units_closed=part.closed)
    else:
        new = factories.split_item(part.pk, count, now=LATER)
        original.parts.append(part.split(count, new.pk))


def check(order: Order, original: Original) -> None:
    """All parts together equal the original item, unit by unit."""
    items = {item.pk: item for item in factories.items_of(order) if item.remote_id != "2"}
    assert items.keys() == {part.pk for part in original.parts}
    for part in original.parts:
        item = items[part.pk]
        assert (item.quantity, item.units_closed) == (len(part.units), part.closed)
        key = {"quantity": item.quantity} if original.item.attributes else {}
        assert item.attributes == original.item.attributes | key
        assert item.split_from_id == (None if part.pk == original.item.pk else original.item.pk)
        for component in COMPONENTS:
            total = getattr(item, component)
            amounts = [
                None if total is None else units_value(total, item.quantity, index, 1)
                for index in range(item.quantity)
            ]
            assert amounts == [original.amount(component, unit) for unit in part.units]
    assert sorted(unit for part in original.parts for unit in part.units) == list(
        range(original.item.quantity)
    )
    names = sorted(item.remote_id for item in items.values())
    assert names == sorted(["1", *(f"1/{number}" for number in range(1, len(names)))])


def shares(order: Order) -> tuple[Counter[int], Counter[int]]:
    """The sums of the shares by discount and by item."""
    by_discount, by_item = Counter[int](), Counter[int]()
    for share in BenefitApplicant.objects.filter(discount_item__order=order):
        assert share.amount_minor >= 0
        by_discount[share.discount_item_id] += share.amount_minor
        by_item[share.order_item_id] += share.amount_minor
    return by_discount, by_item


@hypothesis_settings(max_examples=hypothesis_settings().max_examples // 2)
@given(order_in=splittable_orders(), data=st.data())
def test_any_splits_add_up_and_keep_the_amounts_of_each_unit(
    order_in: OrderIn, data: st.DataObject
) -> None:
    with zeal.zeal_ignore(), transaction.atomic():
        order = factories.create_order(**{name: getattr(order_in, name) for name in _DRAWN_FIELDS})
        original = Original(factories.items_of(order)[0])
        by_discount, _ = shares(order)
        for _ in range(data.draw(st.integers(1, 12))):
            if all(part.closed == len(part.units) for part in original.parts):
                break
            close_or_split(data, original)
            check(order, original)
            assert Order.objects.get(pk=order.pk).is_finalized
            assert unbalanced_orders(order.pk, order.pk) == []
            now_by_discount, by_item = shares(order)
            assert now_by_discount == by_discount
            assert by_item == Counter(
                {item.pk: item.discount_minor for item in factories.items_of(order)}
            )
        transaction.set_rollback(True)


_DRAWN_FIELDS = (
    "currency",
    "items",
    "discounts",
    "shipping_minor",
    "fee_minor",
    "interest_minor",
    "loyalty",
)


def split_order(**fields: Any) -> tuple[Order, OrderItem, OrderItem]:
    """An item of seven units for 10.00 under two discounts, of which two are split off."""
    defaults: dict[str, Any] = {
        "items": [factories.item_input(quantity=7, attributes={"quantity": 7})],
        "discounts": [
            DiscountIn(name="a", amount_minor=100),
            DiscountIn(name="b", amount_minor=33),
        ],
        "shipping_minor": 50,
    }
    order = factories.create_order(**defaults | fields)
    part = factories.split_item(factories.items_of(order)[0].pk, 2, now=LATER)
    return order, factories.items_of(order)[0], part


def test_first_units_carry_the_larger_amounts() -> None:
    _, rest, part = split_order()

    assert (part.quantity, *_amounts(part)) == (2, 286, 38, 0, 15, 0, 0, None)
    assert (rest.quantity, *_amounts(rest)) == (5, 714, 95, 0, 35, 0, 0, None)
    rows = BenefitApplicant.objects.order_by("discount_item_id", "order_item_id")
    assert list(rows.values_list("order_item_id", "amount_minor")) == [
        (rest.pk, 71),
        (part.pk, 29),
        (rest.pk, 24),
        (part.pk, 9),
    ]


def test_new_item_copies_the_other_columns() -> None:
    order = factories.create_order(
        items=[
            factories.item_input(
                quantity=2, status=Status.SHIPPED, tracking_number="TN", invoice_number="INV"
            )
        ]
    )
    [item] = factories.items_of(order)

    part = factories.split_item(item.pk, 1, now=LATER)

    stored = OrderItem.objects.get(pk=part.pk)
    assert (stored.status, stored.tracking_number, stored.invoice_number) == (500, "TN", "INV")
    assert (stored.sku, stored.product_id, stored.created_date) == (
        item.sku,
        item.product_id,
        LATER,
    )
    assert (stored.split_from_id, stored.remote_id, stored.attributes) == (item.pk, "1/1", {})
    assert factories.items_of(order)[0].modified_date == LATER


@pytest.mark.parametrize("units", [-1, 0, 6, 7, 8])
def test_closed_or_missing_units_cannot_be_split_off(units: int) -> None:
    order = factories.create_order(items=[factories.item_input(quantity=7)])
    OrderItem.objects.update(units_closed=2)
    before = tables()

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.split_item(factories.items_of(order)[0].pk, units, now=LATER)

    assert tables() == before


def test_remote_id_of_new_item_is_unique_and_fits_the_column() -> None:
    long = "L" * 126 + "/1"
    order = factories.create_order(
        items=[
            factories.item_input(remote_id="A", quantity=3),
            factories.item_input(remote_id="A/1"),
            factories.item_input(remote_id=long, quantity=3),
        ]
    )
    first, _, third = factories.items_of(order)

    with zeal.zeal_ignore():
        parts = [
            factories.split_item(item.pk, 1, now=LATER) for item in (first, third, first, third)
        ]

    assert [part.remote_id for part in parts] == ["A/2", "L" * 126 + "/2", "A/3", "L" * 126 + "/3"]


def import_again(order: OrderIn) -> tuple[str, list[str]]:
    """Import the order; returns the result and the refused fields."""
    [outcome] = factories.ingest(order, now=LATER)
    return outcome.result, sorted(outcome.refused)


def unsplit_order() -> OrderIn:
    """The order of `split_order` as the channel sends it, with one item."""
    return factories.order_input(
        items=[factories.item_input(quantity=7, attributes={"quantity": 7})],
        discounts=[
            DiscountIn(name="a", amount_minor=100),
            DiscountIn(name="b", amount_minor=33),
        ],
        shipping_minor=50,
    )


def test_importing_again_updates_all_parts_of_an_item() -> None:
    order, _, _ = split_order()
    before = {item.pk: (item.quantity, *_amounts(item)) for item in factories.items_of(order)}
    changed = factories.item_input(
        quantity=7,
        attributes={"quantity": 7, "note": "fragile"},
        status=Status.SHIPPED,
        tracking_number="TN",
    )

    assert import_again(replace(unsplit_order(), items=[changed])) == (UPDATED, [])

    items = factories.items_of(order)
    assert {item.pk: (item.quantity, *_amounts(item)) for item in items} == before
    assert [(item.status, item.tracking_number) for item in items] == [(500, "TN")] * 2
    assert [item.attributes for item in items] == [
        {"quantity": 5, "note": "fragile"},
        {"quantity": 2, "note": "fragile"},
    ]
    assert Order.objects.get().status == Status.SHIPPED
    assert unbalanced_orders(order.pk, order.pk) == []


def test_importing_again_keeps_the_status_of_a_part_with_a_case() -> None:
    order, _, part = split_order()
    OrderItem.objects.filter(pk=part.pk).update(status=Status.CANCELLATION_WAITING)
    Order.objects.update(status=Status.CANCELLATION_WAITING)
    item = factories.item_input(quantity=7, attributes={"quantity": 7}, status=Status.SHIPPED)

    assert import_again(replace(unsplit_order(), items=[item])) == (UPDATED, [])

    assert [item.status for item in factories.items_of(order)] == [500, 50]
    assert Order.objects.get().status == Status.CANCELLATION_WAITING


@pytest.mark.parametrize(
    ("stored", "sent", "status"),
    [([100, 100], 500, 100), ([100, 400], 500, 500), ([600, 100], 500, 100), ([50, 50], 450, 50)],
)
def test_status_of_order_follows_items_with_statuses_set_by_cases(
    stored: list[int], sent: int, status: int
) -> None:
    order = factories.create_order(
        items=[factories.item_input(), factories.item_input(remote_id="2")]
    )
    for item, code in zip(factories.items_of(order), stored, strict=True):
        OrderItem.objects.filter(pk=item.pk).update(status=code)
    again = factories.order_input(
        status=sent,
        items=[factories.item_input(status=sent), factories.item_input(remote_id="2", status=sent)],
    )

    assert import_again(again) == (UPDATED, [])

    assert Order.objects.get().status == status


CONTRADICTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "quantity": ({"quantity": 6}, ["order_item.0.quantity"]),
    "goods": ({"goods_minor": 1001}, ["order_item.0.price"]),
    "tax": ({"tax_minor": 1}, ["order_item.0.tax_amount"]),
    "remaining units": (
        {"quantity": 5, "goods_minor": 714},
        ["order_item.0.price", "order_item.0.quantity"],
    ),
    "remote id": ({"remote_id": "1/1"}, ["order_item.0"]),
}


@pytest.mark.parametrize(("changed", "fields"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_importing_a_split_order_with_other_amounts_is_refused(
    changed: dict[str, Any], fields: list[str]
) -> None:
    split_order()
    before = tables()
    item: ItemIn = factories.item_input(**{"quantity": 7, "attributes": {"quantity": 7}} | changed)

    assert import_again(replace(unsplit_order(), items=[item])) == (REFUSED, fields)
    assert tables() == before


def test_importing_the_parts_as_separate_items_is_refused() -> None:
    split_order()
    parts = [
        factories.item_input(quantity=5, goods_minor=714, attributes={"quantity": 5}),
        factories.item_input(
            remote_id="1/1", quantity=2, goods_minor=286, attributes={"quantity": 2}
        ),
    ]

    assert import_again(replace(unsplit_order(), items=parts))[0] == REFUSED


def test_units_left_after_an_imported_case_can_be_split() -> None:
    order = factories.create_order(
        items=[factories.item_input(quantity=7, attributes={"quantity": 7})]
    )
    [item] = factories.items_of(order)
    completed = CompletedCase(ItemId(item.pk), 3, "C1", factories.NOW)
    record_completed(
        factories.SHOP, [completed], reason_id=get_or_create_imported_reason(), now=factories.NOW
    )
    new = NewCase(
        order_item=ItemId(item.pk),
        kind=Kind.CANCEL,
        reason=factories.create_reason().pk,
        quantity=2,
    )
    staff, scope = Actor(ActorKind.STAFF, 1), OrderScope(factories.SHOP)

    [case] = open_cases([new], scope, actor=staff, now=LATER)
    confirm(case, scope, actor=staff, now=LATER)

    rest, part = factories.items_of(order)
    assert (rest.quantity, rest.units_closed, rest.goods_minor) == (5, 3, 714)
    assert (part.quantity, part.units_closed, part.goods_minor) == (2, 0, 286)
    remaining = replace(new, quantity=None)
    with zeal.zeal_ignore():
        [case] = open_cases([remaining], scope, actor=staff, now=LATER)
        confirm(case, scope, actor=staff, now=LATER)
    assert [item.quantity for item in factories.items_of(order)] == [5, 2]
    assert [item.status for item in factories.items_of(order)] == [50, 50]


def test_an_item_and_its_part_can_be_split_together() -> None:
    _, item, part = split_order()

    new = split_items([(item, 1), (part, 1)], now=LATER)

    assert [new[old.pk].remote_id for old in (item, part)] == ["1/2", "1/3"]
