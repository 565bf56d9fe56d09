"""The first page: what it says, in whose language, and what a demo adds."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from takeback.home import try_me
from tests.factories import HttpClient

DEMO = {
    "url": "http://127.0.0.1:8000",
    "customer": {"email": "jane@example.com", "password": "jane's <secret>"},
    "guest": {"email": "guest@example.com", "number": "202603100001"},
    "staff": {"username": "agent", "password": "agent-secret"},
    "channel": {"id": 1, "api_key": "tkb_live_0123abcd_0123456789abcdefghijklmnopqrstuvwxyz"},
    "stories": {
        name: {"email": "jane@example.com", "number": f"N-{name}", "order": 1, "items": [1, 2]}
        for name in (*try_me.TITLES, "a_new_one")
    },
}


@pytest.fixture
def data_dir(tmp_path: Path, settings: Settings) -> Path:
    """An installation's folder without a demo."""
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "language", "direction"),
    [
        ("tr", "tr", "ltr"),
        ("en-GB,tr;q=0.5", "en", "ltr"),
        ("de-AT", "de", "ltr"),
        ("ar-EG", "ar", "rtl"),
        ("xx", "en", "ltr"),
        ("undefined", "en", "ltr"),
    ],
)
def test_the_page_speaks_the_visitors_language(
    client: HttpClient, data_dir: Path, asked: str, language: str, direction: str
) -> None:
    answer = client.get("/", headers={"Accept-Language": asked})
    assert f'<html lang="{language}" dir="{direction}">' in answer.content.decode()
    assert answer.headers["Content-Language"] == language


@pytest.mark.parametrize("link", ["/api/docs", "/api/schema", "/health/ready"])
def test_the_page_leads_everywhere(client: HttpClient, data_dir: Path, link: str) -> None:
    assert f'href="{link}"' in client.get("/").content.decode()


def test_nothing_is_written_inline(client: HttpClient, data_dir: Path) -> None:
    (data_dir / "demo.json").write_text(json.dumps(DEMO))
    page = client.get("/").content.decode()
    assert not [sign for sign in ("<style", "<script", " style=", " onclick=") if sign in page]


def test_a_demo_shows_its_accounts_and_orders(client: HttpClient, data_dir: Path) -> None:
    (data_dir / "demo.json").write_text(json.dumps(DEMO))
    page = client.get("/").content.decode()
    shown = [
        "jane@example.com",
        "jane&#x27;s &lt;secret&gt;",
        "agent-secret",
        DEMO["channel"]["api_key"],  # type: ignore[index]  # a JSON document
        "curl http://127.0.0.1:8000/users/orders/anonymous/",
        '{"number": "202603100001", "email": "guest@example.com"}',
        *(f"N-{name}" for name in (*try_me.TITLES, "a_new_one")),
        "a_new_one</span>",
    ]
    assert [text for text in shown if str(text) not in page] == []


@pytest.mark.parametrize("told", [None, "", "{", "[]", "{}", json.dumps(DEMO)[:-1]])
def test_without_a_whole_file_there_is_no_demo(
    client: HttpClient, data_dir: Path, told: str | None
) -> None:
    if told is not None:
        (data_dir / "demo.json").write_text(told)
    answer = client.get("/")
    assert answer.status_code == 200
    assert 'id="try"' not in answer.content.decode()


@pytest.mark.parametrize("accept", ["application/json", "image/png", "text/html;q=0", "x" * 300])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/api/docs/", "text/html; charset=utf-8"),
        ("/api/schema/", "application/json; charset=utf-8"),
    ],
)
def test_every_page_has_one_kind_whatever_is_accepted(
    client: HttpClient, path: str, kind: str, accept: str
) -> None:
    answer: Any = client.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
