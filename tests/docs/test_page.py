"""The reader of pages: what it runs, and what it refuses."""

from pathlib import Path

import pytest

from tests.docs import reader
from tests.docs.page import PageError, commands, parse
from tests.docs.shell import session


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page of a test."""
    return tmp_path / "page.md"


def test_parts_are_found_in_their_order(page: Path) -> None:
    page.write_text(
        "# Title\n\n```sh\nls\n```\n\n```text\na\n```\n\n## Files\n\nSave it as `x.toml`:\n\n"
        "```toml\na = 1\n```\n\n<!-- not run: needs root -->\n```sh\nreboot\n```\n\n"
        "Look at it, in a browser:\n\n1. Open `/`.\n2. Press *Go*.\n   Press *Stop*.\n"
    )
    assert [(part.kind, part.text, part.file, part.reason) for part in parse(page)] == [
        ("sh", "ls\n", "", ""),
        ("output", "a\n", "", ""),
        ("file", "a = 1\n", "x.toml", ""),
        ("sh", "reboot\n", "", "needs root"),
        ("step", "Open `/`.", "", ""),
        ("step", "Press *Go*. Press *Stop*.", "", ""),
    ]
    assert [part.headings for part in parse(page)][-1] == ("Title", "Files")


def test_block_without_a_use_is_refused(page: Path) -> None:
    page.write_text("Text.\n\n```toml\na = 1\n```\n")
    with pytest.raises(PageError, match="names no file"):
        parse(page)


def test_commands_are_separated() -> None:
    code = (
        "a=1   # prints 1\nb \\\n  c\nd <<X | e   # prints 2\nbody's\nX\nf 'two\nlines'\n"
        "for x in y; do\n  z\ndone\n"
    )
    assert list(commands(code)) == [
        ("a=1   # prints 1\n", "1"),
        ("b \\\n  c\n", None),
        ("d <<X | e   # prints 2\nbody's\nX\n", "2"),
        ("f 'two\nlines'\n", None),
        ("for x in y; do\n  z\ndone\n", None),
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("echo a\nfalse\necho b", "false"),
        ("echo a   # prints b", "prints a"),
        ("echo $nothing", "nothing: unbound variable"),
        ("false | cat", "false | cat"),
        ("echo aa   # prints a…b", "prints aa"),
    ],
)
def test_wrong_command_or_output_fails(tmp_path: Path, page: Path, code: str, error: str) -> None:
    page.write_text(f"```sh\n{code}\n```\n")
    with (
        session(tmp_path, {"PATH": "/usr/bin:/bin"}, {}) as shell,
        pytest.raises(AssertionError, match=r"page\.md:1: ") as failure,
    ):
        reader.follow(str(page), shell)
    assert error in str(failure.value)


def test_commands_share_variables_and_replaced_texts(tmp_path: Path, page: Path) -> None:
    page.write_text(
        "```sh\nport=8000 folder=/etc/x\nsleep 60 &\n```\n\nSave as `$folder.ini`:\n\n"
        "```ini\nport = 8000, not 18000\n```\n\n```sh\necho $port   # prints …9\n```\n"
    )
    texts = {"8000": "7009", "/etc/x": str(tmp_path / "x")}
    with session(tmp_path, {"PATH": "/usr/bin:/bin"}, texts) as shell:
        assert reader.follow(str(page), shell) == []
        assert (tmp_path / "x.ini").read_text() == "port = 7009, not 18000\n"
        assert shell.run("jobs -r | wc -l") == "1\n"
    assert shell.bash.poll() is not None


def test_unknown_action_fails(tmp_path: Path, page: Path) -> None:
    page.write_text("Do it, in a browser:\n\n1. Shake the mouse.\n")
    with (
        session(tmp_path, {"PATH": "/usr/bin:/bin"}, {}) as shell,
        pytest.raises(AssertionError, match="needs a browser"),
    ):
        reader.follow(str(page), shell)
