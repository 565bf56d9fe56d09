"""An order without an e-mail address has a guest of its own, whom only staff and channels serve."""

import re
from typing import Any

import pytest
import zeal

from takeback.accounts.customer_input import CustomerIn
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.topics import Topic
from takeback.handlers.mails import send_received_mail
from takeback.orders.models import Order
from tests import factories
from tests.desk.agents import agent, page_of
from tests.notifications.factories import cancel, delivery_of, open_cases
from tests.storefront.api import look_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def order_without_email(number: str = "1", **customer: Any) -> Order:
    with zeal.zeal_ignore():
        factories.create_channel()
        order = factories.order_input(number=number, customer=CustomerIn(email="", **customer))
        [outcome] = factories.ingest(order)
        return Order.objects.get(number=outcome.number)


def test_each_order_has_a_guest_of_its_own() -> None:
    first, second = order_without_email("1"), order_without_email("2")

    assert first.user_id != second.user_id
    assert (first.user_type, first.user_email, first.email_key) == ("guest", "", "")


def test_a_customer_code_still_identifies_the_customer() -> None:
    first = order_without_email("1", channel_code="C-1")
    second = order_without_email("2", channel_code="C-1")

    assert first.user_id == second.user_id


@pytest.mark.parametrize("email", ["", " ", "@", "-"])
def test_no_look_up_finds_the_order(email: str) -> None:
    order = order_without_email()

    assert look_up(number=order.number, email=email).status_code == 400


def test_no_mail_is_sent(mailoutbox: list[Any]) -> None:
    [case] = open_cases(order_without_email(), cancel())

    send_received_mail(delivery_of(case, Topic.OPENED))

    assert mailoutbox == []


def test_pages_of_the_desk_name_the_missing_address() -> None:
    order = order_without_email(first_name="Ada", last_name="Lee")
    [case] = open_cases(order, cancel())

    client = agent()
    for path in (f"/desk/orders/{order.pk}", f"/desk/cases/{case.pk}", "/desk/"):
        assert "No e-mail address" in page_of(client.get(path)), path


def test_cases_without_addresses_are_of_different_customers() -> None:
    iban = "TR330006100519786457841326"
    cases = [open_cases(order_without_email(number), cancel(iban=iban))[0] for number in ("1", "2")]

    page = page_of(agent().get(f"/desk/cases/{cases[0].pk}"))

    assert CancellationRequest.objects.count() == len(cases)
    [links] = re.findall(r"Also used in:(.*)</p>", page)
    assert f'href="/desk/cases/{cases[1].pk}"' in links
