"""Pages in a real browser: no policy violations, accessible, and no wider than the window."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.home.test_home import DEMO
from tests.rigs.serving import Server, environment
from tests.test_architecture import ROOT

pytestmark = pytest.mark.heavy

CREATE_CASE = """
import django
django.setup()
from takeback.cancellations.bank_account_links import PATH, token_of
from tests.notifications.factories import IBAN, cancel, open_cases, order_with
(case,) = open_cases(order_with("Red shoe", number="{number}"), cancel(iban=IBAN))
print(f"{{PATH}}{{token_of(case)}}/")
"""

GROUP = ".opblock-tag"
HEALTH = "#operations-Operations-health_live"
FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  const outline = `${style.outlineStyle} ${style.outlineWidth}`;
  return [document.activeElement.textContent.trim(), outline];
}"""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def demo(server: Server) -> Iterator[Server]:
    """The server with the file of a demo."""
    file = server.folder / "demo.json"
    file.write_text(json.dumps(DEMO))
    yield server
    file.unlink()


@pytest.fixture(scope="module")
def offers(server: Server) -> dict[str, str]:
    """The paths of two open trade-in offers, and the session of a customer."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.trade_in.create_offers"],
        cwd=Path(__file__).parent.parent.parent,
        env=environment(server.folder),
        check=True,
        capture_output=True,
    )
    paths: dict[str, str] = json.loads(result.stdout)
    return paths


def mailed_path(server: Server, number: str) -> str:
    """The path in the mail about a guest's bank account."""
    result = subprocess.run(
        [sys.executable, "-c", CREATE_CASE.format(number=number)],
        env=environment(server.folder, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


@pytest.fixture(scope="module")
def bank_page(server: Server) -> str:
    """The page of a bank account that stays unconfirmed."""
    return server.url + mailed_path(server, "1001")


def record_problems(page: Page) -> list[str]:
    """The list receives all console messages, errors, policy violations and failed requests.

    A request that the browser aborts because the user goes to another page is no problem.
    """
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("requestfailed", lambda request: _record_failure(problems, request))
    page.on("response", lambda response: _record_error(problems, response.status, response.url))
    return problems


def _record_failure(problems: list[str], request: Request) -> None:
    if request.failure != "net::ERR_ABORTED":
        problems.append(f"failed: {request.url}: {request.failure}")


def _record_error(problems: list[str], status: int, url: str) -> None:
    if status >= 400:
        problems.append(f"{status}: {url}")


def test_first_page_violates_no_policy(demo: Server, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        problems = record_problems(page)
        page.goto(demo.url, wait_until="networkidle")
        assert page.locator("#try code").count() > 10
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == "rgb(247, 246, 242)"
        assert problems == []


@pytest.mark.thorough
def test_api_page_works_and_violates_no_policy(server: Server, browser: Browser) -> None:
    document = json.loads(server.request("/api/schema/").body)
    operations = sum(len(path) for path in document["paths"].values())
    with browser.new_context() as context:
        page = context.new_page()
        problems = record_problems(page)
        page.goto(f"{server.url}/api/docs/", wait_until="networkidle")
        assert _operations_of_all_groups(page) == operations
        page.locator(GROUP).last.click()
        block = page.locator(HEALTH)
        block.locator("button.opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        status = block.locator(".live-responses-table .response-col_status").last
        status.wait_for()
        assert status.inner_text().strip().startswith("200")
        assert problems == []


def _operations_of_all_groups(page: Page) -> int:
    """The number of operations; each group is opened and closed again."""
    page.wait_for_selector(GROUP)
    count = 0
    for group in page.locator(GROUP).all():
        group.click()
        page.locator(".opblock").first.wait_for()
        count += page.locator(".opblock").count()
        group.click()
        page.locator(".opblock").first.wait_for(state="detached")
    return count


def _open_api_page(page: Page, server: Server) -> None:
    """Open the page, and its first and last group."""
    page.goto(f"{server.url}/api/docs/", wait_until="networkidle")
    page.wait_for_selector(GROUP)
    for group in (page.locator(GROUP).first, page.locator(GROUP).last):
        group.click()
    page.wait_for_selector(HEALTH)


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_api_page_is_accessible(server: Server, browser: Browser, scheme: str) -> None:
    with _visit(browser, "en", scheme, 1280) as context:
        page = context.new_page()
        _open_api_page(page, server)
        is_dark = page.evaluate("document.documentElement.classList.contains('dark-mode')")
        assert is_dark == (scheme == "dark")
        # An operation with a body, and one with headers only.
        for block in (page.locator(".opblock").first, page.locator(HEALTH)):
            block.locator("button.opblock-summary-control").click()
            block.locator(".headers").first.wait_for()
        violations = Axe().run(page).response["violations"]
        assert [
            f"{violation['id']}: {node['html'][:120]}"
            for violation in violations
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ] == []


@pytest.mark.thorough
def test_api_page_is_usable_by_keyboard(server: Server, browser: Browser) -> None:
    """Tab reaches each control, Enter activates it, and the focus is always visible."""
    with _visit(browser, "en", "light", 1280) as context:
        page = context.new_page()
        _open_api_page(page, server)
        block = page.locator(HEALTH)
        block.locator("button.opblock-summary-control").focus()
        page.keyboard.press("Enter")
        for name in ("Try it out", "Execute"):
            button = block.get_by_role("button", name=name)
            button.wait_for()
            _press_tab_until(page, name)
            page.keyboard.press("Enter")
        status = block.locator(".live-responses-table .response-col_status").last
        status.wait_for()
        assert status.inner_text().strip().startswith("200")


def _press_tab_until(page: Page, name: str) -> None:
    """Move the focus to the button with this name; each stop has a visible outline."""
    for _ in range(20):
        page.keyboard.press("Tab")
        text, outline = page.evaluate(FOCUSED)
        assert outline == "solid 3px", text
        if text == name:
            return
    pytest.fail(f"Tab does not reach {name}")


LOOKS = [(language, "light") for language in ("en", "tr", "de", "ar")] + [("en", "dark")]


def _visit(browser: Browser, language: str, scheme: str, width: int) -> BrowserContext:
    """A browser with this language, colour scheme and window width."""
    viewport = {"width": width, "height": 800}
    return browser.new_context(
        bypass_csp=True,  # axe is a script
        locale=language,
        color_scheme=scheme,  # type: ignore[arg-type]  # a literal of its own
        viewport=viewport,  # type: ignore[arg-type]  # the same
    )


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("language", "scheme"), LOOKS)
@pytest.mark.parametrize("name", ["first", "trade-in"])
def test_page_is_accessible_and_fits_the_window(
    demo: Server,
    offers: dict[str, str],
    browser: Browser,
    name: str,
    language: str,
    scheme: str,
    width: int,
) -> None:
    path = {"first": "", "trade-in": offers["mailed"]}[name]
    with _visit(browser, language, scheme, width) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/{path}")
        assert page.evaluate("document.documentElement.lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") == width
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


@pytest.mark.thorough
@pytest.mark.parametrize("way", ["mailed", "own"])
def test_trade_in_offer_is_accepted_by_its_button(
    server: Server, offers: dict[str, str], browser: Browser, way: str
) -> None:
    with browser.new_context() as context:
        if way == "own":
            cookie = {"name": "osessionid", "value": offers["session"], "url": server.url}
            context.add_cookies([cookie])  # type: ignore[list-item]  # a literal of its own
        page = context.new_page()
        problems = record_problems(page)
        page.goto(f"{server.url}/{offers[way]}", wait_until="networkidle")
        assert page.get_by_role("heading").inner_text() == "Accept the trade-in offer?"
        page.get_by_role("button", name="Accept the offer").click()
        page.get_by_role("heading", name="Your approval has been sent.").wait_for()
        assert page.get_by_role("button").count() == 0
        assert problems == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_bank_account_page_is_accessible_and_fits_the_window(
    bank_page: str, browser: Browser, language: str, scheme: str, width: int
) -> None:
    with _visit(browser, language, scheme, width) as context:
        page = context.new_page()
        for path in (bank_page, bank_page.replace("bank_account/", "bank_account/0")):
            page.goto(path)
            assert page.evaluate("document.documentElement.lang") == language
            assert page.evaluate("document.documentElement.scrollWidth") == width
            results = Axe().run(page)
            assert results.violations_count == 0, results.generate_report()


def test_bank_account_is_confirmed_without_javascript(server: Server, browser: Browser) -> None:
    path = server.url + mailed_path(server, "1002")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        problems = record_problems(page)
        page.goto(path)
        page.get_by_label("Last four characters").fill("13 26")
        page.get_by_role("button").click()
        assert page.get_by_role("heading").inner_text() == "Thank you."
        page.reload()
        assert page.get_by_role("heading").inner_text() == "Thank you."
        assert problems == []
