"""Every how-to page is followed from its first line to its last, against a real server."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.docs import reader
from tests.docs.host import require_programs
from tests.docs.shell import Session, session
from tests.home.test_browser import ARGUMENTS
from tests.rigs.serving import free_port
from tests.test_architecture import ROOT

pytestmark = pytest.mark.timeout(600)

SOURCES = {".html", ".py"}
INSTALLING = {"install.md", "production.md"}
"""Pages that `test_install.py` follows."""
PAGES = sorted({path.name for path in reader.HOW_TO.glob("*.md")} - INSTALLING - {"first-shop.md"})
"""Every other page, also a new one."""
NOT_RUN = [
    "clones and installs from the network; the test of install.md builds and installs the wheel"
]


class Shop:
    """A folder in which a reader has followed "Your first shop", and the shell that did."""

    def __init__(self, shell: Session, environment: Mapping[str, str]) -> None:
        self.folder, self.replacements = shell.folder / "my-shop", shell.replacements
        self.environment = environment

    @contextmanager
    def new_shell(self) -> Iterator[Session]:
        """The shell of another day: the folder is the shop's, no variable is set."""
        with session(self.folder, self.environment, self.replacements) as running:
            yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@contextmanager
def first_shop(folder: Path, browser: Browser, **settings: str) -> Iterator[tuple[Session, Shop]]:
    """Follows the page in an empty folder; its server runs until the block ends."""
    require_programs("curl", "jq")
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "SITE_URL": f"http://127.0.0.1:{port}",
        **settings,
    }
    serve = f"takeback serve --port {port} --workers 1"
    replacements = {"8000": str(port), "takeback serve": serve}
    with session(folder, environment, replacements) as shell, browser.new_page(locale="en") as page:
        assert reader.follow("first-shop.md", shell, page) == NOT_RUN
        yield shell, Shop(shell, environment)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Shop]:
    """The shop of the other pages, on SQLite."""
    with first_shop(tmp_path_factory.mktemp("shop"), browser) as (_, running):
        yield running


@pytest.mark.thorough
def test_first_shop_leads_to_an_approved_return(shop: Shop) -> None:
    assert (shop.folder / "var" / "takeback.sqlite3").exists()


@pytest.mark.heavy("postgresql")
@pytest.mark.thorough
def test_first_shop_leads_to_an_approved_return_on_postgresql(
    tmp_path: Path, browser: Browser
) -> None:
    url = os.environ.get("TEST_DATABASE_URL", "")
    if not url:
        pytest.skip("no PostgreSQL in this run")
    name = f"first_shop_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        try:
            database = f"{url.rpartition('/')[0]}/{name}"
            with first_shop(tmp_path, browser, DATABASE_URL=database) as (shell, _):
                assert not list((shell.folder / "my-shop").rglob("*.sqlite3"))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.thorough
@pytest.mark.parametrize("name", PAGES)
def test_page_is_followed_to_its_end(shop: Shop, browser: Browser, name: str) -> None:

    with shop.new_shell() as shell, browser.new_page(locale="en") as page:
        assert reader.follow(name, shell, page) == []


def test_labels_that_the_desk_page_names_exist() -> None:
    text = (reader.HOW_TO / "desk.md").read_text()
    labels = set(
        re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", re.sub(r"(?m)^\d+\. .*$", "", text))
    )
    folders = (ROOT / "takeback" / name for name in ("desk", "cancellations", "notifications"))
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in SOURCES]
    sources = "\n".join(path.read_text() for path in files)
    assert len(labels) > 10
    assert {label for label in labels if label not in sources} == set()
