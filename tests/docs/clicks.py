"""Follows the numbered steps of a page in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.docs.page import Part
from tests.docs.shell import Session

_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z])")


def _open(page: Page, url: str) -> None:
    page.goto(url)


def _field(page: Page, label: str) -> Locator:
    """The field of a label, which a help text may follow."""
    return page.get_by_label(re.compile(rf"^\s*{re.escape(label)}"))


def _enter(page: Page, text: str, label: str) -> None:
    _field(page, label).fill(text)


def _choose(page: Page, option: str, label: str) -> None:
    _field(page, label).select_option(label=option)


def _check(page: Page, label: str) -> None:
    _field(page, label).check()


def _press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).first.click()


def _follow(page: Page, link: str) -> None:
    page.get_by_role("link", name=link).first.click()


def _unfold(page: Page, summary: str) -> None:
    page.locator("summary", has_text=summary).click()


def _type(page: Page, key: str) -> None:
    page.keyboard.press(key)


def _shows(page: Page, text: str) -> None:
    expect(page.locator("body")).to_contain_text(text)


_STEPS: dict[str, Callable[..., None]] = {
    r"Open `(.+)`\.": _open,
    r"Enter `(.+)` as \*(.+)\*\.": _enter,
    r"Choose \*(.+)\* as \*(.+)\*\.": _choose,
    r"Check \*(.+)\*\.": _check,
    r"Press \*(.+)\*\.": _press,
    r"Follow [*`](.+)[*`]\.": _follow,
    r"Unfold \*(.+)\*\.": _unfold,
    r"Press the key `(.+)`\.": _type,
    r"The page shows [*`](.+)[*`]\.?": _shows,
}


def follow(page: Page, shell: Session, step: Part) -> None:
    """Do what each sentence of a step says."""
    for sentence in _SENTENCE.split(step.text):
        for pattern, act in _STEPS.items():
            if match := re.fullmatch(pattern, sentence):
                act(page, *(shell.value(shell.local(word)) for word in match.groups()))
                break
        else:
            raise AssertionError(f"line {step.line}: no known action: {sentence}")
