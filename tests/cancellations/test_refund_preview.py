"""A preview stores nothing and shows exactly what an approval pays."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import transaction

from takeback.cancellations import errors
from takeback.cancellations.commands.open import AutoConfirm, open_cases
from takeback.cancellations.commands.transition import approve
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import RefundTerms, cases_of_plan, refund_total
from takeback.cancellations.refund_due import due_items
from takeback.cancellations.refund_legs import Destination
from takeback.cancellations.refund_preview import (
    NAMED,
    PreviewedItem,
    RefundPreview,
    items_to_cancel,
    preview_refunds,
)
from takeback.cancellations.statuses import Kind
from takeback.core.ids import ItemId, OrderId, PlanId
from takeback.orders.models import Order, OrderItem
from takeback.orders.order_input import PaymentIn
from takeback.orders.scope import OrderScope
from takeback.refunds.allocation import DueItem
from takeback.refunds.models import Refund
from tests import factories
from tests.cancellations.factories import LATER, SCOPE, STAFF, new_case, order_items
from tests.conftest import CI, LONG
from tests.refunds.payments import make_returnable
from tests.refusals import refused
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

TODAY = date(2026, 3, 10)
SEEDS = 400 if LONG else 40 if CI else 6


def previewed(*items: PreviewedItem, **options: Any) -> list[RefundPreview]:
    with nothing_written():
        return preview_refunds(items, SCOPE, today=TODAY, **options)


def preview(item: OrderItem, **fields: Any) -> RefundPreview:
    """The preview of a cancellation of one item."""
    options = {"kind": Kind.CANCEL} | fields
    [shown] = previewed(PreviewedItem(ItemId(item.pk), **options))
    return shown


def components(items: Sequence[DueItem]) -> list[tuple[Any, ...]]:
    """What goes back, without the ids: units become items of their own once they are accepted."""
    return sorted(tuple(item[1:]) for item in items)


def random_order(dice: Random) -> list[OrderItem]:
    """The items of an order with every component and up to three payments."""
    rows = [
        {
            "goods_minor": dice.randint(0, 9999),
            "quantity": dice.choice((1, 1, 3)),
            "tax_rate": Decimal(dice.choice((0, 9, 20))),
        }
        for _ in range(dice.randint(1, 3))
    ]
    goods = sum(int(row["goods_minor"]) for row in rows)
    off, shipping, fee = goods // dice.choice((3, 10, 99)), dice.choice((0, 599)), 7
    interest = dice.choice((0, 31))
    charge = goods - off + shipping + fee + interest
    weights = [dice.randint(1, 9) for _ in range(dice.randint(1, 3))]
    shares = [charge * weight // sum(weights) for weight in weights]
    shares[0] += charge - sum(shares)
    kinds = dice.sample(["credit_card", "loyalty_money", "gpay"], len(weights))
    return order_items(
        *rows,
        discount_minor=off,
        shipping_minor=shipping,
        shipping_tax_rate=Decimal(20),
        fee_minor=fee,
        interest_minor=interest,
        payments=[
            PaymentIn(kind=kind, amount_minor=share, captured_minor=share)
            for kind, share in zip(kinds, shares, strict=True)
        ],
    )


def approved_plan(requested: Sequence[PreviewedItem]) -> CancellationPlan:
    """The plan after all these requests have been opened and approved."""
    items = OrderItem.objects.in_bulk([row.order_item for row in requested])
    cases = open_cases(
        [
            new_case(
                items[row.order_item],
                kind=row.kind,
                quantity=row.quantity,
                refund_to_loyalty=row.destination.as_loyalty,
            )
            for row in requested
        ],
        SCOPE,
        actor=STAFF,
        now=factories.NOW,
        # One after the other, each case would get a plan of its own.
        auto_confirm=AutoConfirm(frozenset(Kind), with_parts=True, required=True),
    )
    for case in cases:
        approve(case, SCOPE, actor=STAFF, now=LATER)
    [plan_id] = set(CancellationRequest.objects.filter(pk__in=cases).values_list("plan", flat=True))
    assert plan_id is not None
    return CancellationPlan.objects.get(pk=plan_id)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_paid_is_what_was_previewed(seed: int) -> None:
    dice = Random(seed)
    items = random_order(dice)
    make_returnable()
    chosen = dice.sample(items, 1 if dice.random() < 0.4 else len(items))
    as_loyalty = dice.random() < 0.3
    requested = [
        PreviewedItem(
            ItemId(item.pk),
            Kind.CANCEL,
            dice.randint(1, item.quantity) if dice.random() < 0.5 else None,
            Destination(as_loyalty=as_loyalty),
        )
        for item in chosen
    ]
    [shown] = previewed(*requested)

    plan = approved_plan(requested)

    cases = cases_of_plan(PlanId(plan.pk))
    refunds = Refund.objects.filter(plan_id=plan.pk).order_by("pk")
    assert shown.amount == refund_total(plan) == sum(row.amount_minor for row in refunds)
    assert components(shown.items) == components(due_items(plan, cases))
    assert [(row.means.value, row.amount) for row in shown.refunds] == [
        (row.means, row.amount_minor) for row in refunds
    ]


def test_preview_shows_components_refunds_and_days() -> None:
    [item] = order_items(
        {"goods_minor": 1000, "tax_rate": Decimal(20)},
        shipping_minor=600,
        payments=[
            PaymentIn(kind="credit_card", amount_minor=1300, captured_minor=1300),
            PaymentIn(kind="loyalty_money", amount_minor=300, captured_minor=300),
        ],
    )

    make_returnable()

    shown = preview(item)

    assert (shown.order_id, shown.currency, shown.kind) == (item.order_id, "try", Kind.CANCEL)
    assert shown.items == [
        DueItem(item.pk, 1, 1000, 0, 0, 0, 0, 0, 167, Decimal(20)),
        DueItem(None, 0, 0, 0, 600, 0, 0, 0, 0, Decimal(0)),
    ]
    assert [tuple(refund) for refund in shown.refunds] == [
        ("loyalty_money", "loyalty", 300, date(2026, 3, 11)),
        ("credit_card", "original", 1300, date(2026, 3, 24)),
    ]
    assert (shown.amount, shown.points) == (1600, 0)


def test_units_are_previewed_before_they_are_split_off() -> None:
    [item] = order_items({"goods_minor": 1000, "quantity": 3}, shipping_minor=600)

    assert preview(item, quantity=1).amount == 334
    assert preview(item, quantity=3).amount == 1600
    assert preview(item).amount == 1600


def test_cases_of_an_order_are_previewed_together() -> None:
    first, second = order_items({"goods_minor": 1000}, {"goods_minor": 500}, shipping_minor=600)
    [other] = order_items({"goods_minor": 70}, number="2")

    previews = previewed(
        *(PreviewedItem(ItemId(item.pk), Kind.CANCEL) for item in (first, other, second))
    )

    assert [(row.order_id, row.amount) for row in previews] == [
        (first.order_id, 2100),
        (other.order_id, 70),
    ]


def test_uncaptured_money_is_previewed_as_nothing() -> None:
    unpaid = [PaymentIn(kind="credit_card", amount_minor=1000, captured_minor=0)]
    [item] = order_items({"goods_minor": 1000}, payments=unpaid)

    shown = preview(item)

    assert (shown.amount, shown.items, shown.refunds) == (0, [], [])


@pytest.mark.parametrize(
    ("status", "kind", "expected"), [(400, Kind.CANCEL, 0), (550, Kind.RETURN, 1000)]
)
def test_cash_is_previewed_once_the_goods_were_handed_over(
    status: int, kind: Kind, expected: int
) -> None:
    [item] = order_items({"goods_minor": 1000, "status": status}, payment_type="pay_on_delivery")

    shown = preview(item, kind=kind, destination=Destination(account=NAMED))

    assert shown.amount == expected
    assert [(row.means, row.amount) for row in shown.refunds] == (
        [("bank_transfer", expected)] if expected else []
    )


def test_cash_for_goods_that_stayed_is_not_counted() -> None:
    _, returned = order_items(
        {"goods_minor": 1000},
        {"goods_minor": 500, "status": 550},
        payment_type="pay_on_delivery",
    )
    terms = RefundTerms(forced_refund_minor=501)

    with refused(errors.MORE_THAN_PAID):
        previewed(PreviewedItem(ItemId(returned.pk), Kind.RETURN), terms=terms)
    assert preview(returned, kind=Kind.RETURN).amount == 500


def test_terms_of_an_agent_are_previewed() -> None:
    first, _ = order_items({"goods_minor": 1000}, {"goods_minor": 500}, shipping_minor=600)
    item = PreviewedItem(ItemId(first.pk), Kind.CANCEL)

    [cargo] = previewed(item, terms=RefundTerms(is_cargo_refund=True))
    [forced] = previewed(item, terms=RefundTerms(forced_refund_minor=700))

    assert (cargo.amount, forced.amount) == (1400, 700)
    assert forced.items[0].adjustment == -300


def test_waiting_plan_that_the_case_would_join_does_not_keep_the_shipping() -> None:
    first, second = order_items({"goods_minor": 1000}, {"goods_minor": 500}, shipping_minor=600)
    with transaction.atomic():
        open_cases(
            [new_case(first)],
            SCOPE,
            actor=STAFF,
            now=factories.NOW,
            auto_confirm=AutoConfirm(frozenset(Kind), required=True),
        )

    assert preview(second).amount == 1100


class TestRefusals:
    def test_item_outside_the_scope(self) -> None:
        [item] = order_items()
        scope = OrderScope(factories.SHOP, user_id=0)

        with refused(errors.UNKNOWN_ITEM):
            preview_refunds([PreviewedItem(ItemId(item.pk), Kind.CANCEL)], scope, today=TODAY)

    def test_item_named_twice(self) -> None:
        item = PreviewedItem(ItemId(order_items()[0].pk), Kind.CANCEL)

        with refused(errors.ITEM_TWICE):
            previewed(item, item)

    @pytest.mark.parametrize("quantity", [3, 0])
    def test_more_units_than_are_left(self, quantity: int) -> None:
        [item] = order_items({"quantity": 2})

        with pytest.raises(Exception, match="quantity_too_large"):
            preview(item, quantity=quantity)

    def test_points_where_the_shop_offers_none(self, settings: Any) -> None:
        settings.LOYALTY_MONEY_ENABLED = False
        [item] = order_items()

        with refused(errors.LOYALTY_REFUND_NOT_OFFERED):
            preview(item, destination=Destination(as_loyalty=True))

    def test_more_than_is_left_of_the_order(self) -> None:
        [item] = order_items({"goods_minor": 1000})
        Order.objects.update(refunded_elsewhere_minor=1)

        with refused(errors.MORE_THAN_PAID):
            preview(item)


class TestDirectCancellation:
    def test_all_items_that_have_not_ended_are_chosen(self) -> None:
        items = order_items({"status": 100}, {}, {"status": 550})
        order_id = OrderId(items[0].order_id)

        chosen = items_to_cancel(order_id, (), {})

        assert [(row.order_item, row.kind) for row in chosen] == [
            (items[1].pk, Kind.CANCEL),
            (items[2].pk, Kind.RETURN),
        ]

    def test_quantities_and_destinations_belong_to_items(self) -> None:
        first, second = order_items({"quantity": 2}, {})
        order_id = OrderId(first.order_id)

        chosen = items_to_cancel(
            order_id, [second.pk, first.pk], {first.pk: 1}, accounts={second.pk}
        )

        assert [(row.quantity, row.destination.account) for row in chosen] == [
            (1, None),
            (None, NAMED),
        ]

    def test_unknown_items_are_refused(self) -> None:
        [item] = order_items()
        order_id = OrderId(item.order_id)

        with refused(errors.NO_SUCH_ITEM):
            items_to_cancel(order_id, [0], {})
        with refused(errors.NO_SUCH_ITEM):
            items_to_cancel(order_id, [item.pk], {0: 1})

    def test_order_without_open_items_is_refused(self) -> None:
        [item] = order_items({"status": 100})

        with refused(errors.NOTHING_LEFT):
            items_to_cancel(OrderId(item.order_id), (), {})
