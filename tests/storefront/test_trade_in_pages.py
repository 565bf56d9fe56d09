"""A trade-in link that has ended, is damaged or has lost its token shows a page to a person."""

from typing import Any

import pytest

from takeback.accounts.models import Channel
from takeback.trade_in.models import Decision
from tests.factories import HttpClient
from tests.storefront.test_trade_in import HTML, item, owner, path, token_for  # noqa: F401 - fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def links(item_row: Any) -> dict[str, str]:
    token = token_for(item_row)
    return {
        "damaged": path(item_row, token=token[:-1]),
        "for the other decision": path(item_row, Decision.REJECTED, token),
        "without token": path(item_row),
        "empty token": path(item_row, token=""),
        "unknown item": path(item_row, token=token).replace(str(item_row.pk), "999999"),
    }


def test_browser_gets_one_page_for_all_invalid_links(item: Any) -> None:  # noqa: F811 - a fixture
    Channel.objects.update(name="Ayla & Sons")
    pages = {}
    for name, link in links(item).items():
        for method in ("get", "post"):
            response = getattr(HttpClient(), method)(link, headers=HTML)
            assert (name, response.status_code) == (name, 404)
            assert response["Content-Type"] == "text/html; charset=utf-8"
            pages[name, method] = response.content.decode()

    assert len(set(pages.values())) == 1
    page = pages["damaged", "get"]
    assert "<h1>This link has expired or was already used.</h1>" in page
    assert "<bdi>Ayla &amp; Sons</bdi>" in page
    assert "not_found" not in page


def test_other_clients_get_json_as_before(item: Any) -> None:  # noqa: F811 - a fixture
    for name, link in links(item).items():
        for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json, text/html"}):
            response = HttpClient().get(link, headers=headers)
            expected = (401, "not_authenticated") if name == "without token" else (404, "not_found")
            assert (response.status_code, response.json()["code"]) == expected


def test_page_of_an_open_offer_names_the_shop(item: Any) -> None:  # noqa: F811 - a fixture
    Channel.objects.update(name="Ayla & Sons")

    page = HttpClient().get(path(item, token=token_for(item)), headers=HTML).content.decode()

    assert "<bdi>Ayla &amp; Sons</bdi>" in page
    assert '<main class="letter">' in page
