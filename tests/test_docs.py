"""Pages that are made from the code say what the code says."""

import re
from pathlib import Path

import pytest

from docs.write import GENERATED, PAGES

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (PAGES / name).read_text() == GENERATED[name](), "run: python docs/write.py"


@pytest.mark.parametrize(
    "page",
    sorted(DOCS.parent.glob("*.md")) + sorted(DOCS.rglob("*.md")),
    ids=lambda page: page.name,
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:

    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
