"""Customers of a channel: filters, unique rows, and partial updates."""

from typing import Any

import pytest
import zeal
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import User
from takeback.channel.customers import documents
from tests import factories
from tests.channel import shop

pytestmark = pytest.mark.django_db

PATH = "/api/v1/channel/1/customers/"
JOHN = {
    "channel": 1,
    "email": "john@example.com",
    "phone_number": "05551112233",
    "first_name": "John",
    "last_name": "Doe",
    "extra_field": {"id": "R-1", "points": 1.5},
    "channel_code": "CH123",
    "is_active": True,
}
NONE: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}


def _keep(caller: Any, path: str = PATH, **fields: Any) -> Any:
    with zeal.zeal_context():
        return caller.post(path, JOHN | fields, content_type="application/json")


def _emails(response: Any) -> list[str]:
    return [customer["email"] for customer in response.json()["results"]]


def test_customer_is_added_once_and_then_updated() -> None:
    caller = shop.client()

    first, second = _keep(caller), _keep(caller, last_name="Roe", email="j@example.com")

    assert (first.status_code, second.status_code) == (201, 200)
    document = first.json()
    assert set(document) == set(documents.ChannelCustomer.__annotations__)
    assert document["pk"] == document["id"]
    assert document | JOHN == document
    assert (document["user_type"], document["attributes"]) == ("guest", {})
    assert second.json() == document | {"last_name": "Roe", "email": "j@example.com"}
    (stored,) = User.objects.all()
    assert (stored.email_key, stored.has_usable_password()) == ("j@example.com", False)


def test_customer_without_code_is_matched_by_type_and_email() -> None:
    caller = shop.client()
    bare: dict[str, Any] = {"channel_code": None}

    guest = _keep(caller, **bare, email="ANNA@example.com").json()
    again = _keep(caller, **bare, email="anna@example.com").json()
    member = _keep(caller, **bare, email="anna@example.com", user_type="registered").json()
    same = _keep(caller, email="Anna@example.com", user_type="registered").json()

    assert again["id"] == guest["id"] != member["id"] == same["id"]
    assert same["channel_code"] == "CH123"


def test_order_can_refer_to_stored_customer() -> None:
    caller = shop.client()
    customer = _keep(caller).json()["pk"]

    order = shop.create_order(caller, shop.order_body({"customer": customer})).json()

    assert order["customer"] == customer


@pytest.mark.parametrize(
    ("query", "emails"),
    [
        ({"email": "john@example.com"}, ["john@example.com"]),
        ({"email": " john@example.com ", "channel": "1"}, ["john@example.com"]),
        ({"email": "JOHN@example.com"}, []),
        ({"email": "john@example.co"}, []),
        ({"phone_number": "05551112233"}, ["john@example.com"]),
        ({"phone": "05551112233"}, ["john@example.com"]),
        ({"phone": "0555111223"}, []),
        ({"channel_code": "CH123"}, ["john@example.com"]),
        ({"user_type": "registered"}, ["customer@example.com"]),
        ({"user_type": "registered", "email": "john@example.com"}, []),
        ({"password": "x", "is_staff": "1"}, ["john@example.com", "customer@example.com"]),
        ({}, ["john@example.com", "customer@example.com"]),
    ],
)
def test_customers_are_filtered(query: dict[str, str], emails: list[str]) -> None:
    factories.create_customer()
    factories.create_customer(email="staff@example.com", is_staff=True)
    factories.create_customer(email="other@example.com", channel_id=shop.OTHER)
    caller = shop.client()
    _keep(caller)

    assert _emails(caller.get(PATH, query)) == emails


def test_only_sent_values_of_a_customer_change() -> None:
    caller = shop.client()
    customer = _keep(caller).json()

    body = {"first_name": "Jon", "phone_number": None, "id": 99, "is_active": False, "is_staff": 1}
    response = caller.patch(f"{PATH}{customer['pk']}/", body, content_type="application/json")

    assert response.status_code == 200
    assert response.json() == customer | {"first_name": "Jon", "phone_number": ""}
    assert caller.get(f"{PATH}{customer['pk']}/").json() == response.json()


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"email": "CUSTOMER@example.com"}, "email"), ({"channel_code": "CH123"}, "channel_code")],
)
def test_email_and_code_of_another_customer_are_refused(
    changes: dict[str, str], field: str
) -> None:
    factories.create_customer()
    caller = shop.client()
    _keep(caller)
    other = _keep(caller, email="x@y.zz", channel_code="2", user_type="registered").json()

    response = caller.patch(f"{PATH}{other['pk']}/", changes, content_type="application/json")

    assert response.status_code == 400
    assert response.json() == {
        field: ["Another customer already has this value."],
        "code": "invalid",
    }
    assert caller.get(f"{PATH}{other['pk']}/").json() == other


@pytest.mark.parametrize(("scopes", "shown"), [((), None), (("pii",), "127.0.0.1")])
def test_sign_up_address_needs_scope_pii(scopes: tuple[str, ...], shown: str | None) -> None:
    attributes = {"logged_ip": "127.0.0.1", "register_client_type": "default"}
    factories.create_customer(attributes=attributes)

    (customer,) = shop.client(shop.key(scopes=["read", *scopes])).get(PATH).json()["results"]

    assert customer["attributes"] == attributes | {"logged_ip": shown}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", None),
        ("email", ""),
        ("email", "no address"),
        ("email", 5),
        ("email", ["john@example.com"]),
        ("email", "a" * 250 + "@example.com"),
        ("user_type", "admin"),
        ("user_type", {}),
        ("channel", 2),
        ("channel", 10**30),
        ("channel_code", "x" * 256),
        ("channel_code", 5),
        ("phone_number", "1" * 129),
        ("first_name", "A\u202eB"),
        ("first_name", None),
        ("last_name", {}),
        ("gender", "x"),
        ("date_of_birth", "2026-02-30"),
        ("date_of_birth", 20260101),
        ("email_allowed", "maybe"),
        ("call_allowed", 2),
        ("attributes", []),
        ("extra_field", "x"),
        ("extra_field", None),
    ],
)
def test_invalid_field_is_named_and_nothing_is_written(field: str, value: Any) -> None:
    caller = shop.client()
    customer = _keep(caller, channel_code="C0").json()
    before = shop.row_counts()

    responses = [
        _keep(caller, **{field: value}),
        caller.patch(f"{PATH}{customer['pk']}/", {field: value}, content_type="application/json"),
    ]

    for response in responses:
        assert response.status_code == 400
        assert set(response.json()) == {field, "code"}
    assert shop.row_counts() == before
    assert caller.get(f"{PATH}{customer['pk']}/").json() == customer


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"email": "a\\u0000@b.cc"}', b"5"])
def test_body_that_is_no_object_is_refused(body: bytes) -> None:
    caller = shop.client()
    customer = _keep(caller).json()
    before = shop.row_counts()

    for method, path in (("POST", PATH), ("PATCH", f"{PATH}{customer['pk']}/")):
        response = caller.generic(method, path, body, content_type="application/json")
        assert response.status_code == 400, (method, response.content)
        assert set(response.json()) == {"detail", "code"}
    assert shop.row_counts() == before


@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("pk", ["0", "x", "1" * 30, str(2**63), "staff", "other", "%00", "-1"])
def test_customer_of_other_channel_is_reported_like_a_missing_one(prefix: str, pk: str) -> None:
    number = {
        "staff": factories.create_customer(is_staff=True).pk,
        "other": factories.create_customer(email="o@example.com", channel_id=shop.OTHER).pk,
    }.get(pk, pk)
    path = f"{prefix}/channel/1/customers/{number}/"
    caller = shop.client()

    for response in (caller.get(path), caller.patch(path, {}, content_type="application/json")):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        {"email": "a\x00"},
        {"phone": "\u200b1"},
        {"user_type": "x"},
        {"channel": "x"},
        {"email": ["a@b.cc", "c@b.cc"]},
    ],
)
def test_invalid_filter_is_a_field_error(query: dict[str, Any]) -> None:
    response = shop.client().get(PATH, query)

    assert response.status_code == 400
    assert set(response.json()) == {*query, "code"}


def test_list_needs_the_same_queries_for_any_length() -> None:
    for number in range(30):
        factories.create_customer(email=f"{number}@example.com")
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as queries:
        response = caller.get(PATH, {"limit": 100})

    assert response.json()["count"] == len(response.json()["results"]) == 30
    # Key, rate limit, count, page.
    assert len(queries) == 4


def test_repeated_post_with_same_key_adds_one_customer() -> None:
    caller = shop.client()
    key = {"Idempotency-Key": "a"}

    first = caller.post(PATH, JOHN, content_type="application/json", headers=key)
    second = caller.post(PATH, JOHN, content_type="application/json", headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert User.objects.count() == 1
