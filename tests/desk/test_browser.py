"""The desk in a real browser: accessible, usable by keyboard only, without policy violations."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests import factories
from tests.conftest import CI, LONG
from tests.home.test_browser import ARGUMENTS, record_problems
from tests.rigs.serving import Server, environment, serving
from tests.test_architecture import ROOT

pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]

DECIDED = 200 if LONG else 40 if CI else 10
SPARE = 6
"""Cases that the tests leave undecided."""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an agent and cases."""
    folder = tmp_path_factory.mktemp("desk")
    with serving(folder, "--workers", "2", "--migrate") as running:
        subprocess.run(
            [sys.executable, "-m", "tests.desk.fill_server", str(DECIDED + SPARE)],
            cwd=ROOT,
            env=environment(folder),
            check=True,
            capture_output=True,
        )
        yield running


def sign_in(page: Page, server: Server) -> None:
    """Sign in by keyboard."""
    page.goto(f"{server.url}/desk/login")
    page.locator("#username").focus()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("a-long-enough-password")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-row]")


@pytest.fixture(scope="module")
def signed_in(desk: Server, browser: Browser) -> StorageState:
    """The state of a browser after signing in."""
    with browser.new_context(locale="en") as context:
        sign_in(context.new_page(), desk)
        return context.storage_state()


def visit(
    browser: Browser, state: StorageState, language: str, scheme: str, width: int
) -> BrowserContext:
    """A signed-in browser with this language, colour scheme and window width."""
    return browser.new_context(
        bypass_csp=True,  # axe is a script
        locale=language,
        color_scheme=scheme,  # type: ignore[arg-type]  # a literal of its own
        viewport={"width": width, "height": 800},
        storage_state=state,
    )


LOOKS = [
    ("en", "light", 1280),
    ("de", "dark", 1280),
    ("tr", "light", 320),
    ("ar", "light", 1280),
    ("ar", "dark", 320),
]
PAGES = {
    "queue": "/desk/?status=all&kind=cancel",
    "filter of another agent": "/desk/?filter=0123456789ab",
    "invalid filters": "/desk/?since=x",
    "case": "/desk/cases/1",
    "case with a message": "/desk/cases/1?done=confirm",
    "order": "/desk/orders/1",
    "activity": "/desk/activity?who=all",
    "refunds": "/desk/refunds/",
    "invalid filters of refunds": "/desk/refunds/?reason=x",
    "refund by hand": "/desk/refunds/13",
    "refund": "/desk/refunds/1",
    "payment accounts": "/desk/settings/1/payment-accounts",
    "new payment account": "/desk/settings/1/payment-accounts/new",
    "payment account": "/desk/settings/1/payment-accounts/1",
    "account": "/desk/account",
    "change of password": "/desk/account/password",
    "second factor": "/desk/second-factor",
    "unknown page": "/desk/nowhere",
}


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
def test_pages_are_accessible_and_fit_the_window(
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
            _check_page(page, name, language, width)
        page.goto(f"{desk.url}/desk/cases/1")
        page.keyboard.press("?")
        page.locator("[name=step][value=reject]").evaluate("button => button.click()")
        page.wait_for_selector("[role=alert]")
        _check_page(page, "missing reason", language, width)
        page.goto(f"{desk.url}/desk/orders/{DECIDED + SPARE + 1}")
        page.locator("#new-case ~ form [type=submit]").first.click()
        page.wait_for_selector("[role=alert]")
        _check_page(page, "order with errors", language, width)
        page.goto(f"{desk.url}/desk/orders/{DECIDED + SPARE + 2}")
        page.locator("#payments ~ details > summary").click()
        _check_page(page, "order with refunds", language, width)
        page.goto(f"{desk.url}/desk/refunds/1")
        page.locator("#steps ~ details [type=submit]").first.click()
        page.wait_for_selector("[role=alert]")
        _check_page(page, "refund with errors", language, width)
        context.clear_cookies()
        for path in ("/desk/login", "/desk/password-reset", "/desk/password-reset/x"):
            page.goto(desk.url + path)
            _check_page(page, path, language, width)


def _check_page(page: Page, name: str, language: str, width: int) -> None:
    assert page.evaluate("document.documentElement.lang") == language, name
    assert page.evaluate("document.documentElement.scrollWidth") == width, name
    results = Axe().run(page)
    assert results.violations_count == 0, f"{name}: {results.generate_report()}"


def focused(page: Page) -> str:
    """The focused element and its outline."""
    result: str = page.evaluate(
        """() => {
          const node = document.activeElement;
          const line = getComputedStyle(node).outlineStyle;
          return `${node.id || node.role || node.tagName} ${line}`;
        }"""
    )
    return result


@pytest.mark.timeout(600)
def test_cases_are_decided_by_keyboard_only(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        problems = record_problems(page)
        page.goto(f"{desk.url}/desk/?sort=newest", wait_until="networkidle")
        first = page.locator("[data-row]").first.get_attribute("id")
        assert focused(page) == f"{first} solid"
        page.keyboard.press("j")
        page.keyboard.press("ArrowUp")
        assert focused(page) == f"{first} solid"
        page.keyboard.press("Enter")
        for number in range(DECIDED):
            page.wait_for_selector("h1:focus")
            assert focused(page) == "H1 none"
            if number % 2:
                page.keyboard.press("r")
                assert focused(page) == "message solid"
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
        assert page.goto(f"{desk.url}/desk/activity")
        assert problems == []


@pytest.mark.thorough
def test_buttons_are_reached_by_tab_without_shortcuts(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/cases/2", wait_until="networkidle")
        keys = []
        for _ in range(12):
            page.keyboard.press("Tab")
            keys.append(page.evaluate("document.activeElement.dataset.key || ''"))
        assert [key for key in keys if key][:5] == ["m", "w", "a", "c", "v"]
        page.locator("summary").last.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("c")
        page.reload(wait_until="networkidle")
        assert page.locator("[role=status]").count() == 0
        assert page.locator("[data-keys-on]").is_checked() is False


@pytest.mark.thorough
def test_message_survives_a_concurrent_decision(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        mine, theirs = context.new_page(), context.new_page()
        for page in (mine, theirs):
            page.goto(f"{desk.url}/desk/cases/3", wait_until="networkidle")
        theirs.keyboard.press("c")
        theirs.wait_for_selector("[role=status]:focus")
        mine.locator("#message").fill("not like this")
        mine.get_by_role("button", name="Reject").click()
        mine.wait_for_selector("[role=alert]:focus")
        assert mine.locator("#message").input_value() == "not like this"
        assert mine.locator(".badge.confirmed").count() == 1


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 800)])
def test_decision_is_in_sight_without_scrolling(
    desk: Server, signed_in: StorageState, browser: Browser, width: int, height: int
) -> None:
    viewport = {"width": width, "height": height}
    with browser.new_context(
        locale="en",
        storage_state=signed_in,
        viewport=viewport,  # type: ignore[arg-type]  # a type of its own
    ) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/cases/4", wait_until="networkidle")
        parts = [".amount", ".summary", ".warnings"]
        if width > 1000:
            parts += ["#message", "#internal_note", "[name=step][value=approve]"]
            parts += ["#effect-approve", "[name=step][value=reject]", "#effect-reject"]
        for part in parts:
            box = page.locator(part).bounding_box()
            assert box, part
            assert box["y"] + box["height"] <= height, part
        assert "The bank account is not verified." in page.locator(".warnings").inner_text()


def test_decision_is_undone_by_keyboard_in_any_layout(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        problems = record_problems(page)
        page.goto(f"{desk.url}/desk/cases/5", wait_until="networkidle")
        press(page, "\u0634", "KeyA")  # an Arabic layout
        page.wait_for_selector("[data-expires]")
        press(page, "\u0396", "KeyZ")  # a Greek layout
        page.wait_for_selector("text=Decision undone.")
        assert page.locator(".badge.waiting").count() == 1
        press(page, "C", "KeyC")  # Caps Lock
        page.wait_for_selector("[data-expires]")
        page.locator("[data-expires] button").click()
        page.wait_for_selector("text=Decision undone.")
        assert problems == []


def press(page: Page, key: str, code: str) -> None:
    """Press a key of a layout that the test's browser does not have."""
    page.evaluate(
        """([key, code]) => document.activeElement.dispatchEvent(
          new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }))""",
        [key, code],
    )


def test_undo_leaves_the_page_after_ten_seconds(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        page.clock.install()
        page.goto(f"{desk.url}/desk/cases/6", wait_until="networkidle")
        page.keyboard.press("v")
        page.wait_for_selector("[data-expires]")
        page.clock.run_for(10_000)
        assert page.locator("[data-expires]").is_hidden()


def test_control_enter_saves_the_note_and_previews_the_message(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/cases/5", wait_until="networkidle")
        page.keyboard.press("m")
        page.keyboard.type("Dear customer")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".preview")
        assert "Dear customer" in page.locator(".preview pre").first.inner_text()
        page.locator("#internal_note").fill("third claim")
        page.locator("#internal_note").press("Control+Enter")
        page.wait_for_selector("text=Note saved.")
        assert page.locator(".badge.waiting").count() == 1
        page.locator("#main").focus()
        page.keyboard.press("?")
        box = page.locator("[data-keys] dl").bounding_box()
        assert box
        assert 0 <= box["y"] < 720


def test_desk_works_without_javascript(desk: Server, browser: Browser) -> None:
    with browser.new_context(locale="en", java_script_enabled=False) as context:
        page = context.new_page()
        problems = record_problems(page)
        sign_in(page, desk)
        page.goto(f"{desk.url}/desk/cases/4")
        page.locator("img[alt='the seam']").wait_for()
        page.get_by_role("button", name="Mark account as verified").click()
        assert page.locator("[role=status]").inner_text().startswith("Bank account marked")
        page.get_by_role("button", name="Approve refund").click()
        assert page.locator("[role=status]").inner_text().startswith("Refund approved.")
        page.get_by_role("link", name="Next case").last.click()
        page.get_by_label("Message to the customer").fill("no")
        page.get_by_role("button", name="Reject").click()
        assert page.locator("[role=status]").inner_text().startswith("Request rejected.")
        page.get_by_role("button", name="Sign out").click()
        assert page.url == f"{desk.url}/desk/login"
        assert problems == []


@pytest.mark.parametrize("has_scripts", [True, False])
def test_filter_by_email_is_in_no_address(
    desk: Server, signed_in: StorageState, browser: Browser, has_scripts: bool
) -> None:
    with browser.new_context(
        locale="en", java_script_enabled=has_scripts, storage_state=signed_in
    ) as context:
        page, addresses = context.new_page(), list[str]()
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(f"{desk.url}/desk/")
        page.locator("#email").fill(factories.GUEST)
        page.get_by_label("Status").select_option("all")
        page.get_by_role("button", name="Apply").click()
        page.wait_for_url("**/desk/?filter=*")
        queue = page.url
        assert page.locator("#email").input_value() == factories.GUEST
        page.locator("[data-row]").nth(1).click()
        page.wait_for_url("**/desk/cases/2?filter=*")
        page.get_by_role("link", name="Next case").first.click()
        page.wait_for_url("**/desk/cases/3?filter=*")
        page.reload()
        page.get_by_role("link", name="Back to queue").click()
        page.wait_for_url(queue)
        page.go_back()
        page.wait_for_url("**/desk/cases/3?filter=*")
        page.locator("button.inline").click()
        page.wait_for_url("**/desk/?filter=*")
        page.locator("[data-row]").first.wait_for()
        assert [url for url in addresses if "example.com" in url or "email" in url] == []


@pytest.mark.thorough
def test_qr_code_is_a_large_square(desk: Server, signed_in: StorageState, browser: Browser) -> None:
    with browser.new_context(locale="en", storage_state=signed_in) as context:
        page = context.new_page()
        problems = record_problems(page)
        page.goto(f"{desk.url}/desk/second-factor", wait_until="networkidle")
        box = page.locator(".qr svg").bounding_box()
        assert box
        assert round(box["width"]) == round(box["height"])
        assert box["width"] >= 150
        assert problems == []


def test_text_returns_after_signing_in_again(desk: Server, browser: Browser) -> None:
    with browser.new_context(locale="en") as context:
        page = context.new_page()
        problems = record_problems(page)
        sign_in(page, desk)
        page.goto(f"{desk.url}/desk/orders/{DECIDED + SPARE + 1}", wait_until="networkidle")
        page.get_by_label("Customer's comment").fill("by telephone")
        context.clear_cookies()
        page.get_by_role("button", name="Create request").click()
        page.wait_for_selector("[role=alert]:focus")
        assert "your text is kept" in page.locator("[role=alert]").inner_text()
        page.locator("#username").fill("ada")
        page.locator("#password").fill("a-long-enough-password")
        page.keyboard.press("Enter")
        page.wait_for_selector("#description")
        assert page.url == f"{desk.url}/desk/orders/{DECIDED + SPARE + 1}"
        assert page.locator("#description").input_value() == "by telephone"
        assert page.locator(".counts").count() == 0
        # The browser itself reports the 403 of the page that asks to sign in.
        assert [problem for problem in problems if "403" not in problem] == []


@pytest.mark.parametrize(("width", "is_open"), [(320, False), (1280, True)])
def test_filters_leave_room_on_a_phone(
    desk: Server, signed_in: StorageState, browser: Browser, width: int, is_open: bool
) -> None:
    with visit(browser, signed_in, "en", "light", width) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/?status=all", wait_until="networkidle")
        assert page.locator("#number").is_visible() is is_open
        box = page.locator("[data-row]").first.bounding_box()
        assert box
        assert box["y"] < 500
        if not is_open:
            page.locator(".filter-box > summary").click()
        page.locator("#number").fill("000001")
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk/?filter=*")


def test_badge_breaks_no_word_on_a_narrow_screen(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with visit(browser, signed_in, "en", "light", 320) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/?status=all", wait_until="networkidle")
        page.locator(".rows .what strong").first.evaluate(
            "node => { node.textContent = 'Seramikkupakahve (green)' }"
        )
        page.locator(".rows .badge").first.evaluate(
            "node => { node.textContent = 'Waiting for approval by staff' }"
        )
        rectangles = page.locator(".rows .what strong").first.evaluate(
            """node => {
              const range = document.createRange();
              range.setStart(node.firstChild, 0);
              range.setEnd(node.firstChild, 'Seramikkupakahve'.length);
              return range.getClientRects().length;
            }"""
        )
        assert rectangles == 1


def test_foreign_text_stays_at_its_label(
    desk: Server, signed_in: StorageState, browser: Browser
) -> None:
    with visit(browser, signed_in, "ar", "light", 1280) as context:
        page = context.new_page()
        page.goto(f"{desk.url}/desk/cases/1", wait_until="networkidle")
        assert page.evaluate("document.documentElement.dir") == "rtl"
        gap = page.locator("[aria-labelledby=request] dd").first.evaluate(
            """node => {
              node.dir = 'auto';
              node.textContent = 'An English text';
              const range = document.createRange();
              range.selectNodeContents(node);
              const text = range.getBoundingClientRect(), box = node.getBoundingClientRect();
              return Math.round(box.right - text.right);
            }"""
        )
        assert gap <= 1
