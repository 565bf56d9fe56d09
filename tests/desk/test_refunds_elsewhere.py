"""What agents see of refunds that other systems made, next to the buttons that promise money."""

from html import unescape

import pytest

from takeback.cancellations.statuses import Kind
from takeback.orders.models import Order, OrderItem
from tests.cancellations.factories import delivered_item, open_case
from tests.desk.agents import agent, page_of, send
from tests.desk.test_decisions import text_of
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("a test reads several pages"),
]


@pytest.fixture
def case() -> int:
    """A return of three units for 30.00; a unit and 12.50 were refunded by another system."""
    item = delivered_item(quantity=3, goods_minor=3000)
    case_id = open_case(item, kind=Kind.RETURN)
    Order.objects.update(refunded_elsewhere_minor=1250)
    OrderItem.objects.update(refunded_elsewhere_quantity=1)
    return case_id


def test_decision_shows_refunds_elsewhere_with_its_buttons(case: int) -> None:
    page = page_of(agent().get(f"/desk/cases/{case}"))

    warnings = page.partition('class="warnings"')[2].partition("</ul>")[0]
    assert "Other systems have refunded TRY 12.50 of the TRY 30.00 of this order." in unescape(
        warnings
    ).replace("\N{NO-BREAK SPACE}", " ")
    assert "Other systems have refunded 1 of the 3 units of this item." in warnings


def test_case_shows_refunds_elsewhere(case: int) -> None:
    text = text_of(agent().get(f"/desk/cases/{case}"))

    assert "Refunded so far TRY 12.50 Refunded by other systems TRY 12.50" in text
    assert "Units refunded by other systems 1" in text


def test_order_shows_refunds_elsewhere(case: int) -> None:
    Order.objects.update(refund_minor=100)

    text = text_of(agent().get(f"/desk/orders/{Order.objects.get().pk}"))

    assert "refunded: TRY 13.50 · refunded by other systems: TRY 12.50" in text
    assert " 3 0 left refunded by other systems: 1" in text


def test_form_of_an_order_offers_the_units_left() -> None:
    item = delivered_item(quantity=4, goods_minor=4000, refunded_elsewhere_quantity=2)

    text = text_of(agent().get(f"/desk/orders/{item.order_id}"))

    assert "Quantity (of 2)" in text
    assert "refund of all: TRY 20.00" in text


def test_pages_without_refunds_elsewhere_name_none() -> None:
    item = delivered_item()
    case = open_case(item, kind=Kind.RETURN)

    client = agent()
    for path in (f"/desk/cases/{case}", f"/desk/orders/{item.order_id}"):
        assert "other systems" not in text_of(client.get(path))


def test_decision_against_a_refund_elsewhere_is_refused(case: int) -> None:
    OrderItem.objects.update(refunded_elsewhere_quantity=0)
    client = agent()
    client.get(f"/desk/cases/{case}")

    with nothing_written():
        response = send(client, f"/desk/cases/{case}/decide", version=1, step="approve")

    assert response.status_code == 400
    assert "(17.50 TRY)" in text_of(response)
