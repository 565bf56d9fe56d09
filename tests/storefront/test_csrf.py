"""Promise P22: a change with a session cookie needs the token, twice; reading changes nothing."""

from typing import Any

import pytest

from takeback.accounts.models import Session
from takeback.addresses.models import Address
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, LOOK_UP, nothing_written, post, prove, refused, token_of

pytestmark = pytest.mark.django_db

BODY = {"number": factories.NUMBER, "email": factories.GUEST}
CHANGES = {
    "look-up": ("POST", LOOK_UP),
    "add": ("POST", "/address/"),
    "change": ("PATCH", "/address/{pk}/"),
    "remove": ("DELETE", "/address/{pk}/"),
}


@pytest.fixture
def shop() -> tuple[HttpClient, int]:
    """A signed-in customer with an address; a guest's order stands beside."""
    factories.create_order()
    user = factories.create_customer()
    return factories.client_of(user), factories.create_address(user=user).pk


def _other_token() -> str:
    return str(HttpClient().get("/csrf_token/").json()["csrf_token"])


def _tokens(name: str, client: HttpClient) -> dict[str, Any]:
    """The ways in which a token can be wrong."""
    if name == "missing":
        return {}
    if name == "cookie only":
        token_of(client)
        return {}
    if name == "header only":
        return {"headers": {"X-CSRFToken": _other_token()}}
    if name == "query only":
        return {"query": f"?csrfmiddlewaretoken={token_of(client)['X-CSRFToken']}"}
    if name == "of another visitor":
        token_of(client)
        return {"headers": {"X-CSRFToken": _other_token()}}
    token_of(client)
    return {"headers": {"X-CSRFToken": "x" * 64}}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "wrong",
    ["missing", "cookie only", "header only", "query only", "of another visitor", "nonsense"],
)
def test_a_change_without_its_token_is_refused(
    shop: tuple[HttpClient, int], wrong: str, change: str
) -> None:
    # T40
    (client, pk), (method, path) = shop, CHANGES[change]
    told = _tokens(wrong, client)

    with nothing_written():
        answer = client.generic(
            method,
            path.format(pk=pk) + told.get("query", ""),
            b"{}",
            "application/json",
            headers=told.get("headers", {}),
        )

    refused(answer, 403, "csrf_failed")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "origin", ["null", "https://evil.example", "http://testserver.evil.example"]
)
def test_a_change_from_a_foreign_page_is_refused(
    shop: tuple[HttpClient, int], origin: str, change: str
) -> None:
    # T39
    (client, pk), (method, path) = shop, CHANGES[change]
    headers = token_of(client) | {"Origin": origin}

    with nothing_written():
        answer = client.generic(
            method, path.format(pk=pk), b"{}", "application/json", headers=headers
        )

    refused(answer, 403, "csrf_failed")


def test_a_change_with_cookie_and_header_alike_is_done(shop: tuple[HttpClient, int]) -> None:
    client, pk = shop
    headers = token_of(client) | {"Origin": "http://testserver"}

    assert post(client, LOOK_UP, BODY, headers=headers).status_code == 200
    assert client.delete(f"/address/{pk}/", headers=token_of(client)).status_code == 204
    assert not Address.objects.get(pk=pk).is_active


def test_the_storefront_may_write_the_cookie_itself() -> None:
    # It drops our Set-Cookie and keeps the token of the body.
    factories.create_order()
    client = HttpClient()
    token = HttpClient().get("/csrf_token/").json()["csrf_token"]
    prove(client)
    client.cookies["csrftoken"] = token

    assert post(client, LOOK_UP, BODY, headers={"X-CSRFToken": token}).status_code == 200


def test_a_token_from_before_the_login_is_good_after_it() -> None:
    user = factories.create_customer()
    pk = factories.create_address(user=user).pk
    client = HttpClient()
    token = client.get("/csrf_token/").json()["csrf_token"]

    login = post(client, LOGIN, {"email": user.email, "password": factories.PASSWORD})

    assert login.status_code == 200
    assert client.delete(f"/address/{pk}/", headers={"X-CSRFToken": token}).status_code == 204


def test_a_visitor_without_a_session_needs_no_token() -> None:
    factories.create_order()

    assert post(HttpClient(), LOOK_UP, BODY).status_code == 200


def test_login_and_logout_need_no_token_even_with_a_session() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)

    login = post(client, LOGIN, {"email": user.email, "password": factories.PASSWORD})
    logout = client.post("/users/logout")

    assert (login.status_code, logout.status_code) == (200, 200)
    assert Session.objects.count() == 0


def test_logging_out_twice_is_what_storefronts_do() -> None:
    client = factories.client_of(factories.create_customer())

    first = client.post("/users/logout")
    token = first.json()["form"].split("value='")[1].split("'")[0]
    second = client.post("/users/logout", {"csrfmiddlewaretoken": token})

    assert token.isalnum()
    assert first.json()["form"].startswith("<input type='hidden' name='csrfmiddlewaretoken' value=")
    assert second.status_code == 200
    assert client.get("/current_user/").status_code == 401


SAFE_PATHS = (
    "/users/orders/",
    "/users/orders/{order}/",
    "/users/orders/{order}/cancellation/",
    "/users/orders/cancellation_reasons/",
    "/users/orders/cancellation_requests/",
    "/users/orders/anonymous/",
    "/users/old-orders/",
    "/users/login/",
    "/users/logout",
    "/csrf_token/",
    "/current_user/",
    "/address/",
    "/address/detailed/",
    "/address/{pk}/",
    "/address/country/",
    "/address/city/",
    "/nowhere/",
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_a_safe_method_changes_nothing(method: str) -> None:
    user = factories.create_customer()
    order = factories.create_full_order(customer=user)
    pk = factories.create_address(user=user).pk
    client = factories.client_of(user)

    with nothing_written():
        for path in SAFE_PATHS:
            told = path.format(order=order.pk, pk=pk)
            for headers in ({}, {"Sec-Purpose": "prefetch"}):
                answer = client.generic(method, told, headers=headers)
                assert answer.status_code < 500, told
