"""Signing in with a token that the shop's server has requested: by page, or by JSON."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.accounts.models import Channel, OneTimeSecret, User
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient
from tests.storefront.api import nothing_written, post
from tests.storefront.test_registration import CURRENT_USER

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]

HAND_OFF = "/users/hand-off/"
SCOPES = ("decide", "pii")
NOT_VALID = {
    "non_field_errors": [
        "This token has expired, was already used or is not valid. Request a new one."
    ]
}
STOREFRONT = "https://shop.example"


@pytest.fixture
def customer() -> User:
    """A registered customer."""
    return factories.create_customer()


def issue(user: User, *, channel: int = factories.SHOP, scopes: Any = SCOPES) -> Any:
    """The request of the shop's server."""
    key = shop.key(scopes=scopes, channels=(factories.SHOP, shop.OTHER))
    path = f"/api/v1/channel/{channel}/customers/{user.pk}/sign_in_tokens/"
    return post(shop.client(key), path, {})


def token_of(user: User, **options: Any) -> str:
    """A new token."""
    return str(issue(user, **options).json()["token"])


def redeem(token: Any, client: HttpClient | None = None, **options: Any) -> Any:
    """The request of a headless storefront."""
    extra = options.pop("extra", {})
    return post(client or HttpClient(), HAND_OFF, {"token": token} | extra, **options)


def test_token_is_issued_for_a_minute(customer: User, frozen_now: datetime) -> None:
    response = issue(customer)
    body = response.json()
    assert response.status_code == 201
    assert body == {
        "token": body["token"],
        "url": f"http://127.0.0.1:8000/users/hand-off/{body['token']}/",
        "expires_at": (frozen_now + timedelta(seconds=60)).isoformat().replace("+00:00", "Z"),
    }
    assert set(body["token"]) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
    )


@pytest.mark.parametrize("scopes", [("read", "decide"), ("read", "pii"), ("read", "money")])
def test_token_needs_both_scopes(customer: User, scopes: tuple[str, ...]) -> None:
    assert issue(customer, scopes=scopes).status_code == 403
    assert not OneTimeSecret.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"user_type": "guest"}, {"user_type": "pending"}, {"is_active": False}]
)
def test_only_active_registered_customers_get_a_token(fields: dict[str, Any]) -> None:
    assert issue(factories.create_customer(**fields)).status_code == 404


def test_customer_of_another_channel_is_not_found(customer: User) -> None:
    assert issue(customer, channel=shop.OTHER).status_code == 404


def test_headless_storefront_receives_the_session(customer: User) -> None:
    client = HttpClient()
    response = redeem(token_of(customer), client)
    key = client.cookies["osessionid"].value
    assert (response.status_code, response.json()) == (200, {"key": key, "redirect_url": None})
    assert client.get(CURRENT_USER).json()["pk"] == customer.pk


def test_browser_confirms_on_a_page_and_is_redirected(customer: User) -> None:
    client = HttpClient(enforce_csrf_checks=True)
    path = f"{HAND_OFF}{token_of(customer)}/?next=/users/orders/"
    with nothing_written():
        page = client.get(path).content.decode()
    assert "You will be signed in as \u2068c•••@example.com\u2069." in page
    response = client.post(path)
    assert (response.status_code, response["Location"]) == (303, "/users/orders/")
    assert client.get(CURRENT_USER).json()["pk"] == customer.pk


@pytest.mark.parametrize(
    "headers", [{"X-Requested-With": "XMLHttpRequest"}, {"Accept": "application/json"}], ids=str
)
def test_get_never_signs_in(customer: User, headers: dict[str, str]) -> None:
    path = f"{HAND_OFF}{token_of(customer)}/"
    with nothing_written():
        response = HttpClient().get(path, headers=headers)
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "osessionid" not in response.cookies


def test_page_of_another_site_cannot_sign_a_visitor_in(customer: User) -> None:
    path = f"{HAND_OFF}{token_of(customer)}/"
    headers = {"Sec-Fetch-Site": "cross-site"}
    with nothing_written():
        assert HttpClient().post(path, headers=headers).status_code == 403
        assert redeem("x", headers=headers).status_code == 403


def test_token_works_once(customer: User) -> None:
    token = token_of(customer)
    assert redeem(token).status_code == 200
    with nothing_written():
        response = redeem(token)
        page = HttpClient().post(f"{HAND_OFF}{token}/")
    assert (response.status_code, response.json()) == (400, NOT_VALID)
    assert page.status_code == 400
    assert "osessionid" not in page.cookies


def test_two_tokens_of_a_customer_are_independent(customer: User) -> None:
    first, second = token_of(customer), token_of(customer)
    assert [redeem(token).status_code for token in (first, second)] == [200, 200]


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400), (61, 400)])
def test_token_expires_after_a_minute(
    customer: User, frozen_now: datetime, seconds: int, status: int
) -> None:
    token = token_of(customer)
    with time_machine.travel(frozen_now + timedelta(seconds=seconds), tick=False):
        assert redeem(token).status_code == status


def test_altered_token_is_refused_and_stays_valid(customer: User) -> None:
    token = token_of(customer)
    other = factories.create_customer(email="other@example.com")
    altered = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.replace(f"{customer.pk}-", f"{other.pk}-", 1),
        token.replace(".", "x.", 1),
        token[10:],
        f"{customer.pk}",
        f"{customer.pk}--.a.b",
        "x",
        "9" * 1024,
    ]
    with nothing_written():
        for text in altered:
            assert redeem(text).json() == NOT_VALID, text
    assert redeem(token).status_code == 200


def test_token_of_another_channel_is_refused(customer: User, settings: Any) -> None:
    settings.STOREFRONT_HOSTS = {"other.example": "2"}
    settings.ALLOWED_HOSTS = ["*"]
    other = factories.create_customer(channel_id=2, email="other@example.com")
    body = issue(other, channel=2).json()
    assert body["url"].startswith("http://other.example:8000/users/hand-off/")
    token = token_of(customer)
    with nothing_written():
        assert redeem(body["token"]).json() == NOT_VALID
        assert redeem(token, headers={"Host": "other.example"}).json() == NOT_VALID
    response = redeem(body["token"], headers={"Host": "other.example"})
    assert response.status_code == 200


def test_customer_who_was_deactivated_is_refused(customer: User) -> None:
    token = token_of(customer)
    User.objects.update(is_active=False)
    with nothing_written():
        assert redeem(token).json() == NOT_VALID


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/a?b=c", "/a?b=c"),
        ("https://shop.example/orders", "https://shop.example/orders"),
        ("", STOREFRONT),
        ("//evil.example/", STOREFRONT),
        ("/\\evil.example", STOREFRONT),
        ("https://evil.example/", STOREFRONT),
        ("http://shop.example/", STOREFRONT),
        ("https://shop.example@evil.example/", STOREFRONT),
        ("javascript:alert(1)", STOREFRONT),
        ("orders", STOREFRONT),
        ("/a\r\nSet-Cookie: x=1", "/a%0D%0ASet-Cookie:%20x=1"),
    ],
)
def test_redirect_leads_to_the_shop_only(customer: User, target: str, location: str) -> None:
    Channel.objects.update(storefront_url=STOREFRONT)
    client = HttpClient()
    response = client.post(f"{HAND_OFF}{token_of(customer)}/", query_params={"next": target})
    assert (response.status_code, response["Location"]) == (303, location)


def test_page_may_redirect_to_the_storefront(customer: User) -> None:
    Channel.objects.update(storefront_url=f"{STOREFRONT}/tr/")
    response = HttpClient().get(f"{HAND_OFF}{token_of(customer)}/")
    policy = response["Content-Security-Policy"].split("; ")
    assert f"form-action 'self' {STOREFRONT}" in policy
    assert "default-src 'none'" in policy


def test_json_returns_a_safe_redirect_url(customer: User) -> None:
    urls = [
        redeem(token_of(customer), extra={"next": target}).json()["redirect_url"]
        for target in ("/orders", "https://evil.example/", "")
    ]
    assert urls == ["/orders", "/", None]


@pytest.mark.parametrize("token", [None, 1, "", ["x"], {}])
def test_token_of_another_type_is_a_field_error(token: Any) -> None:
    with nothing_written():
        response = redeem(token)
    assert (response.status_code, list(response.json())) == (400, ["token"])
