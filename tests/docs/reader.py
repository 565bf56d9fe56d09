"""Follows a page from its first line to its last, as a reader does."""

from collections.abc import Collection
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from tests.docs import clicks
from tests.docs.page import Part, parse
from tests.docs.shell import Session, check_output, run_block, write_file

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def follow(
    name: str,
    shell: Session,
    page: Page | None = None,
    omit: Collection[str] = (),
) -> list[str]:
    """Do what a page says; return the reasons of its parts that tests cannot run.

    `omit` names headings: their sections are for the other database.
    """
    reasons = []
    output = ""
    for part in parse(HOW_TO / name):
        if set(part.headings).intersection(omit):
            continue
        if part.reason:
            reasons.append(part.reason)
            continue
        try:
            output = _do(part, shell, page, output)
        except (AssertionError, PlaywrightError) as error:
            raise AssertionError(f"{name}:{part.line}: {error}") from error
    return reasons


def _do(part: Part, shell: Session, page: Page | None, output: str) -> str:
    if part.kind == "sh":
        return run_block(shell, part)
    if part.kind == "output":
        check_output(shell, part.text, output, "the block before")
    elif part.kind == "file":
        write_file(shell, part)
    else:
        assert page is not None, "the page needs a browser"
        clicks.follow(page, shell, part)
    return ""
