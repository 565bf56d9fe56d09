"""A refund that needs a second person, in a real browser: with and without scripts."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.home.test_browser import ARGUMENTS, record_problems
from tests.rigs.serving import Server, environment, serving
from tests.test_architecture import ROOT

pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two agents and a refund of the first one."""
    folder = tmp_path_factory.mktemp("refunds")
    with serving(folder, "--workers", "2", "--migrate") as running:
        subprocess.run(
            [sys.executable, "-m", "tests.desk.fill_refunds"],
            cwd=ROOT,
            env=environment(folder),
            check=True,
            capture_output=True,
        )
        yield running


def sign_in(page: Page, desk: Server, name: str) -> None:
    """Sign in and open the refunds that need a person."""
    page.goto(f"{desk.url}/desk/login?next=/desk/refunds/")
    page.locator("#username").fill(name)
    page.locator("#password").fill("a-long-enough-password")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-row]")


@pytest.mark.parametrize("has_scripts", [True, False])
def test_another_agent_approves_a_planned_refund(
    desk: Server, browser: Browser, has_scripts: bool
) -> None:
    with browser.new_context(locale="en", java_script_enabled=has_scripts) as context:
        page = context.new_page()
        problems = record_problems(page)
        sign_in(page, desk, "ada")
        assert page.locator(".count").inner_text() == "1"
        page.get_by_role("link", name="A second person must approve it.").click()
        page.wait_for_selector("#steps")
        assert page.locator(".badge").first.inner_text() == "Planned"
        assert "Another person with the right money" in page.locator("main").inner_text()
        assert page.get_by_role("button", name="Approve payment").count() == 0
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/desk/login")

        sign_in(page, desk, "bea")
        page.locator("[data-row]").first.click()
        page.wait_for_selector("#steps")
        page.get_by_role("button", name="Approve payment").click()
        page.wait_for_selector("#approve-confirmed_error")
        page.get_by_label("I have checked the amount and the reason.").check()
        page.get_by_role("button", name="Approve payment").click()
        page.wait_for_selector("[role=status]")
        assert page.locator("[role=status]").inner_text() == "Payment approved."
        approved_by = page.locator("dt", has_text="Approved by").locator("+ dd")
        assert approved_by.inner_text() == "bea"
        assert page.locator(".count").count() == 0
        # The browser itself reports the 400 of the form without the tick.
        assert [problem for problem in problems if "400" not in problem] == []


def test_refund_is_opened_and_left_by_keyboard(desk: Server, browser: Browser) -> None:
    with browser.new_context(locale="en") as context:
        page = context.new_page()
        problems = record_problems(page)
        sign_in(page, desk, "bea")
        page.wait_for_selector("[data-row]:focus")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:focus")
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "approve-confirmed":
                break
        page.keyboard.press("Space")
        assert page.locator("#approve-confirmed").is_checked()
        page.locator("#main").focus()
        page.keyboard.press("u")
        page.wait_for_selector("[data-row]:focus")
        assert problems == []
