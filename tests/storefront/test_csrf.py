"""Promise P22: a writing request with a session needs the token in cookie and header."""

from typing import Any

import pytest

from takeback.accounts.models import Session
from takeback.addresses.models import Address
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    LOGIN,
    LOOK_UP,
    assert_refused,
    nothing_written,
    post,
    token_of,
    verify_order,
)

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
    """A signed-in customer and the id of their address; also a guest's order."""
    factories.create_order()
    user = factories.create_customer()
    return factories.client_of(user), factories.create_address(user=user).pk


def _other_token() -> str:
    return str(HttpClient().get("/csrf_token/").json()["csrf_token"])


def _tokens(name: str, client: HttpClient) -> dict[str, Any]:
    """Options of a request whose token is invalid in this way."""
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
def test_writing_request_without_its_token_is_refused(
    shop: tuple[HttpClient, int], wrong: str, change: str
) -> None:
    (client, pk), (method, path) = shop, CHANGES[change]
    options = _tokens(wrong, client)

    with nothing_written():
        response = client.generic(
            method,
            path.format(pk=pk) + options.get("query", ""),
            b"{}",
            "application/json",
            headers=options.get("headers", {}),
        )

    assert_refused(response, 403, "csrf_failed")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "origin", ["null", "https://evil.example", "http://testserver.evil.example"]
)
def test_writing_request_from_a_foreign_page_is_refused(
    shop: tuple[HttpClient, int], origin: str, change: str
) -> None:
    (client, pk), (method, path) = shop, CHANGES[change]
    headers = token_of(client) | {"Origin": origin}

    with nothing_written():
        response = client.generic(
            method, path.format(pk=pk), b"{}", "application/json", headers=headers
        )

    assert_refused(response, 403, "csrf_failed")


def test_writing_request_with_equal_tokens_is_accepted(shop: tuple[HttpClient, int]) -> None:
    client, pk = shop
    headers = token_of(client) | {"Origin": "http://testserver"}

    assert post(client, LOOK_UP, BODY, headers=headers).status_code == 200
    assert client.delete(f"/address/{pk}/", headers=token_of(client)).status_code == 204
    assert not Address.objects.get(pk=pk).is_active


def test_storefront_may_set_the_cookie_itself() -> None:
    # It drops our Set-Cookie header and stores the token of the body.
    factories.create_order()
    client = HttpClient()
    token = HttpClient().get("/csrf_token/").json()["csrf_token"]
    verify_order(client)
    client.cookies["csrftoken"] = token

    assert post(client, LOOK_UP, BODY, headers={"X-CSRFToken": token}).status_code == 200


def test_token_survives_the_login() -> None:
    user = factories.create_customer()
    pk = factories.create_address(user=user).pk
    client = HttpClient()
    token = client.get("/csrf_token/").json()["csrf_token"]

    login = post(client, LOGIN, {"email": user.email, "password": factories.PASSWORD})

    assert login.status_code == 200
    assert client.delete(f"/address/{pk}/", headers={"X-CSRFToken": token}).status_code == 204


def test_request_without_a_session_needs_no_token() -> None:
    factories.create_order()

    assert post(HttpClient(), LOOK_UP, BODY).status_code == 200


def test_login_and_logout_need_no_token_even_with_a_session() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)

    login = post(client, LOGIN, {"email": user.email, "password": factories.PASSWORD})
    logout = client.post("/users/logout")

    assert (login.status_code, logout.status_code) == (200, 200)
    assert Session.objects.count() == 0


def test_storefronts_log_out_twice() -> None:
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
def test_safe_methods_change_nothing(method: str) -> None:
    user = factories.create_customer()
    order = factories.create_full_order(customer=user)
    pk = factories.create_address(user=user).pk
    client = factories.client_of(user)

    with nothing_written():
        for path in SAFE_PATHS:
            url = path.format(order=order.pk, pk=pk)
            for headers in ({}, {"Sec-Purpose": "prefetch"}):
                response = client.generic(method, url, headers=headers)
                assert response.status_code < 500, url
