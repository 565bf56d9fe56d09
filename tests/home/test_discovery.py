"""The index of the API, robots.txt and favicon.ico."""

from typing import Any

import pytest

from takeback.home.discovery_views import LINKS
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("path", ["/api/", "/api", "/api/v1/", "/api/v1", "/api/i1/"])
def test_index_names_documents_health_and_version(path: str) -> None:
    response: Any = HttpClient().get(path)

    assert response.status_code == 200
    assert response.json() == {"name": "Takeback", "version": "0.1.0", **LINKS}
    for name in ("documentation", "schema"):
        assert HttpClient().get(LINKS[name]).status_code == 200


def test_browser_gets_the_index_as_a_page() -> None:
    response: Any = HttpClient().get("/api/", headers=HTML)

    page = response.content.decode()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'href="/api/docs/"' in page
    assert "Accept" in response.headers["Vary"]


def test_robots_may_list_the_start_page_only() -> None:
    response: Any = HttpClient().get("/robots.txt")

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode() == "User-agent: *\nAllow: /$\nDisallow: /\n"
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_icon_is_an_image() -> None:
    response: Any = HttpClient().get("/favicon.ico")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")
    assert response.content.startswith(b"<svg")
