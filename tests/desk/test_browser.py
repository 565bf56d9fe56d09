"""The desk in a real browser: accessible, silent under its policy, quick by the keyboard alone."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests.conftest import CI, LONG
from tests.home.test_browser import ARGUMENTS, _heard
from tests.rigs.serving import Server, environment, serving
from tests.test_architecture import ROOT

pytestmark = pytest.mark.heavy("postgresql")

DECIDED = 200 if LONG else 40 if CI else 10
SPARE = 6
"""Cases that are left for those who only look."""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, with an agent and cases."""
    folder = tmp_path_factory.mktemp("desk")
    with serving(folder, "--workers", "2", "--migrate") as running:
        subprocess.run(
            [sys.executable, "-m", "tests.desk.stock", str(DECIDED + SPARE)],
            cwd=ROOT,
            env=environment(folder),
            check=True,
            capture_output=True,
        )
        yield running


def sign_in(page: Page, server: Server) -> None:
    """By the keyboard."""
    page.goto(f"{server.url}/desk/login")
    page.locator("#username").focus()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("a-long-enough-password")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-row]")


@pytest.fixture(scope="module")
def signed_in(desk: Server, browser: Browser) -> StorageState:
    """What a browser keeps after signing in."""
    with browser.new_context(locale="en") as context:
        sign_in(context.new_page(), desk)
        return context.storage_state()


def visit(
    browser: Browser, kept: StorageState, language: str, scheme: str, width: int
) -> BrowserContext:
    """An agent with their language, their colours and the width of their window."""
    return browser.new_context(
        bypass_csp=True,  # axe is a script
        locale=language,
        color_scheme=scheme,  # type: ignore[arg-type]  # a literal of its own
        viewport={"width": width, "height": 800},
        storage_state=kept,
    )


LOOKS = [
    ("en", "light", 1280),
    ("de", "dark", 1280),
    ("tr", "light", 320),
    ("ar", "light", 1280),
    ("ar", "dark", 320),
]
PAGES = {
    "queue": "/desk/?status=all&name=ay",
    "filters that cannot be read": "/desk/?since=x",
    "case": "/desk/cases/1",
    "case with a message": "/desk/cases/1?done=confirm",
    "order": "/desk/orders/1",
    "activity": "/desk/activity?who=all",
    "second factor": "/desk/second-factor",
    "nowhere": "/desk/nowhere",
}


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
def test_every_page_is_accessible_and_fits(
    desk: Server,
    signed_in: StorageState,
    browser: Browser,
    language: str,
    scheme: str,
    width: int,
) -> None:
    with visit(browser, signed_in, language, scheme, width) as context:
        page = context.new_page()
        for name, path in PAGES.items():
            page.goto(desk.url + path)
            _judge(page, name, language, width)
        page.goto(f"{desk.url}/desk/cases/1")
        page.keyboard.press("?")
        page.locator("[name=step][value=reject]").evaluate("button => button.click()")
        page.wait_for_selector("[role=alert]")
        _judge(page, "a reason is missing", language, width)
        context.clear_cookies()
        page.goto(f"{desk.url}/desk/login")
        _judge(page, "login", language, width)


def _judge(page: Page, name: str, language: str, width: int) -> None:
    assert page.evaluate("document.documentElement.lang") == language, name
    assert page.evaluate("document.documentElement.scrollWidth") == width, name
    results = Axe().run(page)
    assert results.violations_count == 0, f"{name}: {results.generate_report()}"


def focused(page: Page) -> str:
    """What has the focus, and is seen to have it."""
    told: str = page.evaluate(
        """() => {
          const node = document.activeElement;
          const line = getComputedStyle(node).outlineStyle;
          return `${node.id || node.role || node.tagName} ${line}`;
        }"""
    )
    return told


@pytest.mark.timeout(600)
def test_cases_are_decided_by_the_keyboard_alone(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        said = _heard(page)
        page.goto(f"{desk.url}/desk/?sort=newest", wait_until="networkidle")
        first = page.locator("[data-row]").first.get_attribute("id")
        assert focused(page) == f"{first} solid"
        page.keyboard.press("j")
        page.keyboard.press("ArrowUp")
        assert focused(page) == f"{first} solid"
        page.keyboard.press("Enter")
        for number in range(DECIDED):
            page.wait_for_selector("h1:focus")
            assert focused(page).endswith(" solid")
            if number % 2:
                page.keyboard.press("r")
                assert focused(page) == "note solid"
                page.keyboard.type("worn")
                page.keyboard.press("Escape")
                page.keyboard.press("r")
            else:
                page.keyboard.press("a")
            page.wait_for_selector("[role=status]:focus")
            assert focused(page) == "status solid"
            page.keyboard.press("n")
        page.wait_for_selector("h1:focus")
        page.keyboard.press("u")
        page.wait_for_selector("[data-row]:focus")
        assert page.locator("[data-row]").count() == SPARE
        counted = page.goto(f"{desk.url}/desk/activity")
        assert counted
        assert said == []


@pytest.mark.thorough
def test_without_the_keys_every_step_is_reached_by_tab(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/cases/2", wait_until="networkidle")
        reached = []
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.dataset.key || ''"))
        assert [key for key in reached if key][:5] == ["w", "a", "c", "v", "r"]
        page.locator("summary").last.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("c")
        page.reload(wait_until="networkidle")
        assert page.locator("[role=status]").count() == 0
        assert page.locator("[data-keys-on]").is_checked() is False


@pytest.mark.thorough
def test_what_was_typed_survives_that_somebody_else_was_quicker(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        mine, theirs = context.new_page(), context.new_page()
        for page in (mine, theirs):
            page.goto(f"{desk.url}/desk/cases/3", wait_until="networkidle")
        theirs.keyboard.press("c")
        theirs.wait_for_selector("[role=status]:focus")
        mine.locator("#note").fill("not like this")
        mine.get_by_role("button", name="Reject").click()
        mine.wait_for_selector("[role=alert]:focus")
        assert mine.locator("#note").input_value() == "not like this"
        assert mine.locator(".badge.confirmed").count() == 1


def test_it_works_without_a_script(desk: Server, browser: Browser) -> None:
    with browser.new_context(locale="en", java_script_enabled=False) as context:
        page = context.new_page()
        said = _heard(page)
        sign_in(page, desk)
        page.goto(f"{desk.url}/desk/cases/4")
        page.locator("img[alt='the seam']").wait_for()
        page.get_by_role("button", name="The account is right").click()
        assert page.locator("[role=status]").inner_text().startswith("The bank account is marked")
        page.get_by_role("button", name="Approve").click()
        assert page.locator("[role=status]").inner_text().startswith("Approved.")
        page.get_by_role("link", name="Next case").last.click()
        page.get_by_label("Note").fill("no")
        page.get_by_role("button", name="Reject").click()
        assert page.locator("[role=status]").inner_text().startswith("Rejected.")
        page.get_by_role("button", name="Sign out").click()
        assert page.url == f"{desk.url}/desk/login"
        assert said == []


@pytest.mark.thorough
def test_the_agents_picture_for_the_second_factor_is_whole(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        said = _heard(page)
        page.goto(f"{desk.url}/desk/second-factor", wait_until="networkidle")
        box = page.locator(".qr svg").bounding_box()
        assert box
        assert round(box["width"]) == round(box["height"])
        assert box["width"] >= 150
        assert said == []
