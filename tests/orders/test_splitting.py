"""Units set apart get a line of their own, worth to the minor unit what they were worth (P8)."""

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
    Completed,
    imported_reason,
    record_completed,
)
from takeback.cancellations.commands.open import open_case
from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.money import units_worth
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
_worth = attrgetter(*COMPONENTS)


@st.composite
def splittable_orders(draw: st.DrawFn) -> OrderIn:
    """One merged line of 2 to 12 units among others, under up to three discounts."""
    units = draw(st.integers(2, 12))
    goods = draw(st.integers(0, 10**6))
    off = draw(st.lists(st.integers(0, goods // 3), max_size=3))
    retail = draw(st.none() | st.integers(0, 10**6))
    merged = factories.item_in(
        goods_minor=goods,
        quantity=units,
        retail_minor=retail,
        tax_rate=Decimal(draw(st.integers(0, 3000))) / 100,
        attributes={"quantity": units, "colour": "red"} if draw(st.booleans()) else {},
    )
    return factories.order_in(
        currency=draw(st.sampled_from(["jpy", "try", "kwd"])),
        items=[merged, factories.item_in(remote_id="2", goods_minor=draw(st.integers(0, 10**6)))],
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
    """Which units of the line as it arrived a line stands for, and how many of them are gone."""

    pk: int
    units: list[int]
    used: int = 0

    def cut(self, count: int, pk: int) -> "Part":
        """The next `count` units leave for a line of their own."""
        taken = self.units[self.used : self.used + count]
        del self.units[self.used : self.used + count]
        return Part(pk, taken)


@dataclass
class Whole:
    """The line as it arrived: each unit's worth is fixed for good."""

    line: OrderItem
    parts: list[Part] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = [Part(self.line.pk, list(range(self.line.quantity)))]

    def worth(self, component: str, unit: int) -> int | None:
        """A unit's share of a component."""
        total = getattr(self.line, component)
        return None if total is None else units_worth(total, self.line.quantity, unit, 1)


def act(data: st.DataObject, whole: Whole) -> None:
    """Give some units of a part back, or set some of them apart."""
    part = data.draw(st.sampled_from([p for p in whole.parts if p.used < len(p.units)]))
    count = data.draw(st.integers(1, len(part.units) - part.used))
    if data.draw(st.integers(0, 2)) == 0 or count == len(part.units):
        part.used += count
        OrderItem.objects.filter(pk=part.pk).update(units_closed=part.used)
    else:
        made = factories.set_apart(part.pk, count, now=LATER)
        whole.parts.append(part.cut(count, made.pk))


def check(order: Order, whole: Whole) -> None:
    """All parts together are the line as it arrived, unit by unit."""
    lines = {line.pk: line for line in factories.items_of(order) if line.remote_id != "2"}
    assert lines.keys() == {part.pk for part in whole.parts}
    for part in whole.parts:
        line = lines[part.pk]
        assert (line.quantity, line.units_closed) == (len(part.units), part.used)
        key = {"quantity": line.quantity} if whole.line.attributes else {}
        assert line.attributes == whole.line.attributes | key
        assert line.split_from_id == (None if part.pk == whole.line.pk else whole.line.pk)
        for component in COMPONENTS:
            total = getattr(line, component)
            paid = [
                None if total is None else units_worth(total, line.quantity, index, 1)
                for index in range(line.quantity)
            ]
            assert paid == [whole.worth(component, unit) for unit in part.units]
    assert sorted(unit for part in whole.parts for unit in part.units) == list(
        range(whole.line.quantity)
    )
    names = sorted(line.remote_id for line in lines.values())
    assert names == sorted(["1", *(f"1/{number}" for number in range(1, len(names)))])


def shares(order: Order) -> tuple[Counter[int], Counter[int]]:
    """What each discount took off in all, and what was taken off each line."""
    by_discount, by_line = Counter[int](), Counter[int]()
    for share in BenefitApplicant.objects.filter(discount_item__order=order):
        assert share.amount_minor >= 0
        by_discount[share.discount_item_id] += share.amount_minor
        by_line[share.order_item_id] += share.amount_minor
    return by_discount, by_line


@hypothesis_settings(max_examples=hypothesis_settings().max_examples // 2)
@given(order_in=splittable_orders(), data=st.data())
def test_every_split_adds_up_and_no_unit_changes_its_worth(
    order_in: OrderIn, data: st.DataObject
) -> None:
    with zeal.zeal_ignore(), transaction.atomic():
        order = factories.make_order(**{name: getattr(order_in, name) for name in _told})
        whole = Whole(factories.items_of(order)[0])
        by_discount, _ = shares(order)
        for _ in range(data.draw(st.integers(1, 12))):
            if all(part.used == len(part.units) for part in whole.parts):
                break
            act(data, whole)
            check(order, whole)
            assert Order.objects.get(pk=order.pk).is_finalized
            assert unbalanced_orders(order.pk, order.pk) == []
            now_by_discount, by_line = shares(order)
            assert now_by_discount == by_discount
            assert by_line == Counter(
                {line.pk: line.discount_minor for line in factories.items_of(order)}
            )
        transaction.set_rollback(True)


_told = (
    "currency",
    "items",
    "discounts",
    "shipping_minor",
    "fee_minor",
    "interest_minor",
    "loyalty",
)


def split_order(**fields: Any) -> tuple[Order, OrderItem, OrderItem]:
    """Seven units worth 10.00 under two discounts, of which two have been set apart."""
    told: dict[str, Any] = {
        "items": [factories.item_in(quantity=7, attributes={"quantity": 7})],
        "discounts": [
            DiscountIn(name="a", amount_minor=100),
            DiscountIn(name="b", amount_minor=33),
        ],
        "shipping_minor": 50,
    }
    order = factories.make_order(**told | fields)
    part = factories.set_apart(factories.items_of(order)[0].pk, 2, now=LATER)
    return order, factories.items_of(order)[0], part


def test_the_first_units_are_the_heavier_ones() -> None:
    _, rest, part = split_order()

    assert (part.quantity, *_worth(part)) == (2, 286, 38, 0, 15, 0, 0, None)
    assert (rest.quantity, *_worth(rest)) == (5, 714, 95, 0, 35, 0, 0, None)
    found = BenefitApplicant.objects.order_by("discount_item_id", "order_item_id")
    assert list(found.values_list("order_item_id", "amount_minor")) == [
        (rest.pk, 71),
        (part.pk, 29),
        (rest.pk, 24),
        (part.pk, 9),
    ]


def test_a_part_is_as_its_line_was() -> None:
    order = factories.make_order(
        items=[
            factories.item_in(
                quantity=2, status=Status.SHIPPED, tracking_number="TN", invoice_number="INV"
            )
        ]
    )
    [line] = factories.items_of(order)

    part = factories.set_apart(line.pk, 1, now=LATER)

    told = OrderItem.objects.get(pk=part.pk)
    assert (told.status, told.tracking_number, told.invoice_number) == (500, "TN", "INV")
    assert (told.sku, told.product_id, told.created_date) == (line.sku, line.product_id, LATER)
    assert (told.split_from_id, told.remote_id, told.attributes) == (line.pk, "1/1", {})
    assert factories.items_of(order)[0].modified_date == LATER


@pytest.mark.parametrize("units", [-1, 0, 6, 7, 8])
def test_units_that_are_not_there_cannot_be_set_apart(units: int) -> None:
    order = factories.make_order(items=[factories.item_in(quantity=7)])
    OrderItem.objects.update(units_closed=2)
    before = tables()

    with pytest.raises(IntegrityError), transaction.atomic():
        factories.set_apart(factories.items_of(order)[0].pk, units, now=LATER)

    assert tables() == before


def test_a_name_that_is_taken_or_too_long_is_not_given() -> None:
    long = "L" * 126 + "/1"
    order = factories.make_order(
        items=[
            factories.item_in(remote_id="A", quantity=3),
            factories.item_in(remote_id="A/1"),
            factories.item_in(remote_id=long, quantity=3),
        ]
    )
    first, _, third = factories.items_of(order)

    with zeal.zeal_ignore():
        parts = [
            factories.set_apart(line.pk, 1, now=LATER) for line in (first, third, first, third)
        ]

    assert [part.remote_id for part in parts] == ["A/2", "L" * 126 + "/2", "A/3", "L" * 126 + "/3"]


def told_again(order: OrderIn) -> tuple[str, str | None]:
    """What became of the order, and why."""
    [outcome] = factories.tell(order, now=LATER)
    return outcome.result, outcome.reason


def as_split() -> OrderIn:
    """The order of `split_order` as its shop knows it: in one line."""
    return factories.order_in(
        items=[factories.item_in(quantity=7, attributes={"quantity": 7})],
        discounts=[
            DiscountIn(name="a", amount_minor=100),
            DiscountIn(name="b", amount_minor=33),
        ],
        shipping_minor=50,
    )


def test_an_order_told_again_moves_all_parts_of_a_line() -> None:
    order, _, _ = split_order()
    before = {line.pk: (line.quantity, *_worth(line)) for line in factories.items_of(order)}
    line = factories.item_in(
        quantity=7,
        attributes={"quantity": 7, "note": "fragile"},
        status=Status.SHIPPED,
        tracking_number="TN",
    )

    assert told_again(replace(as_split(), items=[line])) == (UPDATED, None)

    lines = factories.items_of(order)
    assert {line.pk: (line.quantity, *_worth(line)) for line in lines} == before
    assert [(line.status, line.tracking_number) for line in lines] == [(500, "TN")] * 2
    assert [line.attributes for line in lines] == [
        {"quantity": 5, "note": "fragile"},
        {"quantity": 2, "note": "fragile"},
    ]
    assert Order.objects.get().status == Status.SHIPPED
    assert unbalanced_orders(order.pk, order.pk) == []


def test_an_order_told_again_leaves_the_part_alone_that_waits_for_its_end() -> None:
    order, _, part = split_order()
    OrderItem.objects.filter(pk=part.pk).update(status=Status.CANCELLATION_WAITING)
    Order.objects.update(status=Status.CANCELLATION_WAITING)
    line = factories.item_in(quantity=7, attributes={"quantity": 7}, status=Status.SHIPPED)

    assert told_again(replace(as_split(), items=[line])) == (UPDATED, None)

    assert [line.status for line in factories.items_of(order)] == [500, 50]
    assert Order.objects.get().status == Status.CANCELLATION_WAITING


@pytest.mark.parametrize(
    ("ended", "told", "status"),
    [([100, 100], 500, 100), ([100, 400], 500, 500), ([600, 100], 500, 100), ([50, 50], 450, 50)],
)
def test_an_order_told_again_does_not_come_back_to_life(
    ended: list[int], told: int, status: int
) -> None:
    order = factories.make_order(items=[factories.item_in(), factories.item_in(remote_id="2")])
    for line, code in zip(factories.items_of(order), ended, strict=True):
        OrderItem.objects.filter(pk=line.pk).update(status=code)
    moved = factories.order_in(
        status=told,
        items=[factories.item_in(status=told), factories.item_in(remote_id="2", status=told)],
    )

    assert told_again(moved) == (UPDATED, None)

    assert Order.objects.get().status == status


OTHERWISE: dict[str, dict[str, Any]] = {
    "quantity": {"quantity": 6},
    "goods": {"goods_minor": 1001},
    "tax": {"tax_minor": 1},
    "the rest alone": {"quantity": 5, "goods_minor": 714},
    "name": {"remote_id": "1/1"},
}


@pytest.mark.parametrize("changed", OTHERWISE.values(), ids=OTHERWISE)
def test_a_split_order_told_with_other_amounts_is_refused(changed: dict[str, Any]) -> None:
    split_order()
    before = tables()
    line: ItemIn = factories.item_in(**{"quantity": 7, "attributes": {"quantity": 7}} | changed)

    assert told_again(replace(as_split(), items=[line])) == (
        REFUSED,
        "an order's lines and amounts are fixed once it has arrived",
    )
    assert tables() == before


def test_the_parts_told_as_lines_of_their_own_are_refused() -> None:
    split_order()
    lines = [
        factories.item_in(quantity=5, goods_minor=714, attributes={"quantity": 5}),
        factories.item_in(remote_id="1/1", quantity=2, goods_minor=286, attributes={"quantity": 2}),
    ]

    assert told_again(replace(as_split(), items=lines))[0] == REFUSED


def test_what_is_left_after_an_import_can_be_asked_for_and_split() -> None:
    order = factories.make_order(items=[factories.item_in(quantity=7, attributes={"quantity": 7})])
    [line] = factories.items_of(order)
    undone = Completed(line.pk, 3, "C1", factories.NOW)
    record_completed(factories.SHOP, [undone], reason_id=imported_reason(), now=factories.NOW)
    ask = NewCase(
        order_item=line.pk, kind=Kind.CANCEL, reason=factories.make_reason().pk, quantity=2
    )
    staff, scope = Actor(ActorKind.STAFF, 1), OrderScope(factories.SHOP)

    case = open_case(ask, scope, actor=staff, now=LATER)
    confirm(case, scope, actor=staff, now=LATER)

    rest, part = factories.items_of(order)
    assert (rest.quantity, rest.units_closed, rest.goods_minor) == (5, 3, 714)
    assert (part.quantity, part.units_closed, part.goods_minor) == (2, 0, 286)
    everything = replace(ask, order_item=line.pk, quantity=None)
    with zeal.zeal_ignore():
        case = open_case(everything, scope, actor=staff, now=LATER)
        confirm(case, scope, actor=staff, now=LATER)
    assert [line.quantity for line in factories.items_of(order)] == [5, 2]
    assert [line.status for line in factories.items_of(order)] == [50, 50]


def test_a_line_and_a_part_of_it_are_divided_at_once() -> None:
    _, line, part = split_order()

    made = split_items([(line, 1), (part, 1)], now=LATER)

    assert [made[each.pk].remote_id for each in (line, part)] == ["1/2", "1/3"]
