"""Order numbers in other notations, and e-mail domains in other spellings, find their order."""

import pytest

from takeback.accounts.models import Session
from takeback.cancellations.models import CancellationRequest
from takeback.orders.queries import own_order_named
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    LOGIN,
    LOOK_UP,
    assert_field_errors,
    look_up,
    post,
)
from tests.storefront.routes import ROUTES, Shop

pytestmark = pytest.mark.django_db

EMAIL = "guest@example.com"


def matching_order(number: str, email: str = EMAIL) -> int | None:
    """The id of the order that a look-up finds."""
    response = look_up(number=number, email=email)
    if response.status_code == 200:
        [order] = response.json()
        return int(order["id"])
    assert response.json()["error_code"] == "order_lookup_100_1"
    return None


@pytest.mark.parametrize(
    "number",
    [
        "#100200306",
        "no. 100200306",
        "No100200306",
        "\u2116100200306",
        "100 200 306",
        " 100200306\u200b",
        "\u202a100200306\u202c",
        "100200306\r\n",
        "\uff11\uff10\uff10200306",
        "\u0661\u0660\u0660\u0662\u0660\u0660\u0663\u0660\u0666",
    ],
)
def test_number_in_another_notation_finds_the_order(number: str) -> None:
    order = factories.create_order(number="100200306", guest=EMAIL)

    assert matching_order(number) == order.pk


@pytest.mark.parametrize("stored", ["#1001", "No. 1001", "1 001"])
def test_stored_notation_is_found_by_the_bare_number(stored: str) -> None:
    order = factories.create_order(number=stored, guest=EMAIL)

    assert matching_order("1001") == order.pk
    assert matching_order(stored) == order.pk


def test_case_of_ascii_letters_in_a_number_is_irrelevant() -> None:
    order = factories.create_order(number="ABC-77x", guest=EMAIL)

    assert matching_order("ABC-77X") == order.pk
    assert matching_order("abc-77x") == order.pk
    assert matching_order("ABC-77") is None


@pytest.mark.parametrize("emails", [(EMAIL, EMAIL), (EMAIL, "other@example.com")])
def test_numbers_with_one_normal_form_are_found_exactly(emails: tuple[str, str]) -> None:
    first = factories.create_order(number="#1001", guest=emails[0])
    second = factories.create_order(number="1001", guest=emails[1])

    assert matching_order("#1001", emails[0]) == first.pk
    assert matching_order("1001\u200b", emails[1]) == second.pk
    assert matching_order("no. 1001", emails[0]) is None
    assert matching_order("# 1001", emails[1]) is None
    if emails[0] != emails[1]:
        assert matching_order("1001", emails[0]) is None


def test_same_number_in_another_channel_changes_nothing() -> None:
    order = factories.create_order(number="#1001", guest=EMAIL)
    factories.create_order(number="1001", guest=EMAIL, channel_id=2)

    assert matching_order("1001") == order.pk


def test_guest_opens_a_case_with_a_number_in_another_notation() -> None:
    order = factories.create_order(number="#1001", guest=EMAIL)
    [item] = factories.items_of(order)
    reason = factories.create_reason()
    body = {
        "number": "no 1001",
        "email": EMAIL,
        "order_item": item.pk,
        "reason": reason.pk,
        "cancellation_type": "cancel",
    }

    response = post(HttpClient(), "/users/orders/anonymous/cancellation_requests/", body)

    assert response.status_code in (200, 201), response.content
    assert CancellationRequest.objects.get().order_item_id == item.pk


def test_number_and_order_in_two_notations_are_one_number() -> None:
    order = factories.create_order(number="#1001", guest=EMAIL)
    body = {"number": "1001", "order": "# 1001", "email": EMAIL}

    [document] = post(HttpClient(), LOOK_UP, body).json()

    assert document["id"] == order.pk
    assert_field_errors(post(HttpClient(), LOOK_UP, body | {"order": "1002"}), "number")


def test_notations_of_a_number_share_its_limit() -> None:
    notations = ["1001", "#1001", "no 1001", "1 001", "No.1001"]
    for count, number in enumerate(notations):
        response = look_up(number=number, email=f"e{count}@example.com", address=f"192.0.2.{count}")
        assert response.status_code == 400
    refused = look_up(number="\u21161001", email="e@example.com", address="192.0.2.99")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")


@pytest.mark.parametrize("typed", ["jane@m\u00fcnchen.example", "JANE@xn--mnchen-3ya.example"])
def test_email_domain_is_found_in_every_spelling(typed: str) -> None:
    order = factories.create_order(number="8", guest="jane@M\u00dcNCHEN.example")

    assert matching_order("8", typed) == order.pk
    assert matching_order("8", "jane@munchen.example") is None


def test_customer_signs_in_with_another_spelling_of_the_domain() -> None:
    user = factories.create_customer(email="Jane@M\u00dcNCHEN.example")
    body = {"email": "jane@xn--mnchen-3ya.example", "password": factories.PASSWORD}

    response = post(HttpClient(), LOGIN, body)

    assert response.status_code == 200, response.content
    assert Session.objects.get(pk=response.json()["key"]).user_id == user.pk


@pytest.mark.parametrize("notation", ["%23{}", "no.{}", "{}%E2%80%8B", "No%20{}"])
def test_customer_cancels_by_a_number_in_another_notation(notation: str) -> None:
    shop = Shop()
    body = shop.body(ROUTES["cancel order"], shop.item_body(ROUTES["cancel order"]))
    path = f"/orders/{notation.format(shop.customer_order.number)}/cancel/"

    assert post(shop.customer, path, body, headers=shop.token).status_code == 200


def test_exact_number_and_id_come_before_another_notation() -> None:
    user = factories.create_customer()
    first = factories.create_order(customer=user, number="A-1")
    second = factories.create_order(customer=user, number=f"#{first.pk}")
    third = factories.create_order(customer=user, number="B-7")

    def named(name: str) -> int | None:
        return own_order_named(factories.SHOP, user.pk, name)

    assert named(f"#{first.pk}") == second.pk
    assert named(str(first.pk)) == first.pk
    assert named(f"no {first.pk}") == second.pk
    assert named("b-7") == third.pk
    factories.create_order(customer=user, number="#B-7")
    assert (named("B-7"), named("b-7")) == (third.pk, None)
    assert named("B-\x007") is None
