"""The rule by which a received order is merged into the stored one, field by field."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from takeback.accounts.customer_input import CustomerIn
from takeback.orders.merge import Changes, Refusal, StoredOrder, merge
from takeback.orders.merge_item import Sender, StoredPart, merge_part
from takeback.orders.order_input import DiscountIn, LoyaltyIn, OrderIn, PaymentIn
from tests.factories import address_input, item_input, order_input
from tests.orders.stored import NOW, applied, stored

EARLIER = NOW - timedelta(days=1)


def merged(before: OrderIn | StoredOrder, received: OrderIn, *, by_sku: bool = False) -> Changes:
    """The changes of an order that is accepted."""
    order = before if isinstance(before, StoredOrder) else stored(before)
    changes = merge(order, received, by_sku=by_sku, now=NOW)
    assert isinstance(changes, Changes), changes
    return changes


def refused(before: OrderIn, received: OrderIn, *, by_sku: bool = False) -> dict[str, str]:
    """The codes of the refused fields."""
    refusal = merge(stored(before), received, by_sku=by_sku, now=NOW)
    assert isinstance(refusal, Refusal), refusal
    return {path: problem.code for path, problem in refusal.fields.items()}


def order_of(*items: dict[str, Any], **fields: Any) -> OrderIn:
    return order_input(items=[item_input(**item) for item in items or ({},)], **fields)


def part(**fields: Any) -> StoredPart:
    own = stored(order_of()).items[0].parts[0]
    names = ("status", "deferred_status", "is_cancel_approved")
    status = {name: fields.pop(name) for name in names if name in fields}
    return replace(own, values={**own.values, **fields}, **status)


def update(row: StoredPart, **received: Any) -> dict[str, Any] | dict[str, str]:
    """The changes of an update of one item, or the codes of the refused fields."""
    placed_at = order_of().placed_at
    result = merge_part(row, received, Sender.UPDATE, placed_at=placed_at, now=NOW)
    return {name: p.code for name, p in result.refused.items()} or result.values


def test_the_same_order_changes_nothing() -> None:
    order = order_of({"status": 550, "attributes": {"a": 1}}, notes="n", details={"card": 1})

    assert merged(order, order) == Changes()


def test_absent_fields_change_nothing() -> None:
    before = order_of(
        {"status": 500, "tracking_number": "T", "attributes": {"a": 1}, "is_tradable": True},
        notes="n", has_gift_box=True, is_send=True, shipping_minor=50, client_type="ios",
    )  # fmt: skip

    assert merged(before, order_of({"status": None})) == Changes()


def test_sent_fields_replace_stored_ones_and_objects_merge_by_key() -> None:
    before = order_of(
        {"tracking_number": "T", "attributes": {"a": 1}, "extra_field": {"a": 1, "b": 2}}, notes="n"
    )
    again = order_of(
        {"tracking_number": "U", "attributes": {"c": 1}, "extra_field": {"b": 3}},
        notes="m", is_send=False,
    )  # fmt: skip

    changes = merged(before, again)

    assert changes.parts == {
        1: {"tracking_number": "U", "attributes": {"c": 1}, "extra_field": {"a": 1, "b": 3}}
    }
    assert changes.order == {"notes": "m", "is_send": False}
    assert changes.skipped == []


@pytest.mark.parametrize(
    ("before", "received", "after"),
    [
        (400, 450, 450), (450, 400, 450), (540, 500, 500), (550, 540, 550), (400, 100, 100),
        (500, 100, 500), (550, 100, 550), (550, 600, 600), (100, 400, 100), (600, 550, 600),
        (600, 100, 600), (100, 600, 100), (400, 50, 400), (400, 400, 400), (400, None, 400),
    ],
)  # fmt: skip
def test_status_of_a_feed_moves_forward_or_is_skipped(
    before: int, received: int | None, after: int
) -> None:
    changes = merged(order_of({"status": before}), order_of({"status": received}))

    assert changes.parts.get(1, {}).get("status", before) == after
    is_skipped = received not in (None, after)
    assert changes.skipped == (["order_item.0.status"] if is_skipped else [])


def test_older_status_of_the_order_is_skipped_once() -> None:
    changes = merged(order_of({"status": 500}), order_of({"status": None}, status=450))

    assert (changes.parts, changes.order, changes.skipped) == ({}, {}, ["status"])


def test_status_of_the_order_moves_items_without_one() -> None:
    changes = merged(order_of({"status": 450}), order_of({"status": None}, status=500))

    assert changes.parts == {1: {"status": 500, "shipped_date": NOW}}
    assert changes.order == {"status": 500}


@pytest.mark.parametrize(
    ("deferred", "received", "after"),
    [(None, 500, 500), (500, 450, 500), (500, 550, 550), (550, 550, 550), (None, 50, None)],
)
def test_status_received_during_a_case_waits_for_its_end(
    deferred: int | None, received: int, after: int | None
) -> None:
    before = stored(order_of())
    item = before.items[0]
    waiting = replace(item, parts=[part(status=50, deferred_status=deferred)])

    changes = merged(replace(before, items=[waiting]), order_of({"status": received}))

    row = changes.parts.get(1, {})
    assert "status" not in row
    assert row.get("deferred_status", deferred) == after
    assert changes.skipped == ([] if received in (after, 50) else ["order_item.0.status"])


def test_first_dates_count_and_later_ones_are_skipped() -> None:
    before = order_of({"status": 500, "shipped_date": EARLIER})
    again = order_of({"status": 550, "shipped_date": NOW, "delivered_date": NOW})

    changes = merged(before, again)

    assert changes.parts == {1: {"status": 550, "delivered_date": NOW}}
    assert changes.skipped == ["order_item.0.shipped_date"]


@pytest.mark.parametrize(
    ("sent", "shipped", "delivered"),
    [
        ({"status": 450}, None, None),
        ({"status": 500}, NOW, None),
        ({"status": 550}, NOW, NOW),
        ({"status": 550, "delivered_date": EARLIER}, EARLIER, EARLIER),
        ({"status": 550, "shipped_date": EARLIER}, EARLIER, NOW),
        ({"status": 100}, None, None),
    ],
)
def test_status_without_a_date_gets_the_time_of_the_call(
    sent: dict[str, Any], shipped: Any, delivered: Any
) -> None:
    order = order_of()

    after = applied(stored(order), order, merged(order, order_of(sent)))

    values = after.items[0].parts[0].values
    assert (values["shipped_date"], values["delivered_date"]) == (shipped, delivered)


def test_repeated_status_keeps_an_unknown_date_unknown() -> None:
    before = stored(order_of())
    item = replace(before.items[0], parts=[part(status=550)])

    assert merged(replace(before, items=[item], status=550), order_of({"status": 550})) == Changes()


@pytest.mark.parametrize("name", ["shipped_date", "delivered_date"])
@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (timedelta(minutes=16), "order_item_date_in_future"),
        (timedelta(days=365 * 3), "order_item_date_in_future"),
        (-timedelta(days=365 * 60), "order_item_date_before_order"),
        (timedelta(minutes=14), None),
        (-timedelta(days=30), None),
    ],
)
def test_dates_in_the_future_or_long_before_the_order_are_refused(
    name: str, offset: timedelta, code: str | None
) -> None:
    again = order_of({name: NOW + offset})
    result = merge(stored(order_of()), again, by_sku=False, now=NOW)

    if code:
        assert isinstance(result, Refusal)
        assert {path: p.code for path, p in result.fields.items()} == {f"order_item.0.{name}": code}
    else:
        assert isinstance(result, Changes)
        assert result.parts == {1: {name: NOW + offset}}


FIXED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "e-mail": ({"customer": CustomerIn(email="b@example.com")}, {}, "customer.email"),
    "currency": ({"currency": "eur"}, {}, "currency"),
    "time of the order": ({"placed_at": EARLIER}, {}, "date_placed"),
    "payment type": ({"payment_type": "loyalty_money"}, {}, "payment_type"),
    "address": ({"shipping_address": address_input(line="Other")}, {}, "shipping_address"),
    "billing": ({"billing_address": address_input(line="Other")}, {}, "billing_address"),
    "sku": ({}, {"sku": "B"}, "order_item.0.sku"),
    "price": ({}, {"goods_minor": 999}, "order_item.0.price"),
    "less units": ({}, {"quantity": 1, "goods_minor": 500}, "order_item.0.quantity"),
    "cheaper units": ({}, {"quantity": 3}, "order_item.0.quantity"),
    "tax": ({}, {"tax_minor": 7}, "order_item.0.tax_amount"),
    "rate": ({}, {"tax_rate": Decimal(8)}, "order_item.0.tax_rate"),
    "discount": ({}, {"discount_minor": 7}, "order_item.0.discount_amount"),
    "shipping": ({"shipping_minor": 51}, {}, "shipping_amount"),
    "less shipping": ({"shipping_minor": 0}, {}, "shipping_amount"),
    "fee": ({"fee_minor": 1}, {}, "fee_amount"),
    "amount": ({"amount_minor": 1051}, {}, "amount"),
    "payments": (
        {"payments": [PaymentIn(kind="card", amount_minor=1, captured_minor=1)]},
        {},
        "payments",
    ),
    "points": (
        {"loyalty": [LoyaltyIn(uuid=UUID(int=1), amount_minor=8)]},
        {},
        "loyaltytransaction_set",
    ),
}


@pytest.mark.parametrize(("order", "item", "field"), FIXED.values(), ids=FIXED)
def test_another_value_of_a_fixed_field_is_refused_by_its_name(
    order: dict[str, Any], item: dict[str, Any], field: str
) -> None:
    points = [LoyaltyIn(uuid=UUID(int=1), amount_minor=7)]
    before = order_of({"quantity": 2}, shipping_minor=50, loyalty=points)

    codes = refused(before, order_of({"quantity": 2} | item, **order))

    assert field in codes
    assert set(codes) <= {field, "order_item.0.price", "discount_amount"}


def test_equal_fixed_fields_in_another_notation_are_accepted() -> None:
    again = order_of(
        customer=CustomerIn(email="GUEST@example.com"),
        shipping_address=address_input(line="LONG STREET 1", phone_number="", title="x"),
        payment_type="",
    )

    assert merged(order_of(), again) == Changes()


def test_address_replaces_a_placeholder() -> None:
    placeholder = address_input(line="-", city="-", extra_field={"synthetic": True})

    changes = merged(order_of(shipping_address=placeholder), order_of())

    assert changes.addresses == {"shipping_address": address_input()}


def test_missing_item_is_left_alone() -> None:
    before = order_of({}, {"remote_id": "2", "goods_minor": 500}, amount_minor=1500)

    full = merged(before, order_of({"status": 450}, amount_minor=1500))
    partial = merged(before, order_of({"status": 450}, amount_minor=1000))

    assert full.parts == partial.parts == {1: {"status": 450}}
    assert (full.skipped, partial.skipped) == ([], ["amount"])
    assert full.addition is partial.addition is None


def test_items_of_a_file_match_by_sku_in_their_order() -> None:
    before = order_of({"sku": "A"}, {"remote_id": "2", "sku": "B"}, {"remote_id": "3", "sku": "A"})
    again = order_of(
        {"sku": "B", "tracking_number": "b"},
        {"remote_id": "2", "sku": "A", "tracking_number": "a1"},
        {"remote_id": "3", "sku": "A", "tracking_number": "a2"},
    )

    changes = merged(before, again, by_sku=True)

    assert {pk: row["tracking_number"] for pk, row in changes.parts.items()} == {
        1: "a1", 2: "b", 3: "a2",
    }  # fmt: skip


def test_another_sku_in_a_file_is_not_added_but_refused() -> None:
    before, again = order_of({"sku": "A"}), order_of({"sku": "B"})

    assert refused(before, again, by_sku=True) == {"order_item.0": "order_item_is_not_explained"}
    stated = replace(again, amount_minor=1000)
    assert refused(before, stated, by_sku=True) == {"amount": "order_addition_does_not_add_up"}


def test_added_items_and_units_leave_the_first_amounts_untouched() -> None:
    before = order_of(
        {"quantity": 3},
        discounts=[DiscountIn(name="Sale", amount_minor=100)],
        shipping_minor=50,
        amount_minor=950,
    )
    again = order_of(
        {"quantity": 4, "goods_minor": 1300},
        {"remote_id": "2", "sku": "NEW", "goods_minor": 700},
        discounts=[DiscountIn(name="Sale", amount_minor=150)],
        shipping_minor=61,
        amount_minor=1911,
    )

    addition = merged(before, again).addition

    assert addition is not None
    assert addition.positions == [0, 1]
    assert [(item.quantity, item.goods_minor) for item in addition.order.items] == [
        (1, 300), (1, 700),
    ]  # fmt: skip
    rows = [(row.goods, row.discount, row.shipping) for row in addition.allocation.items]
    assert rows == [(300, 15, 3), (700, 35, 8)]
    assert addition.allocation.amount == 961
    (payment,) = addition.allocation.payments
    assert (payment.kind, payment.amount_minor) == ("credit_card", 961)


def test_order_with_an_addition_is_merged_once() -> None:
    before = stored(order_of())
    again = order_of({"quantity": 2, "goods_minor": 2500}, {"remote_id": "2", "status": 550})

    after = applied(before, again, merged(before, again))

    assert merged(after, again) == Changes()
    assert after.totals.amount == 3500


def test_addition_must_make_up_the_stated_amount() -> None:
    again = order_of({}, {"remote_id": "2", "goods_minor": 500}, amount_minor=1400)

    assert refused(order_of(), again) == {"amount": "order_addition_does_not_add_up"}


def test_item_that_arrives_alone_needs_the_new_amount() -> None:
    alone = order_of({"remote_id": "2", "goods_minor": 500})

    assert refused(order_of(), alone) == {"order_item.0": "order_item_is_not_explained"}
    addition = merged(order_of(), replace(alone, amount_minor=1500)).addition
    assert addition is not None
    assert addition.allocation.amount == 500


def test_payments_of_an_addition_are_those_that_were_added() -> None:
    first = [PaymentIn(kind="card", amount_minor=1000, captured_minor=1000, reference="a")]
    more = [*first, PaymentIn(kind="card", amount_minor=500, captured_minor=0, reference="b")]
    again = order_of({}, {"remote_id": "2", "goods_minor": 500}, payments=more)

    addition = merged(order_of(payments=first), again).addition

    assert addition is not None
    assert addition.allocation.payments == more[1:]


def test_captured_amounts_rise_and_never_fall() -> None:
    def paid(captured: int) -> OrderIn:
        return order_of(
            payments=[PaymentIn(kind="card", amount_minor=1000, captured_minor=captured)]
        )

    assert merged(paid(0), paid(700)).payments.values == {1: {"captured_minor": 700}}
    falls = merged(paid(700), paid(0))
    assert (falls.payments.values, falls.skipped) == ({}, ["payments.0.captured_amount"])


def test_new_points_are_added() -> None:
    points = LoyaltyIn(uuid=UUID(int=2), amount_minor=-5)

    assert merged(order_of(), order_of(loyalty=[points])).loyalty == [points]


def test_totals_of_refunds_made_elsewhere_never_fall() -> None:
    before = order_of(
        {"quantity": 3, "refunded_elsewhere_quantity": 1}, refunded_elsewhere_minor=400
    )

    more = merged(
        before,
        order_of({"quantity": 3, "refunded_elsewhere_quantity": 2}, refunded_elsewhere_minor=600),
    )
    less = merged(
        before,
        order_of({"quantity": 3, "refunded_elsewhere_quantity": 0}, refunded_elsewhere_minor=100),
    )

    assert more.parts == {1: {"refunded_elsewhere_quantity": 2}}
    assert more.order == {"refunded_elsewhere_minor": 600}
    assert (less.parts, less.order) == ({}, {})
    assert less.skipped == ["order_item.0.refunded_elsewhere_quantity", "refunded_elsewhere_amount"]


def test_product_data_stays_as_the_customer_saw_it() -> None:
    again = order_of({"product": {"name": "renamed"}}, bank={"name": "Bank"})

    changes = merged(order_of(), again)

    assert (changes.parts, changes.order) == ({}, {})
    assert changes.skipped == ["order_item.0.product", "bank"]


def test_new_item_cannot_wait_for_a_case() -> None:
    again = order_of({}, {"remote_id": "2", "status": 50})

    assert refused(order_of(), again) == {"order_item.1.status": "order_item_status_needs_case"}


def test_update_refuses_what_it_cannot_apply() -> None:
    assert update(part(status=500), status=450) == {"status": "order_item_status_goes_back"}
    assert update(part(status=500), status=100) == {"status": "order_item_status_is_decided"}
    assert update(part(status=100), status=500) == {"status": "item_cancelled"}
    assert update(part(status=600), status=500) == {"status": "order_item_status_is_decided"}
    approved = part(status=50, is_cancel_approved=True)
    assert update(approved, status=500) == {"status": "item_cancelled"}
    set_before = part(shipped_date=EARLIER)
    assert update(set_before, shipped_date=NOW) == {"shipped_date": "order_item_date_is_set"}


def test_null_in_an_update_clears_all_but_dates() -> None:
    row = part(tracking_number="T", shipped_date=EARLIER)

    assert update(row, tracking_number=None, shipped_date=None) == {"tracking_number": None}
