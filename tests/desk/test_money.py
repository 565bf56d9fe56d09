"""The money of an order and of a case on their pages: payments, refunds and the ledger."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from takeback.cancellations.models import CancellationRequest
from takeback.core.actor import ActorKind
from takeback.orders.models import Order, Payment
from tests import factories
from tests.desk.agents import agent, member, page_of
from tests.desk.test_decisions import text_of
from tests.refunds.rows import (
    create_account,
    create_booking,
    create_paid_order,
    create_refund,
    days_ago,
    payments_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

DAY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def order_text(order: Order, language: str = "en") -> str:
    client = agent()
    return text_of(client.get(f"/desk/orders/{order.pk}", headers={"accept-language": language}))


def test_payment_shows_every_part_of_its_money() -> None:
    order = create_paid_order(100_000, payment={"provider_order": "po-1", "observed_at": DAY})
    Payment.objects.update(found_minor=1100, charged_back_minor=2200)
    for status, minor in (
        ("planned", 300),
        ("pending", 400),
        ("confirmed", 500),
        ("failed", 600),
        ("returned", 700),
    ):
        create_refund(order=order, status=status, amount_minor=minor, confirmed_at=DAY)

    text = order_text(order)

    assert (
        "Card · main Captured €1,000.00 Refunded €5.00 Reserved for refunds €7.00"
        " Of it accepted by the provider €4.00 Failed €6.00 Came back €7.00"
        " Refunded in the provider's pages €11.00 Charged back €22.00 Left to refund €955.00"
        f" Payment id at the provider pay-{order.number}-1 Order id at the provider po-1"
        " Checked at the provider on"
    ) in text


@pytest.mark.parametrize(
    ("currency", "language", "amount"),
    [
        ("eur", "de", "12.345,67 €"),
        ("jpy", "en", "¥1,234,567"),
        ("kwd", "en", "KWD 1,234.567"),
        ("try", "tr", "₺12.345,67"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(
    currency: str, language: str, amount: str
) -> None:
    order = create_paid_order(1_234_567, currency=currency)
    assert amount in order_text(order, language)


def test_payment_has_its_own_currency() -> None:
    order = create_paid_order(5000, payment={"currency": "jpy"})
    text = order_text(order)
    assert "Captured ¥5,000 Left to refund ¥5,000" in text
    assert "of the whole order" not in text


def test_order_with_several_payments_shows_what_is_left_of_all() -> None:
    order = create_paid_order(4000, 6000)
    Order.objects.update(refunded_elsewhere_minor=1500)
    assert "Left to refund of the whole order: €85.00" in order_text(order)


def test_open_dispute_is_named_and_holds_planned_refunds() -> None:
    order = create_paid_order()
    Payment.objects.update(has_open_dispute=True)
    create_refund(order=order)
    text = order_text(order)
    assert "The customer disputes this payment at their bank." in text
    assert "Not sent while the payment's dispute is open." in text


def test_paused_account_and_its_limit_hold_planned_refunds_only() -> None:
    create_account(paused_because="staff", limit_each_minor=999)
    order = create_paid_order()
    create_refund(order=order, status="confirmed")
    assert "Not sent" not in order_text(order)

    refund = create_refund(order=order)

    text = text_of(agent(username="bea").get(f"/desk/refunds/{refund.pk}"))
    assert "Not sent while the payment account is paused." in text
    assert "Not sent: the payment account allows at most €9.99 for a refund." in text


STATUSES = [
    ({}, "Planned", "5 Mar 2026"),
    ({"status": "sending", "first_sent_at": DAY}, "Being sent", "4 Mar 2026"),
    ({"status": "in_doubt", "first_sent_at": DAY}, "Result not known", "4 Mar 2026"),
    ({"status": "pending", "first_sent_at": DAY}, "Accepted by the provider", "4 Mar 2026"),
    ({"status": "confirmed", "confirmed_at": DAY}, "Paid back", "4 Mar 2026"),
    ({"status": "failed", "modified_date": DAY}, "Failed", "4 Mar 2026"),
    ({"status": "returned", "returned_at": DAY}, "Money came back", "4 Mar 2026"),
    ({"status": "cancelled", "modified_date": DAY}, "Cancelled", "4 Mar 2026"),
]


@pytest.mark.parametrize(("fields", "words", "day"), STATUSES)
def test_refund_shows_its_status_in_words_with_its_date(
    fields: dict[str, Any], words: str, day: str
) -> None:
    order = create_paid_order()
    create_refund(order=order, **{"created_date": days_ago(5)} | fields)
    assert f"€10.00 To the original payment ( Card ) {words} {day}" in order_text(order)


def test_refund_that_is_not_paid_yet_shows_the_latest_day() -> None:
    order = create_paid_order()
    for status in ("pending", "confirmed"):
        create_refund(order=order, status=status, due_by=date(2026, 3, 24), confirmed_at=DAY)
    assert order_text(order).count("With the customer by 24 Mar 2026 at the latest") == 1


def test_ledger_is_folded_and_shows_each_entry() -> None:
    order = create_paid_order()
    refund = create_refund(order=order)
    create_booking(refund=refund, sides=[("returns:goods", 1000), ("owed", -1000)], tax_rate=20)
    create_booking(refund=refund, sides=[("owed", 1000), ("paid:main", -1000)], cause="confirm")
    create_booking(
        refund=refund, sides=[("found", 70), ("paid:main", -70)], cause="found", is_fact=True
    )
    response = agent().get(f"/desk/orders/{order.pk}")
    text = text_of(response)

    assert "<details>\n            <summary>Ledger (6 entries)</summary>" in page_of(response)
    assert f"Refund planned ( {refund.pk} ) returns:goods 20.00 % €10.00" in text
    assert f"Refund planned ( {refund.pk} ) owed 20.00 % -€10.00" in text
    assert f"Paid back ( {refund.pk} ) paid:main -€10.00" in text
    assert "Refund made at the provider paid:main -€0.70" in text


def case_of(order: Order) -> CancellationRequest:
    return factories.create_case(item=factories.items_of(order)[0], status="approved")


def test_case_shows_all_payments_and_the_refunds_of_its_plan() -> None:
    order = create_paid_order()
    case = case_of(order)
    plan = factories.create_plan(case=case.pk)
    own = create_refund(order=order, plan_id=plan.pk, amount_minor=1111)
    other = create_refund(order=order, plan_id=plan.pk + 1, amount_minor=2222)
    for refund in (own, other):
        create_booking(refund=refund, sides=[("returns:goods", 1), ("owed", -1)])

    response = agent().get(f"/desk/cases/{case.pk}")
    page, text = page_of(response), text_of(response)

    assert "Captured €50.00 Reserved for refunds €33.33 Left to refund €16.67" in text
    assert f'href="/desk/refunds/{own.pk}"' in page
    assert f'href="/desk/refunds/{other.pk}"' not in page
    assert "Ledger (2 entries)" in text


def test_reason_to_look_at_a_refund_stands_at_the_refund() -> None:
    order = create_paid_order()
    create_refund(order=order, status="failed", attention="refused")
    create_refund(order=order, needs_second_person=True)
    text = order_text(order)
    assert (
        "Failed 10 Mar 2026 The provider refused the refund."
        " Send it again, or use other means if the customer agrees. Requested by System"
    ) in text
    assert (
        "Planned 10 Mar 2026 A second person must approve it."
        " Check amount and reason, then approve or cancel the refund. Requested by System"
    ) in text


def test_refund_names_who_decided_and_its_id_at_the_provider() -> None:
    ada, bea = member("requester"), member("approver")
    order = create_paid_order()
    create_refund(
        order=order,
        status="confirmed",
        requested_by_kind=ActorKind.STAFF.value,
        requested_by_number=ada.pk,
        approved_by_number=bea.pk,
        provider_refund="re_42",
    )
    create_refund(order=order, requested_by_kind=ActorKind.CHANNEL.value, requested_by_number=17)
    text = order_text(order)
    assert "Requested by requester · Approved by approver · re_42" in text
    assert "Requested by API key 17" in text


@pytest.mark.parametrize("count", [1, 6])
def test_query_count_of_the_pages_is_constant(count: int, django_assert_num_queries: Any) -> None:
    ada = member("requester")
    create_account()
    order = create_paid_order(*[5000] * count)
    case = case_of(order)
    plan = factories.create_plan(case=case.pk)
    staff = {"requested_by_kind": ActorKind.STAFF.value, "requested_by_number": ada.pk}
    for payment in payments_of(order):
        refund = create_refund(order=order, payment=payment, plan_id=plan.pk, **staff)
        create_booking(refund=refund, sides=[("returns:goods", 1000), ("owed", -1000)])
    client = agent()
    for path, queries in ((f"/desk/orders/{order.pk}", 12), (f"/desk/cases/{case.pk}", 10)):
        with django_assert_num_queries(queries):
            assert page_of(client.get(path)).count("/desk/refunds/") > count
