"""Parses a how-to page into what its reader does: commands, files, expected output and clicks."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PARTS = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>[\s\S]*?)^ *```$"
    r"|^(?P<heading>#+ .+)$"
    r"|^<!-- not run: (?P<reason>.+?) -->$"
    r"|^\d+\. (?P<step>.+(?:\n {2,}\S.*)*)$"
    r"|^(?P<prose>\S.*(?:\n(?! *```|\d+\. |#|<!--)\S.*)*)$",
    re.MULTILINE,
)
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[$\w.{}/-]+\.\w+")
BROWSER = "in a browser:"
"""A paragraph that ends with these words begins a list of clicks."""
OUTPUTS = {"text", "json"}


class Part(NamedTuple):
    """A block of code, or one step in a browser; `reason` is set if tests cannot run it."""

    kind: str
    text: str
    line: int
    headings: tuple[str, ...]
    file: str = ""
    reason: str = ""


class PageError(Exception):
    """The page has a block of which a reader cannot tell what to do with it."""


def parse(page: Path) -> list[Part]:
    """The parts of a page in the order in which a reader meets them."""
    return list(_parts(page.name, page.read_text()))


def _parts(name: str, text: str) -> Iterator[Part]:
    headings: list[str] = []
    reason = prose = previous = ""
    for match in _PARTS.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if heading := match["heading"]:
            depth = heading.index(" ")
            headings[depth - 1 :] = [heading[depth + 1 :]]
            prose = previous = ""
        elif match["reason"]:
            reason = match["reason"]
        elif match["prose"]:
            prose, previous = match["prose"], ""
        elif match["step"]:
            if prose.lower().endswith(BROWSER):
                step = re.sub(r"\s*\n\s*", " ", match["step"])
                yield Part("step", step, line, tuple(headings), reason=reason)
                reason = ""
        else:
            code = re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
            part = Part(match["language"], code, line, tuple(headings), reason=reason)
            yield part if reason else _with_use(name, part, prose, previous)
            reason, prose, previous = "", "", match["language"]


def _with_use(name: str, part: Part, prose: str, previous: str) -> Part:
    """The block as a command, as the output of the command before it, or as a file."""
    if part.kind == "sh":
        return part
    if part.kind in OUTPUTS and previous == "sh" and not prose:
        return part._replace(kind="output")
    paths = [code for code in _CODE.findall(prose) if _FILE.fullmatch(code)]
    if not prose.endswith(":") or not paths:
        raise PageError(f"{name}:{part.line}: the sentence before the block names no file")
    return part._replace(kind="file", file=paths[-1])


def commands(code: str) -> Iterator[tuple[str, str | None]]:
    """The commands of a block, each with the output in its comment `# prints ...`."""
    command = ""
    for line in code.splitlines(keepends=True):
        command += line
        if _is_complete(command):
            comment = re.search(r"# prints (.*)$", command, re.MULTILINE)
            yield command, comment[1] if comment else None
            command = ""
    if command:
        raise PageError(f"this command has no end: {command}")


def _is_complete(command: str) -> bool:
    """Whether bash would run the command, or wait for its next line."""
    if command.endswith("\\\n"):
        return False
    check = subprocess.run(
        ["bash", "-n"], input=command, capture_output=True, text=True, check=False
    )
    return check.returncode == 0 and "here-document" not in check.stderr
