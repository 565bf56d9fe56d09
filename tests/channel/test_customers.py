"""Customers of a channel: found by exactly what is asked, kept once, changed by what is told."""

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


def _emails(answer: Any) -> list[str]:
    return [found["email"] for found in answer.json()["results"]]


def test_a_customer_is_added_once_and_then_changed() -> None:
    caller = shop.client()

    first, second = _keep(caller), _keep(caller, last_name="Roe", email="j@example.com")

    assert (first.status_code, second.status_code) == (201, 200)
    document = first.json()
    assert set(document) == set(documents.ChannelCustomer.__annotations__)
    assert document["pk"] == document["id"]
    assert document | JOHN == document
    assert (document["user_type"], document["attributes"]) == ("guest", {})
    assert second.json() == document | {"last_name": "Roe", "email": "j@example.com"}
    (kept,) = User.objects.all()
    assert (kept.email_key, kept.has_usable_password()) == ("j@example.com", False)


def test_without_a_code_a_customer_is_known_by_kind_and_address() -> None:
    caller = shop.client()
    bare: dict[str, Any] = {"channel_code": None}

    guest = _keep(caller, **bare, email="ANNA@example.com").json()
    again = _keep(caller, **bare, email="anna@example.com").json()
    member = _keep(caller, **bare, email="anna@example.com", user_type="registered").json()
    same = _keep(caller, email="Anna@example.com", user_type="registered").json()

    assert again["id"] == guest["id"] != member["id"] == same["id"]
    assert same["channel_code"] == "CH123"


def test_an_order_is_told_of_the_customer_that_was_kept() -> None:
    caller = shop.client()
    customer = _keep(caller).json()["pk"]

    order = shop.send(caller, shop.document({"customer": customer})).json()

    assert order["customer"] == customer


@pytest.mark.parametrize(
    ("query", "found"),
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
def test_customers_are_found_by_exactly_what_is_asked(
    query: dict[str, str], found: list[str]
) -> None:
    factories.make_customer()
    factories.make_customer(email="staff@example.com", is_staff=True)
    factories.make_customer(email="other@example.com", channel_id=shop.OTHER)
    caller = shop.client()
    _keep(caller)

    assert _emails(caller.get(PATH, query)) == found


def test_a_customer_is_changed_by_what_is_told_only() -> None:
    caller = shop.client()
    made = _keep(caller).json()

    told = {"first_name": "Jon", "phone_number": None, "id": 99, "is_active": False, "is_staff": 1}
    answer = caller.patch(f"{PATH}{made['pk']}/", told, content_type="application/json")

    assert answer.status_code == 200
    assert answer.json() == made | {"first_name": "Jon", "phone_number": ""}
    assert caller.get(f"{PATH}{made['pk']}/").json() == answer.json()


@pytest.mark.parametrize(
    ("told", "field"),
    [({"email": "CUSTOMER@example.com"}, "email"), ({"channel_code": "CH123"}, "channel_code")],
)
def test_nobody_becomes_somebody_else(told: dict[str, str], field: str) -> None:
    factories.make_customer()
    caller = shop.client()
    _keep(caller)
    other = _keep(caller, email="x@y.zz", channel_code="2", user_type="registered").json()

    answer = caller.patch(f"{PATH}{other['pk']}/", told, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json() == {
        field: ["Another customer has this already."],
        "code": "invalid",
    }
    assert caller.get(f"{PATH}{other['pk']}/").json() == other


@pytest.mark.parametrize(("scopes", "shown"), [((), None), (("pii",), "127.0.0.1")])
def test_where_somebody_signed_up_from_needs_a_scope(
    scopes: tuple[str, ...], shown: str | None
) -> None:
    attributes = {"logged_ip": "127.0.0.1", "register_client_type": "default"}
    factories.make_customer(attributes=attributes)

    (found,) = shop.client(shop.key(scopes=["read", *scopes])).get(PATH).json()["results"]

    assert found["attributes"] == attributes | {"logged_ip": shown}


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
def test_a_wrong_field_is_named_and_nothing_is_written(field: str, value: Any) -> None:
    caller = shop.client()
    made = _keep(caller, channel_code="C0").json()
    before = shop.rows()

    answers = [
        _keep(caller, **{field: value}),
        caller.patch(f"{PATH}{made['pk']}/", {field: value}, content_type="application/json"),
    ]

    for answer in answers:
        assert answer.status_code == 400
        assert set(answer.json()) == {field, "code"}
    assert shop.rows() == before
    assert caller.get(f"{PATH}{made['pk']}/").json() == made


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"email": "a\\u0000@b.cc"}', b"5"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    caller = shop.client()
    made = _keep(caller).json()
    before = shop.rows()

    for method, path in (("POST", PATH), ("PATCH", f"{PATH}{made['pk']}/")):
        answer = caller.generic(method, path, body, content_type="application/json")
        assert answer.status_code == 400, (method, answer.content)
        assert set(answer.json()) == {"detail", "code"}
    assert shop.rows() == before


@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("pk", ["0", "x", "1" * 30, str(2**63), "staff", "other", "%00", "-1"])
def test_strangers_are_as_absent_as_nobody(prefix: str, pk: str) -> None:
    number = {
        "staff": factories.make_customer(is_staff=True).pk,
        "other": factories.make_customer(email="o@example.com", channel_id=shop.OTHER).pk,
    }.get(pk, pk)
    path = f"{prefix}/channel/1/customers/{number}/"
    caller = shop.client()

    for answer in (caller.get(path), caller.patch(path, {}, content_type="application/json")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


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
def test_a_filter_that_cannot_be_is_a_field_error(query: dict[str, Any]) -> None:
    answer = shop.client().get(PATH, query)

    assert answer.status_code == 400
    assert set(answer.json()) == {*query, "code"}


def test_a_list_costs_as_many_queries_however_long_it_is() -> None:
    for number in range(30):
        factories.make_customer(email=f"{number}@example.com")
    caller = shop.client()
    caller.get(PATH)

    with CaptureQueriesContext(connection) as asked:
        answer = caller.get(PATH, {"limit": 100})

    assert answer.json()["count"] == len(answer.json()["results"]) == 30
    # The key, its limit, the count, the page.
    assert len(asked) == 4


def test_one_told_twice_under_a_key_is_kept_once() -> None:
    caller = shop.client()
    key = {"Idempotency-Key": "a"}

    first = caller.post(PATH, JOHN, content_type="application/json", headers=key)
    second = caller.post(PATH, JOHN, content_type="application/json", headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert User.objects.count() == 1
