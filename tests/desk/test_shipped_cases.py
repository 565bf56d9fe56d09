"""Cancellations whose goods were shipped meanwhile, and units left, at the desk."""

from typing import Any

import pytest

from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core.ids import CaseId
from takeback.orders.commands.update_items import update_items
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case, order_items
from tests.desk.agents import agent, code_on
from tests.desk.test_cases import buttons_on, decide, path_of
from tests.desk.test_decisions import text_of
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("a test decides several times"),
]


def shipped_case(**changes: Any) -> CancellationRequest:
    """A confirmed cancellation whose item was reported as shipped."""
    [item] = order_items()
    case = open_case(item)
    confirm(CaseId(case), SCOPE, actor=STAFF, now=factories.NOW)
    update_items([factories.SHOP], {item.pk: {"status": 500} | changes}, now=factories.NOW)
    return CancellationRequest.objects.get(pk=case)


def test_case_page_and_queue_show_the_reported_shipment() -> None:
    case = shipped_case(shipped_date=factories.NOW.replace(day=7))
    client = agent()

    page = client.get(path_of(case))

    assert "Reported as shipped on 7 Mar 2026" in text_of(page)
    assert "This item can no longer be cancelled." in text_of(page)
    assert buttons_on(page) == ["into_return", "reject"]
    assert "Reported as shipped" in text_of(client.get("/desk/?status=all"))


def test_shipment_without_a_date_shows_the_last_update() -> None:
    case = shipped_case()
    assert "Reported as shipped on 10 Mar 2026" in text_of(agent().get(path_of(case)))


def test_case_without_a_shipment_shows_none() -> None:
    case = shipped_case(status=450)
    client = agent()
    assert "Reported as shipped" not in text_of(client.get(path_of(case)))
    assert "Reported as shipped" not in text_of(client.get("/desk/?status=all"))


@pytest.mark.parametrize("step", ["approve", "confirm"])
def test_agent_cannot_accept_a_cancellation_of_shipped_goods(step: str) -> None:
    case, client = shipped_case(), agent()
    with nothing_written():
        page = decide(client, case, step)
    assert (page.status_code, code_on(page)) == (406, "cancellation_request_100_2")


def test_agent_turns_the_cancellation_into_a_return() -> None:
    case, client = shipped_case(), agent()

    response = decide(client, case, "into_return", internal_note="Left today.")

    assert response.status_code == 303
    page = client.get(response["Location"])
    assert "The request is now a return. Decide on it as on any other." in text_of(page)
    case.refresh_from_db()
    assert (case.cancellation_type, case.status) == ("refund", "waiting")
    assert OrderItem.objects.get().status == 500
    row = CaseHistory.objects.filter(cancellation_request=case).latest("seq")
    assert (row.event, row.internal_note) == ("into_return", "Left today.")
    assert buttons_on(page) == ["approve", "confirm", "review", "reject"]


def test_message_that_would_not_be_mailed_is_refused() -> None:
    case, client = shipped_case(), agent()
    with nothing_written():
        page = decide(client, case, "into_return", message="Sorry!")
    assert page.status_code == 400
    assert "This step sends no mail. Write an internal note instead." in text_of(page)


def test_order_and_case_show_the_units_left() -> None:
    [item] = order_items({"quantity": 5, "attributes": {"quantity": 5}})
    client, path = agent(), f"/desk/orders/{item.order_id}"
    assert " 5 left" not in text_of(client.get(path))
    case = CancellationRequest.objects.get(pk=open_case(item, quantity=2))
    assert " 5 3 left" in text_of(client.get(path))
    assert "Quantity 2 / 5 Units left 3" in text_of(client.get(path_of(case)))
    OrderItem.objects.update(units_closed=1)
    assert "Units left 2" in text_of(client.get(path_of(case)))
