"""Browsers get pages for unknown addresses; programs keep JSON."""

from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from takeback.accounts.models import Channel
from takeback.storefront.bank_account_views import BankAccountPage
from tests import factories
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
JSON_TYPE = "application/json; charset=utf-8"
PATHS = ["/nowhere", "/api/v1/nowhere/", "/users/nowhere/x/y/z", "/%00", "/ü"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accept", [CHROME, "text/html", "application/json;q=0.5, text/html"])
def test_browser_gets_a_page_for_an_unknown_address(path: str, accept: str) -> None:
    factories.create_channel()
    Channel.objects.update(name="Ayla & Sons")

    response: Any = HttpClient().get(path, headers={"Accept": accept, "Accept-Language": "en"})

    page = response.content.decode()
    assert (response.status_code, response.headers["Content-Type"]) == (
        404,
        "text/html; charset=utf-8",
    )
    assert '<html lang="en" dir="ltr">' in page
    assert "<h1>Page not found</h1>" in page
    assert "<bdi>Ayla &amp; Sons</bdi>" in page
    assert "Accept" in response.headers["Vary"].split(", ")
    assert "img-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/json, text/html",
        "text/html;q=0",
        "x" * 9000,
    ],
)
def test_program_gets_json_for_an_unknown_address(path: str, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}

    response: Any = HttpClient().get(path, headers=headers)

    assert (response.status_code, response.headers["Content-Type"]) == (404, JSON_TYPE)
    assert response.json() == {"detail": "Not found.", "code": "not_found"}


@pytest.mark.parametrize("language", ["tr", "de", "ar"])
def test_page_is_in_the_language_of_the_visitor(language: str) -> None:
    headers = {"Accept": CHROME, "Accept-Language": language}

    page = HttpClient().get("/nowhere", headers=headers).content.decode()

    assert f'<html lang="{language}"' in page
    assert "Page not found" not in page
    assert "Check the address" not in page


def test_first_page_of_a_shop_has_no_links_for_developers(
    tmp_path: Any, settings: Settings
) -> None:
    settings.DATA_DIR = tmp_path
    factories.create_channel()
    Channel.objects.update(name="Ayla & Sons", storefront_url="https://shop.example/")

    page = HttpClient().get("/").content.decode()

    assert "<bdi>Ayla &amp; Sons</bdi>" in page
    assert 'href="https://shop.example/"' in page
    assert not [word for word in ("API", "Health", "Desk", "Takeback") if word in page]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)"])
def test_first_page_links_to_a_known_shop_only(tmp_path: Any, settings: Settings, url: str) -> None:
    settings.DATA_DIR = tmp_path
    factories.create_channel()
    Channel.objects.update(storefront_url=url)

    assert "Go to the shop" not in HttpClient().get("/").content.decode()


def test_page_survives_a_shop_without_a_channel() -> None:
    response = HttpClient().get("/nowhere", headers={"Accept": CHROME})

    assert response.status_code == 404
    assert 'class="shop"' not in response.content.decode()


PAGES = [
    "/",
    "/api/",
    "/users/orders/bank_account/x/",
    "/users/order_item/1/tradein_approved/",
    "/users/reset/x/",
    "/users/registration/account-confirm-email/x/",
    "/users/email-set-primary/x/",
    "/users/hand-off/x/",
]


@pytest.mark.parametrize("path", PAGES)
def test_person_gets_a_page_for_a_method_that_is_not_allowed(path: str) -> None:
    factories.create_channel()

    response: Any = HttpClient().delete(path, headers={"Accept": CHROME, "Accept-Language": "en"})
    plain: Any = HttpClient().delete(path)

    assert (response.status_code, plain.status_code) == (405, 405)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>This method is not allowed here.</h1>" in response.content.decode()
    assert response.headers["Allow"] == plain.headers["Allow"]
    assert plain.json()["code"] == "method_not_allowed"


def test_person_gets_a_page_with_retry_after_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(BankAccountPage, "get", fail)

    response: Any = HttpClient().get(
        "/users/orders/bank_account/x/", headers={"Accept": CHROME, "Accept-Language": "en"}
    )

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "temporarily unavailable" in response.content.decode()
