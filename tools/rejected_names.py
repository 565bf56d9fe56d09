"""Finds names that `rejected_names.toml` rejects: `python -m tools.rejected_names [path ...]`."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
CODE = ("takeback", "tests", "benchmarks", "tools", "docs")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Rejection(NamedTuple):
    """A name that a file defines, the word that rejects it, and the words to use instead."""

    line: int
    name: str
    word: str
    replacement: str


def rules() -> dict[str, Any]:
    """The sections of the TOML file: words and names with their replacements."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def words_of(name: str) -> list[str]:
    """The lower-case words of an identifier.

    >>> words_of("_TooManyPictures"), words_of("told_line")
    (['too', 'many', 'pictures'], ['told', 'line'])
    """
    return [word.lower() for word in _WORD.findall(name)]


def definitions(source: str) -> Iterator[tuple[int, str]]:
    """Every name that a module defines, with its line: uses follow their definitions."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str()):
                yield node.lineno, str(node.asname)
            case ast.ExceptHandler(name=str()):
                yield node.lineno, str(node.name)


def rejections(path: Path) -> Iterator[Rejection]:
    """The rejected names of a file, and of the file itself."""
    toml, room = rules(), path.relative_to(ROOT).as_posix()
    words = dict(toml["words"])
    allowed = set[str]()
    for prefix, names in toml["allowed"].items():
        allowed.update(names if room.startswith(prefix) else ())
    for prefix, section in toml["rooms"].items():
        words.update(section if room.startswith(prefix) else {})
    for line, name in [(1, path.stem), *definitions(path.read_text())]:
        bare = name.lstrip("_").lower()
        if name in allowed:
            continue
        if bare in toml["names"]:
            yield Rejection(line, name, bare, toml["names"][bare])
        for word in set(words_of(name)) & words.keys():
            yield Rejection(line, name, word, words[word])


def sources(*parts: str) -> list[Path]:
    """Python files below these paths, all of the project's by default, without migrations."""
    roots = [ROOT / part for part in parts or CODE]
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*.py"))]
    return sorted(file for file in files if "migrations" not in file.parts)


def main() -> None:
    """Print each rejection; leave with 1 if there is any."""
    count = 0
    for path in sources(*sys.argv[1:]):
        for line, name, word, replacement in sorted(set(rejections(path))):
            count += 1
            sys.stdout.write(f"{path.relative_to(ROOT)}:{line}: {name} ({word}): {replacement}\n")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
