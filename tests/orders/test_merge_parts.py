"""Promise P8 for merges: a part that returns to its item brings exactly its units and amounts."""

from operator import attrgetter
from typing import Any

import pytest
import zeal
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from takeback.accounts.policy import shop_policy
from takeback.core.money import units_value
from takeback.orders.audit import unbalanced_orders
from takeback.orders.commands.merge_parts import can_merge, merge_part
from takeback.orders.commands.split_item import AMOUNTS
from takeback.orders.models import BenefitApplicant, Order, OrderItem
from takeback.orders.order_input import DiscountIn, OrderIn
from tests import factories
from tests.orders.test_split_items import splittable_orders

pytestmark = [pytest.mark.django_db, pytest.mark.allow_repeated_queries("a test merges repeatedly")]

_amounts = attrgetter(*AMOUNTS)
_UNITS = (*AMOUNTS, "quantity", "units_closed", "attributes", "split_from_id", "remote_id")


def merge(item: OrderItem, part: OrderItem) -> bool:
    """Merge a part if that is possible."""
    item.refresh_from_db()
    part.refresh_from_db()
    key = shop_policy(factories.SHOP).item_quantity_key
    if not can_merge(item, part, key):
        return False
    merge_part(item, part, key, factories.NOW)
    return True


def shares_of(item: OrderItem) -> list[tuple[int, int]]:
    """The item's shares of the discounts."""
    shares = BenefitApplicant.objects.filter(order_item=item).order_by("discount_item")
    return list(shares.values_list("discount_item", "amount_minor"))


def merged_item(**fields: Any) -> OrderItem:
    """An item of five units with amounts that five does not divide."""
    values = {"quantity": 5, "goods_minor": 1003, "attributes": {"quantity": 5}} | fields
    order = factories.create_order(
        items=[factories.item_input(**values), factories.item_input(remote_id="2")],
        discounts=[
            DiscountIn(name="a", amount_minor=101),
            DiscountIn(name="b", amount_minor=52, items=("1",)),
        ],
        shipping_minor=77,
        interest_minor=13,
    )
    return factories.items_of(order)[0]


def test_merged_part_leaves_the_item_as_it_was() -> None:
    item = merged_item()
    before, shares = attrgetter(*_UNITS)(item), shares_of(item)
    first = factories.split_item(item.pk, 2)
    second = factories.split_item(item.pk, 1)

    assert merge(item, second)
    assert merge(item, first)

    item.refresh_from_db()
    assert attrgetter(*_UNITS)(item) == before
    assert shares_of(item) == shares
    assert OrderItem.objects.count() == 2
    assert Order.objects.get().is_finalized


DIFFERENCES: list[dict[str, Any]] = [
    {"status": 500},
    {"tracking_number": "T-1"},
    {"invoice_number": "I-1"},
    {"shipped_date": factories.NOW},
    {"delivered_date": factories.NOW},
    {"cancel_status": "waiting"},
    {"attributes": {"quantity": 2, "note": "a"}},
    {"extra_field": {"a": 1}},
]


@pytest.mark.parametrize("fields", DIFFERENCES, ids=lambda fields: next(iter(fields)))
def test_part_with_a_history_of_its_own_stays(fields: dict[str, Any]) -> None:
    item = merged_item()
    part = factories.split_item(item.pk, 2)
    OrderItem.objects.filter(pk=part.pk).update(**fields)

    assert not merge(item, part)
    assert OrderItem.objects.filter(pk=part.pk).exists()


@pytest.mark.parametrize("status", [50, 100, 600])
def test_part_of_an_item_that_a_case_decided_stays(status: int) -> None:
    item = merged_item()
    part = factories.split_item(item.pk, 2)
    OrderItem.objects.filter(pk__in=[item.pk, part.pk]).update(status=status)
    assert not merge(item, part)


def test_part_stays_if_a_closed_unit_would_change_its_value() -> None:
    [item] = factories.items_of(
        factories.create_order(items=[factories.item_input(quantity=2, goods_minor=3)])
    )
    part = factories.split_item(item.pk, 1)
    OrderItem.objects.filter(pk=item.pk).update(units_closed=1)
    item.refresh_from_db()
    # The part took the dearer unit, and the cheaper one has been closed since.
    assert (part.goods_minor, item.goods_minor) == (2, 1)
    assert not merge(item, part)


def test_part_with_another_price_stays() -> None:
    item = merged_item(quantity=2, goods_minor=1000, attributes={"quantity": 2})
    part = factories.split_item(item.pk, 1)
    Order.objects.update(is_finalized=False)
    OrderItem.objects.filter(pk=part.pk).update(goods_minor=700)
    OrderItem.objects.filter(pk=item.pk).update(goods_minor=300)
    Order.objects.update(is_finalized=True)
    assert not merge(item, part)


def closed_value(item: OrderItem) -> list[int]:
    """What the closed units of an item are worth, by component."""
    return [
        units_value(total, item.quantity, 0, item.units_closed) if total is not None else 0
        for total in _amounts(item)
    ]


def check(order: Order, items: dict[int, OrderItem], total: Any, closed: list[int]) -> None:
    """All parts add up to the original, and closed units keep their value."""
    stored = {item.pk: item for item in factories.items_of(order) if item.remote_id != "2"}
    assert stored.keys() == items.keys()
    sums = [
        sum(column) if None not in column else None
        for column in zip(*map(_amounts, stored.values()), strict=True)
    ]
    assert sums == total
    values = zip(*map(closed_value, stored.values()), strict=True)
    assert [sum(column) for column in values] == closed


@given(order=splittable_orders(), data=st.data())
@hypothesis_settings(max_examples=hypothesis_settings().max_examples // 4)
def test_any_splits_closings_and_merges_keep_every_amount(
    order: OrderIn, data: st.DataObject
) -> None:
    with zeal.zeal_ignore(), transaction.atomic():
        factories.create_channel()
        factories.ingest(order)
        stored = Order.objects.get()
        original = factories.items_of(stored)[0]
        before = attrgetter(*_UNITS)(original), shares_of(original)
        items, total = {original.pk: original}, list(_amounts(original))
        closed, has_closed = [0] * len(AMOUNTS), False
        for _ in range(data.draw(st.integers(2, 8))):
            item = items[data.draw(st.sampled_from(sorted(items)))]
            item.refresh_from_db()
            left, act = item.quantity - item.units_closed, data.draw(st.integers(0, 3))
            if item is not original and act < 2:
                pk = item.pk
                if merge(original, item):
                    del items[pk]
            elif left > 1 and act < 3:
                part = factories.split_item(item.pk, data.draw(st.integers(1, left - 1)))
                items[part.pk] = part
            elif left and act == 3:
                count = data.draw(st.integers(1, left))
                used = closed_value(item)
                item.units_closed += count
                OrderItem.objects.filter(pk=item.pk).update(units_closed=item.units_closed)
                added = zip(closed_value(item), used, closed, strict=True)
                closed, has_closed = [now - then + old for now, then, old in added], True
            check(stored, items, total, closed)
        if not has_closed:
            for part in [item for item in items.values() if item is not original]:
                assert merge(original, part)
            original.refresh_from_db()
            assert (attrgetter(*_UNITS)(original), shares_of(original)) == before
        assert unbalanced_orders(stored.pk, stored.pk) == []
        transaction.set_rollback(True)
