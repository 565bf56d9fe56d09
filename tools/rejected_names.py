"""Finds names and words that `rejected_names.toml` rejects: `python -m tools.rejected_names`.

Paths as arguments limit the search. Identifiers are checked where they are defined; prose is
comments, docstrings, translatable texts, templates and Markdown, without code in backticks.
"""

import ast
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
FOLDERS = ("takeback", "tests", "benchmarks", "tools", "docs")
SCRIPTS = ("dev", ".ci/run", "pyproject.toml", "compose.yaml", "nginx.conf", "Dockerfile")
TRANSLATES = {"_", "gettext", "gettext_lazy", "pgettext", "pgettext_lazy", "ngettext"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CODE = re.compile(r"```.*?```|`+[^`\n]*`+|</?picture\b", re.DOTALL)


class Rejection(NamedTuple):
    """A rejected name or sentence of a file, its rejected word, and the words to use instead."""

    line: int
    text: str
    word: str
    replacement: str


@cache
def rules() -> dict[str, Any]:
    """The sections of the TOML file: words and names with their replacements."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def rejections(path: Path) -> list[Rejection]:
    """The rejected names and words of a file, ordered by line."""
    name = path.relative_to(ROOT).as_posix()
    source = path.read_text()
    rejected = set[Rejection]()
    if _prose_words().search(source):  # most files have none: they are not split into texts
        rejected.update(rejected_words(prose_of(name, source), name))
    if path.suffix == ".py":
        names = [(1, path.stem), *definitions(source)]
        rejected.update(rejected_names(names, name))
    return sorted(rejected)


def rejected_names(names: list[tuple[int, str]], path: str) -> Iterator[Rejection]:
    """The names that the sections `words`, `names` and `rooms` reject in this file."""
    toml = rules()
    allowed = {name for prefix in _prefixes("allowed", path) for name in toml["allowed"][prefix]}
    words = dict(toml["words"])
    for prefix in _prefixes("rooms", path):
        words.update(toml["rooms"][prefix])
    for line, name in names:
        bare = name.lstrip("_").lower()
        if name in allowed:
            continue
        if bare in toml["names"]:
            yield Rejection(line, name, bare, toml["names"][bare])
        for word in words.keys() & _checked_words(name):
            yield Rejection(line, name, word, words[word])


def _checked_words(name: str) -> set[str]:
    """The words of a name, without those that are good English where they stand."""
    toml = rules()["phrases"]
    words = set(_without(words_of(name), toml["allowed"]))
    return words - set(toml["participles"]) if name.startswith("test_") else words


def _without(words: list[str], phrases: list[str]) -> list[str]:
    text = " ".join(words)
    for phrase in phrases:
        text = re.sub(rf"\b{phrase}\b", "", text)
    return text.split()


def rejected_words(texts: Iterator[tuple[int, str]], path: str) -> Iterator[Rejection]:
    """The words of texts that the section `prose` rejects in this file."""
    toml = rules()
    prefixes = _prefixes("allowed_prose", path)
    allowed = {word for prefix in prefixes for word in toml["allowed_prose"][prefix]}
    for first, text in texts:
        # Code is blanked out; its line breaks stay, so that line numbers are right.
        prose = _CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
        for match in _prose_words().finditer(prose):
            word = match[0].lower()
            if word not in allowed:
                line = prose.count("\n", 0, match.start())
                sentence = prose.splitlines()[line].strip()
                yield Rejection(first + line, sentence, word, toml["prose"][word])


@cache
def _prose_words() -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])({'|'.join(rules()['prose'])})(?![^\W_])", re.IGNORECASE)


def _prefixes(section: str, path: str) -> list[str]:
    return [prefix for prefix in rules()[section] if path.startswith(prefix)]


def words_of(name: str) -> list[str]:
    """The lower-case words of an identifier.

    >>> words_of("_TooManyItems"), words_of("order_line")
    (['too', 'many', 'items'], ['order', 'line'])
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


def prose_of(path: str, source: str) -> Iterator[tuple[int, str]]:
    """The texts of a file that people read, each with its first line."""
    if path.endswith(".py"):
        yield from _comments(source)
        yield from _docstrings_and_messages(source)
    elif path.endswith((".md", ".html", ".txt", ".css", ".js")):
        yield 1, source
    else:
        for number, line in enumerate(source.splitlines(), 1):
            yield number, line.partition("#")[2]


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _docstrings_and_messages(source: str) -> Iterator[tuple[int, str]]:
    """Strings that stand alone, and those that are passed to a function that translates."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text), lineno=line)):
                yield line, text
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in TRANSLATES:
                for argument in arguments:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield argument.lineno, argument.value


def sources(*parts: str) -> list[Path]:
    """The files that are checked: those below these paths, by default all of the project's."""
    roots = [ROOT / part for part in parts] or [
        *(ROOT / name for name in (*FOLDERS, *SCRIPTS)),
        *ROOT.glob("*.md"),
    ]
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*"))]
    return sorted(file for file in files if _is_checked(file))


def _is_checked(file: Path) -> bool:
    if "migrations" in file.parts or not file.is_file():
        return False
    is_text = file.suffix == ".txt" and "templates" in file.parts
    is_script = file.relative_to(ROOT).as_posix() in SCRIPTS
    return is_text or is_script or file.suffix in {".py", ".md", ".html", ".css", ".js"}


def main() -> None:
    """Print each rejection; exit with 1 if there is any."""
    count = 0
    for path in sources(*sys.argv[1:]):
        for line, text, word, replacement in rejections(path):
            count += 1
            sys.stdout.write(f"{path.relative_to(ROOT)}:{line}: {text} ({word}): {replacement}\n")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
