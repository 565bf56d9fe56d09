"""The money of an order: balances of its payments, refunds with names, and the ledger."""

from typing import Any

import pytest

from takeback.core.actor import ActorKind
from takeback.orders.models import Payment
from takeback.refunds.money_of_order import (
    left_of_order,
    money_of_order,
    parts_of_refund,
    refunds_total,
)
from takeback.refunds.statuses import Status
from tests import factories
from tests.desk.agents import member
from tests.refunds.rows import (
    create_account,
    create_booking,
    create_paid_order,
    create_part,
    create_refund,
    payments_of,
)

pytestmark = pytest.mark.django_db


def test_left_is_what_was_captured_less_everything_that_is_gone() -> None:
    order = create_paid_order(10_000)
    Payment.objects.update(
        reserved_minor=1, refunded_minor=20, found_minor=300, charged_back_minor=4000
    )

    [payment] = money_of_order(order.pk).payments

    assert payment.left_minor == 10_000 - 4321
    assert (payment.reserved_minor, payment.refunded_minor) == (1, 20)
    assert (payment.found_minor, payment.charged_back_minor) == (300, 4000)


def test_facts_of_the_provider_make_left_negative() -> None:
    order = create_paid_order(1000)
    Payment.objects.update(found_minor=600, charged_back_minor=1000)
    [payment] = money_of_order(order.pk).payments
    assert payment.left_minor == -600


@pytest.mark.parametrize(
    ("reported_by_provider", "refunded_elsewhere", "left"),
    [(0, 0, 10_000), (0, 700, 9300), (700, 700, 9300), (700, 900, 9100), (900, 700, 9100)],
)
def test_refunds_elsewhere_count_beyond_those_that_the_provider_shows(
    reported_by_provider: int, refunded_elsewhere: int, left: int
) -> None:
    order = create_paid_order(4000, 6000)
    Payment.objects.filter(pk=payments_of(order)[1].pk).update(found_minor=reported_by_provider)
    payments = money_of_order(order.pk).payments
    assert left_of_order(payments, refunded_elsewhere) == left


def test_refund_names_its_account_and_the_staff_who_decided() -> None:
    ada, bea = member(), member("bea")
    create_account(paused_because="staff", limit_each_minor=5000, is_test=True)
    order = create_paid_order()
    staff = {"requested_by_kind": ActorKind.STAFF.value, "requested_by_number": ada.pk}
    refund = create_refund(order=order, **staff, approved_by_number=bea.pk)
    other = create_refund(order=order, replaces=refund, requested_by_number=None)

    first, second = money_of_order(order.pk).refunds

    assert (first.id, first.requester, first.approver) == (refund.pk, "ada", "bea")
    assert (first.account__code, first.account__paused_because) == ("main", "staff")
    assert (first.account__is_test, first.account__limit_each_minor) == (True, 5000)
    assert (first.replacement__id, second.replaces_id) == (other.pk, refund.pk)
    assert (second.requester, second.approver, second.replacement__id) == (None, None, None)


def test_number_of_another_kind_of_actor_is_no_name_of_staff() -> None:
    customer = factories.create_customer()
    order = create_paid_order()
    create_refund(order=order, requested_by_kind="customer", requested_by_number=customer.pk)
    [refund] = money_of_order(order.pk).refunds
    assert refund.requester is None


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({}, False),
        ({"needs_second_person": True}, True),
        ({"needs_second_person": True, "approved_by_number": 7}, False),
        ({"needs_second_person": True, "status": "cancelled"}, False),
    ],
)
def test_refund_waits_for_a_second_person(fields: dict[str, Any], waits: bool) -> None:
    order = create_paid_order()
    create_refund(order=order, **fields)
    [refund] = money_of_order(order.pk).refunds
    assert refund.waits_for_second_person is waits


def test_money_of_a_plan_has_its_refunds_and_their_entries_only() -> None:
    order = create_paid_order()
    first, second = (create_refund(order=order, plan_id=plan) for plan in (1, 2))
    for refund in (first, second):
        create_booking(refund=refund, sides=[("returns:goods", 1000), ("owed", -1000)])

    money = money_of_order(order.pk).of_plan(2)

    assert [row.id for row in money.refunds] == [second.pk]
    assert [(row.seq, row.refund_id, row.amount_minor) for row in money.entries] == [
        (2, second.pk, 1000),
        (2, second.pk, -1000),
    ]
    assert len(money.payments) == 1
    assert money_of_order(order.pk).of_plan(None).refunds == []


def test_total_leaves_out_refunds_that_others_replace() -> None:
    order = create_paid_order()
    failed = create_refund(order=order, status="failed")
    create_refund(order=order, status="failed", amount_minor=70)
    create_refund(order=order, status="pending", amount_minor=500, replaces=failed)
    refunds = money_of_order(order.pk).refunds
    assert refunds_total(refunds, [Status.FAILED]) == 70
    assert refunds_total(refunds, [Status.FAILED, Status.PENDING]) == 570


def test_part_of_the_order_as_a_whole_is_the_last_one() -> None:
    refund = create_refund(order=create_paid_order())
    create_part(refund=refund, order_item=None, goods_minor=0, shipping_minor=200, units=0)
    create_part(refund=refund, goods_minor=900, discount_minor=100)

    item, order = parts_of_refund(refund.pk)

    assert (item.order_item__sku, item.units) == ("SKU-1", 1)
    assert (item.goods_minor, item.discount_minor, order.shipping_minor) == (900, 100, 200)
    assert order.order_item_id is None


@pytest.mark.parametrize("count", [0, 1, 9])
def test_query_count_does_not_depend_on_the_rows(
    count: int, django_assert_num_queries: Any
) -> None:
    create_account()
    order = create_paid_order(*[1000] * max(1, count))
    for payment in payments_of(order)[:count]:
        refund = create_refund(order=order, payment=payment)
        create_booking(refund=refund, sides=[("returns:goods", 1000), ("owed", -1000)])
    with django_assert_num_queries(3):
        money = money_of_order(order.pk)
    assert (len(money.refunds), len(money.entries)) == (count, 2 * count)
