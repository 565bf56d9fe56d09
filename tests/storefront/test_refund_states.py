"""Orders and cases show the state of their refunds, with a date."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.orders.models import Payment
from takeback.refunds.models import Refund
from takeback.refunds.statuses import Status
from takeback.storefront.cases_documents import CancellationRequest as CaseDocument
from takeback.storefront.orders_documents import Order as OrderDocument
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient
from tests.storefront.api import verify_order
from tests.storefront.test_documents import check

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test creates several refunds"),
]

PAID = datetime(2026, 3, 12, 22, 30, tzinfo=UTC)


@pytest.fixture
def case() -> CancellationRequest:
    """An approved case of a customer's order, with a plan."""
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    row = factories.create_case(item=item, status="approved")
    factories.create_plan(case=row.pk)
    row.refresh_from_db()
    return row


def refund_of(case: CancellationRequest, number: int = 1, **fields: Any) -> Refund:
    """A refund of the plan of a case."""
    order_id = case.order_item.order_id
    values: dict[str, Any] = {
        "uuid": UUID(int=number),
        "order_id": order_id,
        "plan_id": case.plan_id,
        "payment": Payment.objects.get(order=order_id),
        "means": "original",
        "amount_minor": 1000,
        "currency": "try",
        "due_by": date(2026, 3, 24),
    }
    return Refund.objects.create(**values | fields)


def shown(number: int, status: str, label: str, **fields: Any) -> dict[str, Any]:
    """A refund as documents show it."""
    document: dict[str, Any] = {
        "uuid": str(UUID(int=number)),
        "status": {"value": status, "label": label},
        "method": {"value": "original", "label": "The way it was paid"},
        "amount": "10.00",
        "currency": {"value": "try", "label": "TL"},
        "date": "2026-03-24",
    }
    return document | fields


def documents_of(case: CancellationRequest) -> tuple[Any, Any]:
    """The order and the case as their customer reads them."""
    client = factories.client_of(case.order_item.order.user)
    order = client.get(f"/users/orders/{case.order_item.order_id}/").json()
    [row] = client.get("/users/orders/cancellation_requests/").json()["results"]
    check(order, OrderDocument)
    check(row | {"cancellation_type": "cancel"}, CaseDocument)
    return order, row


def test_documents_without_refunds_have_an_empty_list(case: CancellationRequest) -> None:
    order, row = documents_of(case)

    assert (order["refund_set"], row["refund_set"]) == ([], [])
    assert [*order][-1] == [*row][-1] == "refund_set"


LABELS = {
    "planned": "Planned",
    "sending": "On its way",
    "in_doubt": "On its way",
    "pending": "On its way",
    "confirmed": "Paid",
    "failed": "Not possible this way",
    "returned": "Came back",
}


@pytest.mark.parametrize("status", [status for status in Status if status != "cancelled"])
def test_each_state_is_shown_with_its_date(case: CancellationRequest, status: Status) -> None:
    refund_of(case, status=status.value, confirmed_at=PAID, returned_at=PAID)
    days = {"confirmed": "2026-03-12", "returned": "2026-03-12"}
    expected = shown(1, status.value, LABELS[status], date=days.get(status, "2026-03-24"))

    order, row = documents_of(case)

    assert row["refund_set"] == order["refund_set"] == [expected]
    assert order["orderitem_set"][0]["active_cancellation_request"]["refund_set"] == [expected]


def test_day_is_that_of_the_shop(case: CancellationRequest, settings: Any) -> None:
    settings.SHOP_TIME_ZONE = "Europe/Istanbul"
    refund_of(case, status="confirmed", confirmed_at=PAID)

    _, row = documents_of(case)

    assert row["refund_set"][0]["date"] == "2026-03-13"


def test_refund_without_a_promised_day_has_no_date(case: CancellationRequest) -> None:
    refund_of(case, due_by=None)

    _, row = documents_of(case)

    assert row["refund_set"][0]["date"] is None


def test_replacement_is_shown_instead_of_the_refund_that_failed(
    case: CancellationRequest,
) -> None:
    failed = refund_of(case, status="failed")
    refund_of(case, 2, means="bank_transfer", replaces=failed)
    refund_of(case, 3, status="cancelled")

    _, row = documents_of(case)

    assert row["refund_set"] == [
        shown(2, "planned", "Planned", method={"value": "bank_transfer", "label": "Bank transfer"})
    ]


def test_refund_of_two_cases_is_in_the_order_once(case: CancellationRequest) -> None:
    user = case.order_item.order.user
    items = [factories.item_input(), factories.item_input(remote_id="2")]
    order = factories.create_order(customer=user, number="2", items=items)
    first, second = [
        factories.create_case(item=item, status="approved") for item in factories.items_of(order)
    ]
    plan = factories.create_plan(case=first.pk)
    CancellationRequest.objects.filter(pk=second.pk).update(plan=plan)
    first.refresh_from_db()
    refund_of(first, 7, means="loyalty", currency="kwd")

    document = factories.client_of(user).get(f"/users/orders/{order.pk}/").json()

    expected = shown(
        7,
        "planned",
        "Planned",
        method={"value": "loyalty", "label": "Loyalty points"},
        amount="1.000",
        currency={"value": "kwd", "label": "KWD"},
    )
    assert document["refund_set"] == [expected]
    assert [
        row["cancellationrequest_set"][0]["refund_set"] for row in document["orderitem_set"]
    ] == [[expected], [expected]]


def test_guest_sees_the_refund_of_the_verified_order() -> None:
    item = factories.items_of(factories.create_order())[0]
    row = factories.create_case(item=item, status="approved")
    factories.create_plan(case=row.pk)
    row.refresh_from_db()
    refund_of(row)

    [order] = verify_order(HttpClient()).json()

    assert order["refund_set"] == [shown(1, "planned", "Planned")]


def test_channel_shows_the_refunds_of_cases_and_orders(case: CancellationRequest) -> None:
    refund = refund_of(case, status="confirmed", confirmed_at=PAID)
    system = shop.client()
    base = f"/api/v1/channel/{shop.SHOP}/"
    expected = [
        {
            "id": refund.pk,
            "uuid": str(UUID(int=1)),
            "status": "confirmed",
            "method": "original",
            "amount": 10,
            "currency": "try",
            "latest_date": "2026-03-24",
            "confirmed_date": "2026-03-12T22:30:00Z",
            "returned_date": None,
        }
    ]
    order_id = case.order_item.order_id
    paths = [
        f"cancellation_requests/{case.pk}/",
        f"cancellation_requests/{case.pk}/detailed/",
        f"orders/{order_id}/",
    ]
    lists = [
        "cancellation_requests/",
        "cancellation_requests/detailed",
        "cancellation_requests/updates/?modified_date__gt=2020-01-01",
        "orders/",
        "orders/updates/?modified_date__gt=2020-01-01",
        f"orders/?number={case.order_item.order.number}",
    ]

    documents = [system.get(base + path).json() for path in paths]
    documents += [system.get(base + path).json()["results"][0] for path in lists]

    assert [document["refund_set"] for document in documents] == [expected] * len(documents)


def test_refund_of_a_plan_is_not_shown_with_another(case: CancellationRequest) -> None:
    refund_of(case)
    CancellationPlan.objects.update(status="approved")
    other = factories.create_case(item=case.order_item, status="rejected")
    plan = factories.create_plan(case=other.pk)
    assert CancellationPlan.objects.count() == 2
    assert plan.pk != case.plan_id

    client = factories.client_of(case.order_item.order.user)
    order = client.get(f"/users/orders/{case.order_item.order_id}/").json()

    cases = order["orderitem_set"][0]["cancellationrequest_set"]
    rows = {row["id"]: row["refund_set"] for row in cases}
    assert (len(rows[case.pk]), rows[other.pk]) == (1, [])
