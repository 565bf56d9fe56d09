"""Closing an account: what goes, what stays, and what prevents it."""

from typing import Any

import pytest

from takeback.accounts.models import EmailChange, Session, User
from takeback.addresses.models import Address
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import LIVE, Status
from takeback.orders.models import Order
from tests import factories
from tests.factories import HttpClient
from tests.storefront.account_mails import deliver
from tests.storefront.api import LOGIN, V3, assert_refused, nothing_written, post, token_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("several requests per test"),
]

ANONYMIZE = "/users/anonymize/"


@pytest.fixture
def user() -> User:
    return factories.create_customer(
        phone="05321112233",
        gender="female",
        date_of_birth="1988-02-09",
        channel_code="C-7",
        erp_code="E-7",
        attributes={"size": "M"},
        attributes_kwargs={"size": {}},
        extra_field={"note": "x"},
        email_allowed=True,
        sms_allowed=True,
        call_allowed=True,
        language_code="tr",
        last_login=factories.NOW,
    )


@pytest.fixture
def customer(user: User) -> HttpClient:
    return factories.client_of(user)


def close(client: HttpClient, **headers: str) -> Any:
    """The request of the published client, which names no content type."""
    return client.patch(
        ANONYMIZE,
        "{}",
        content_type="text/plain;charset=UTF-8",
        headers=token_of(client) | headers,
    )


def test_personal_data_of_the_account_is_removed(user: User, customer: HttpClient) -> None:
    EmailChange.objects.create(
        user=user, old_email=user.email, new_email="c@example.com", requested_at=factories.NOW
    )
    factories.create_address(user=user)
    second = factories.client_of(user)

    response = close(customer)

    assert (response.status_code, response.json()) == (200, {})
    stored = User.objects.get()
    anonymous = f"{user.username}@anonymized.invalid"
    assert (stored.email, stored.email_key) == (anonymous, anonymous)
    names = ["first_name", "last_name", "first_name_key", "last_name_key", "phone"]
    assert [getattr(stored, name) for name in [*names, "language_code"]] == [""] * 6
    empty = ["gender", "date_of_birth", "channel_code", "erp_code", "call_allowed", "last_login"]
    assert [getattr(stored, name) for name in empty] == [None] * 6
    assert [stored.attributes, stored.attributes_kwargs, stored.extra_field] == [{}] * 3
    assert (stored.email_allowed, stored.sms_allowed, stored.is_active) == (False, False, False)
    assert stored.has_usable_password() is False
    assert [model.objects.count() for model in (Session, EmailChange, Address)] == [0, 0, 0]
    assert [client.get("/current_user/").status_code for client in (customer, second)] == [401] * 2


def test_orders_cases_and_histories_stay(user: User, customer: HttpClient) -> None:
    order = factories.create_order(customer=user)
    case = factories.create_case(item=factories.items_of(order)[0], status=Status.COMPLETED)
    before = Order.objects.values().get(pk=order.pk), Address.objects.filter(is_copy=True).count()

    assert close(customer).status_code == 200

    after = Order.objects.values().get(pk=order.pk), Address.objects.filter(is_copy=True).count()
    assert after == before
    assert CancellationRequest.objects.get().pk == case.pk


def test_address_of_a_pickup_stays_as_a_record_of_the_return(
    user: User, customer: HttpClient
) -> None:
    pickup, other = (
        factories.create_address(user=user, title=title, line=title) for title in ("Home", "Office")
    )
    factories.create_easy_return(pickup_address=pickup)

    assert close(customer).status_code == 200

    stored = Address.objects.get(pk=pickup.pk)
    assert (stored.is_copy, stored.is_active, stored.title) == (True, False, "Home")
    assert not Address.objects.filter(pk=other.pk).exists()


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize(("dialect", "code"), [({}, 406), (V3, 400)])
def test_live_cases_prevent_it(
    user: User, customer: HttpClient, status: Status, dialect: dict[str, str], code: int
) -> None:
    items = [factories.item_input(remote_id=str(number)) for number in range(3)]
    order = factories.create_order(customer=user, items=items)
    first, second, third = factories.items_of(order)
    factories.create_case(item=first, status=status)
    factories.create_case(item=second, status=status)
    factories.create_case(item=third, status=Status.REJECTED)

    token_of(customer)
    with nothing_written():
        response = close(customer, **dialect)

    assert response.status_code == code
    assert response.json() == {
        "non_field_errors": (
            "Open cancellation or return requests: 2. Close your account when they are "
            "completed, or contact the shop to withdraw them."
        ),
        "error_code": "account_100_1",
    }


def test_live_case_of_another_customer_is_irrelevant(customer: HttpClient) -> None:
    factories.create_case(item=factories.items_of(factories.create_order())[0])
    assert close(customer).status_code == 200


def test_repetition_finds_no_session(customer: HttpClient) -> None:
    close(customer)
    with nothing_written():
        assert_refused(close(customer), 401, "not_authenticated")


def test_two_accounts_can_be_closed() -> None:
    for email in ("a@example.com", "b@example.com"):
        assert close(factories.client_of(factories.create_customer(email=email))).status_code == 200


def test_closed_account_can_neither_sign_in_nor_reset_the_password(
    user: User, customer: HttpClient
) -> None:
    close(customer)
    body = {"email": factories.CUSTOMER, "password": factories.PASSWORD}
    assert post(HttpClient(), LOGIN, body).status_code == 400
    for email in (factories.CUSTOMER, User.objects.get().email):
        assert post(HttpClient(), "/users/password/reset/", {"email": email}).status_code == 200
    assert deliver() == []


def test_same_address_and_code_belong_to_a_new_customer(user: User, customer: HttpClient) -> None:
    factories.create_order(customer=user)
    close(customer)
    again = factories.create_customer(channel_code="C-7")
    assert again.pk != user.pk
    assert factories.client_of(again).get("/users/orders/").json()["count"] == 0


def test_it_requires_session_and_token(customer: HttpClient) -> None:
    assert_refused(customer.patch(ANONYMIZE), 403, "csrf_failed")
    assert_refused(HttpClient().patch(ANONYMIZE), 401, "not_authenticated")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "x/y", ""])
@pytest.mark.parametrize("body", ["{}", "", "[", "x"])
def test_body_is_not_read(customer: HttpClient, content_type: str, body: str) -> None:
    response = customer.patch(
        ANONYMIZE, body, content_type=content_type, headers=token_of(customer)
    )
    assert response.status_code == 200
