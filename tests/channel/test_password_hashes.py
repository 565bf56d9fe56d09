"""Password hashes that come with a customer: who may send them, and which ones are stored."""

import json
from typing import Any

import pytest
import zeal

from takeback.accounts import hashers
from takeback.accounts.customers import import_password
from takeback.accounts.models import User
from takeback.outbox.models import Message
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

PATH = "/api/v1/channel/1/customers/"
PHPASS = "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"
OTHER_PHPASS = "$P$984478476IagS59wHZvyQMArzfx58u."
STORED = "imported$" + PHPASS
EMAIL = "john@example.com"
JOHN = {"email": EMAIL, "user_type": "registered", "first_name": "John"}


def system(*scopes: str) -> HttpClient:
    return shop.client(shop.key(scopes=scopes or ("read", "decide", "pii")))


def save(caller: HttpClient, **fields: Any) -> Any:
    return caller.post(PATH, JOHN | fields, content_type="application/json")


def login(password: str) -> Any:
    body = {"email": EMAIL, "password": password}
    return HttpClient().post("/users/login/", body, content_type="application/json")


def password_of_john() -> str:
    with zeal.zeal_ignore():
        return User.objects.get(email=EMAIL).password


def test_hash_signs_the_customer_in_and_is_upgraded() -> None:
    response = save(system(), password_hash=PHPASS)
    assert response.status_code == 201
    assert "password_hash" not in response.json()
    assert password_of_john() == STORED

    client = HttpClient()
    first = client.post(
        "/users/login/", {"email": EMAIL, "password": "test12345"}, content_type="application/json"
    )
    upgraded = password_of_john()

    assert first.status_code == 200
    assert client.get("/current_user/").json()["email"] == EMAIL
    assert upgraded.startswith("md5$")
    assert login("test12345").status_code == 200
    assert password_of_john() == upgraded
    assert client.get("/current_user/").status_code == 200


@pytest.mark.parametrize("scopes", [("read", "pii"), ("read", "decide"), ("read", "money")])
def test_hash_needs_the_scopes_decide_and_pii(scopes: tuple[str, ...]) -> None:
    caller = system(*scopes)
    before = shop.row_counts()

    assert save(caller, password_hash=PHPASS).status_code == 403
    body = {"customer": JOHN | {"password_hash": PHPASS}}
    assert shop.create_order(caller, shop.order_body(body)).status_code == 403
    assert shop.row_counts() == before


@pytest.mark.parametrize("wrong", ["", "secret", "md5$a$" + "0" * 32, PHPASS + "x", "x" * 10_000])
def test_unknown_hash_is_refused_by_name(wrong: str) -> None:
    caller = system()
    user = factories.create_customer(email=EMAIL)
    before = (shop.row_counts(), password_of_john())

    created = save(caller, password_hash=wrong, last_name="Roe")
    patched = caller.patch(
        f"{PATH}{user.pk}/", {"password_hash": wrong}, content_type="application/json"
    )
    order = shop.create_order(
        caller, shop.order_body({"customer": JOHN | {"password_hash": wrong}})
    )

    refusal = {"password_hash": [str(hashers.UNKNOWN_FORMAT)], "code": "invalid"}
    assert (created.status_code, created.json()) == (400, refusal)
    assert (patched.status_code, patched.json()) == (400, refusal)
    assert order.status_code == 400
    assert order.json()["customer.password_hash"] == [str(hashers.UNKNOWN_FORMAT)]
    assert (shop.row_counts(), password_of_john()) == before


@pytest.mark.parametrize("wrong", [7, True, [], {}, 1.5])
def test_hash_of_another_type_is_refused(wrong: Any) -> None:
    response = save(system(), password_hash=wrong)

    assert response.json() == {"password_hash": ["Not a valid string."], "code": "invalid"}


def test_costly_hash_is_refused() -> None:
    response = save(system(), password_hash="$2a$31$" + "a" * 21 + "e" + "a" * 31)

    assert response.json()["password_hash"] == [str(hashers.COST_OUT_OF_LIMITS)]


def test_newer_hash_replaces_an_unused_one_and_null_clears_nothing() -> None:
    caller = system()
    user_id = save(caller, password_hash=PHPASS).json()["pk"]
    path = f"{PATH}{user_id}/"

    save(caller, password_hash=None)
    assert password_of_john() == STORED
    caller.patch(path, {"password_hash": OTHER_PHPASS}, content_type="application/json")
    assert password_of_john() == "imported$" + OTHER_PHPASS
    assert save(caller, last_name="Roe").status_code == 200
    assert password_of_john() == "imported$" + OTHER_PHPASS


def test_password_of_the_customer_is_never_overwritten() -> None:
    user = factories.create_customer(email=EMAIL)
    caller = system()

    response = save(caller, password_hash=PHPASS, last_name="Roe")
    patched = caller.patch(
        f"{PATH}{user.pk}/", {"password_hash": PHPASS}, content_type="application/json"
    )
    import_password(user.pk, STORED)

    assert (response.status_code, patched.status_code) == (200, 200)
    assert response.json()["last_name"] == "Roe"
    assert password_of_john() == user.password


def test_update_without_a_hash_leaves_a_password_that_changes_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = factories.create_customer(email=EMAIL)
    set_attribute = User.__setattr__

    def change_password_meanwhile(row: User, name: str, value: Any) -> None:
        set_attribute(row, name, value)
        if name == "last_name" and value == "Roe":
            User.objects.filter(pk=user.pk).update(password="changed")

    caller = system()
    monkeypatch.setattr(User, "__setattr__", change_password_meanwhile)
    save(caller, last_name="Roe")

    john = User.objects.get(email=EMAIL)
    assert (john.password, john.last_name) == ("changed", "Roe")


def test_guest_has_no_password() -> None:
    caller = system()
    guest = caller.post(PATH, {"email": EMAIL}, content_type="application/json").json()
    fields = {"password_hash": PHPASS, "first_name": "Jo"}
    before = shop.row_counts()

    patched = caller.patch(f"{PATH}{guest['pk']}/", fields, content_type="application/json")
    created = save(caller, user_type="guest", password_hash=PHPASS)
    customer = JOHN | {"user_type": "guest", "password_hash": PHPASS}
    order = shop.create_order(caller, shop.order_body({"customer": customer}))

    for response, name in (
        (patched, "password_hash"),
        (created, "password_hash"),
        (order, "customer.password_hash"),
    ):
        assert response.status_code == 400
        assert response.json()[name][0].startswith("Only a registered customer has a password.")
    assert shop.row_counts() == before
    assert User.objects.get().first_name == ""


def test_hash_with_an_order_is_stored_and_leaves_no_copy() -> None:
    caller = system()
    body = shop.order_body({"customer": JOHN | {"password_hash": PHPASS}})

    assert shop.create_order(caller, body).status_code == 201
    assert password_of_john() == STORED
    newer = shop.order_body({"customer": JOHN | {"password_hash": OTHER_PHPASS}})
    again = shop.create_order(caller, newer)

    assert again.status_code == 200
    assert password_of_john() == "imported$" + OTHER_PHPASS
    assert PHPASS not in again.content.decode()
    assert PHPASS not in json.dumps(list(Message.objects.values_list("payload", flat=True)))


def test_refused_order_brings_no_password() -> None:
    caller = system()
    factories.create_customer(email=EMAIL, password="!")
    shop.create_order(caller, shop.order_body())

    customer = JOHN | {"password_hash": PHPASS}
    other = shop.order_body({"amount": "30.37", "customer": customer}, shop.item_body(price=21.87))

    assert shop.create_order(caller, other).status_code == 406
    assert password_of_john() == "!"
