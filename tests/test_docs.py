"""Generated pages are fresh, and every link and file name in the documentation leads somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.write import GENERATED, PAGES

ROOT = Path(__file__).parent.parent
FOLDERS = ("takeback", "tests", "tools", "benchmarks", "docs", "examples", ".ci")
MARKDOWN = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
SCRIPTS = [ROOT / name for name in ("dev", ".ci/run", "pyproject.toml", "compose.yaml")]

LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FILE = re.compile(rf"(?:(?:{'|'.join(map(re.escape, FOLDERS))})/)?[\w./-]+\.(?:py|md|html|css)")
FOLDER = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]+")
PAGE = re.compile(r"docs/[\w./-]+\.md")
DECISION = re.compile(r"\bdecisions? (\d{4})")


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page), re.MULTILINE)
    words = [re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings]
    return {re.sub(r"\s", "-", text) for text in words} | set(re.findall(r'id="([^"]+)"', page))


def broken_links(page: Path) -> Iterator[str]:
    """The relative links of a page that lead to no file, or to no heading of a page."""
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text())):
        path = page.parent / target if target else page
        if not path.exists():
            yield target
        elif anchor and anchor not in anchors(path.read_text()):
            yield f"{target}#{anchor}"


def missing_files(text: str) -> Iterator[str]:
    """The file names in backticks that name no file of this repository.

    A path may begin at the top folder, at `takeback/` or at any folder inside them. A name after
    a colon is a function or a class of the file.
    """
    for code in CODE.findall(FENCE.sub("", text)):
        path, _, name = code.partition(":")
        if FILE.fullmatch(path) or FOLDER.fullmatch(path):
            ending = f"/{path.rstrip('/')}"
            files = [file for file in _files() if file.endswith(ending)]
            if not any(_defines(file, name.lstrip(":")) for file in files):
                yield code


@cache
def _files() -> frozenset[str]:
    roots = [ROOT / folder for folder in FOLDERS]
    paths = [path for root in roots for path in [root, *root.rglob("*")]]
    paths += [path for path in ROOT.iterdir() if path.is_file()]
    return frozenset(f"/{path.relative_to(ROOT).as_posix()}" for path in paths)


def _defines(file: str, name: str) -> bool:
    definition = rf"^ *(def |class )?{re.escape(name)}\b"
    return not name or bool(re.search(definition, Path(f"{ROOT}{file}").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (PAGES / name).read_text() == GENERATED[name](), "run: python docs/write.py"


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    assert list(missing_files(page.read_text())) == []


def test_pages_and_decisions_that_code_refers_to_exist() -> None:
    decisions = {path.name[:4] for path in (ROOT / "docs/decisions").glob("0*.md")}
    missing = [
        (path.relative_to(ROOT).as_posix(), reference)
        for path in SOURCES + SCRIPTS + MARKDOWN
        for text in [path.read_text()]
        for reference in {*PAGE.findall(text), *DECISION.findall(text)}
        if reference not in decisions and not (ROOT / reference).exists()
    ]
    assert missing == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# An order's `item`\n\n```\n# No heading\n```\n")
    good = "[a](other.md) [b](other.md#an-orders-item) [c](#here) [d](https://example.com/x)"
    page.write_text(f"# Here\n{good} [e](no.md) [f](other.md#no-heading) [g](#there)\n")
    assert list(broken_links(page)) == ["no.md", "other.md#no-heading", "#there"]


@pytest.mark.parametrize(
    "name",
    [
        "takeback/core/money.py",
        "core/money.py",
        "money.py",
        "takeback/core/",
        "tests/test_docs.py::test_a_broken_link_is_found",
        "core/money.py:show",
        "pip install x",
        "orders.csv",
        "commands/<verb>.py",
    ],
)
def test_an_existing_file_is_known(name: str) -> None:
    assert list(missing_files(f"See `{name}`.")) == []


@pytest.mark.parametrize(
    "name",
    ["takeback/core/gold.py", "ore/money.py", "gold.py", "takeback/gold", "core/money.py:gold"],
)
def test_a_missing_file_is_found(name: str) -> None:
    assert list(missing_files(f"See `{name}`.")) == [name]
