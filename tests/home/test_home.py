"""The first page: its language, its links, and the accounts and orders of a demo."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from takeback.home import demo_accounts
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

DEMO = {
    "url": "http://127.0.0.1:8000",
    "customer": {"email": "jane@example.com", "password": "jane's <secret>"},
    "guest": {"email": "guest@example.com", "number": "202603100001"},
    "staff": {"username": "agent", "password": "agent-secret"},
    "channel": {"id": 1, "api_key": "tkb_live_0123abcd_0123456789abcdefghijklmnopqrstuvwxyz"},
    "stories": {
        name: {"email": "jane@example.com", "number": f"N-{name}", "order": 1, "items": [1, 2]}
        for name in (*demo_accounts.TITLES, "a_new_one")
    },
}


@pytest.fixture
def data_dir(tmp_path: Path, settings: Settings) -> Path:
    """The data folder of an installation without a demo."""
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.parametrize(
    ("accepted", "language", "direction"),
    [
        ("tr", "tr", "ltr"),
        ("en-GB,tr;q=0.5", "en", "ltr"),
        ("de-AT", "de", "ltr"),
        ("ar-EG", "ar", "rtl"),
        ("xx", "en", "ltr"),
        ("undefined", "en", "ltr"),
    ],
)
def test_page_is_in_the_language_of_the_browser(
    client: HttpClient, data_dir: Path, accepted: str, language: str, direction: str
) -> None:
    response = client.get("/", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}" dir="{direction}">' in response.content.decode()
    assert response.headers["Content-Language"] == language


@pytest.mark.parametrize("link", ["/api/docs", "/api/schema", "/health/ready"])
def test_demo_page_links_to_docs_schema_and_health(
    client: HttpClient, data_dir: Path, link: str
) -> None:
    (data_dir / "demo.json").write_text(json.dumps(DEMO))
    assert f'href="{link}"' in client.get("/").content.decode()


def test_page_has_no_inline_styles_and_scripts(client: HttpClient, data_dir: Path) -> None:
    (data_dir / "demo.json").write_text(json.dumps(DEMO))
    page = client.get("/").content.decode()
    assert not [sign for sign in ("<style", "<script", " style=", " onclick=") if sign in page]


def test_demo_accounts_and_orders_are_shown(client: HttpClient, data_dir: Path) -> None:
    (data_dir / "demo.json").write_text(json.dumps(DEMO))
    page = client.get("/").content.decode()
    texts = [
        "jane@example.com",
        "jane&#x27;s &lt;secret&gt;",
        "agent-secret",
        DEMO["channel"]["api_key"],  # type: ignore[index]  # a JSON document
        "curl http://127.0.0.1:8000/users/orders/anonymous/",
        '{"number": "202603100001", "email": "guest@example.com"}',
        *(f"N-{name}" for name in (*demo_accounts.TITLES, "a_new_one")),
        '<a href="/desk/orders/1">a_new_one</a>',
    ]
    assert [text for text in texts if str(text) not in page] == []
    assert page.count('href="/desk/orders/1"') == len(demo_accounts.TITLES)
    assert "Handbook" not in page


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", json.dumps(DEMO)[:-1]])
def test_incomplete_demo_file_is_ignored(
    client: HttpClient, data_dir: Path, content: str | None
) -> None:
    if content is not None:
        (data_dir / "demo.json").write_text(content)
    response = client.get("/")
    assert response.status_code == 200
    assert 'id="try"' not in response.content.decode()


@pytest.mark.parametrize("accept", ["application/json", "image/png", "text/html;q=0", "x" * 300])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/api/docs/", "text/html; charset=utf-8"),
        ("/api/schema/", "application/json; charset=utf-8"),
    ],
)
def test_content_type_does_not_depend_on_accept(
    client: HttpClient, path: str, kind: str, accept: str
) -> None:
    response: Any = client.get(path, headers={"Accept": accept})
    assert (response.status_code, response.headers["Content-Type"]) == (200, kind)
