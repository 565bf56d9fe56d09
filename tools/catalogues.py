"""Extracts translatable texts, updates their catalogues and compiles them.

Run `.venv/bin/python -m tools.catalogues` after a text was added, changed or removed, fill the
empty entries that it lists, and run it again. Babel reads and writes the files, so neither this
tool nor the service needs the gettext programs. Compiled catalogues are committed.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import typer
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

SOURCE = Path(__file__).parent.parent / "takeback"
LOCALE = SOURCE / "locale"

# Django's own forms: Django cannot merge a catalogue with other ones.
PLURAL_FORMS = {
    "tr": "nplurals=2; plural=(n > 1);",
    "de": "nplurals=2; plural=(n != 1);",
    "ar": (
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 && n%100<=99 ? 4 : 5;"
    ),
}
"""The languages with a catalogue; the source is English."""

KEYWORDS: dict[str, Any] = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
HEADERS = {
    "Language",
    "Plural-Forms",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}
COMMENT = "Change only the msgstr lines; the rest is written by tools/catalogues.py."
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")

Key = tuple[str | None, str | tuple[str, ...]]
"""A context, for words with several meanings, and the English text or its two forms."""


class Catalogue(Catalog):
    """Texts of one language; without a date in the header, equal catalogues are equal files."""

    def __init__(self, language: str) -> None:
        super().__init__()
        header = f"Language: {language}\nPlural-Forms: {PLURAL_FORMS[language]}\n"
        self.add("", header, user_comments=[COMMENT])

    def __iter__(self) -> Iterator[Message]:
        headers = [f"{name}: {value}" for name, value in self.mime_headers if name in HEADERS]
        yield Message("", "\n".join(headers) + "\n")
        yield from (message for message in super().__iter__() if message.id)


def extract_template(
    fileobj: IO[bytes], keywords: Any, comment_tags: Collection[str], options: Any
) -> Iterable[Any]:
    """Texts of a Django template, as an extraction method of Babel."""
    python = templatize(fileobj.read().decode())
    # Between brackets Python ignores the indentation of the template.
    return extract_python(BytesIO(f"(\n{python}\n)".encode()), keywords, comment_tags, options)


def messages_of(source: Path) -> list[Message]:
    """Every text that the source marks for translation, once, in the order of the files."""
    messages: dict[Key, Message] = {}
    methods: Any = [
        ("**.py", "python"),
        ("**/templates/**.html", extract_template),
        ("**/templates/**.txt", extract_template),
    ]
    for _path, _line, text, _comments, context in extract_from_dir(
        source, method_map=methods, keywords=KEYWORDS
    ):
        message = Message(text, context=context)
        messages.setdefault(key_of(message), message)
    return list(messages.values())


def key_of(message: Message) -> Key:
    """The key of a text in a catalogue."""
    text = message.id
    return message.context, text if isinstance(text, str) else tuple(text)


def forms(message: Message) -> list[str]:
    """A translation, or its plural forms."""
    text = message.string
    return [text] if isinstance(text, str) else list(text or ())


def is_translated(message: Message) -> bool:
    """Whether every form has a translation and none is fuzzy."""
    return all(text.strip() for text in forms(message)) and not message.fuzzy


def read(path: Path) -> dict[Key, Message]:
    """The texts of a catalogue; empty if the file does not exist."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {key_of(message): message for message in read_po(file) if message.id}


def merged(language: str, source: Iterable[Message], known: Mapping[Key, Message]) -> Catalogue:
    """The texts of the source with their known translations; other translations are empty."""
    catalogue = Catalogue(language)
    for message in source:
        translation = known.get(key_of(message), message)
        catalogue.add(
            message.id,
            translation.string,
            flags=translation.flags,
            user_comments=translation.user_comments,
            context=message.context,
        )
    return catalogue


def written(catalogue: Catalogue) -> bytes:
    """The text of a `.po` file."""
    file = BytesIO()
    write_po(file, catalogue, width=100, no_location=True)
    return file.getvalue().rstrip() + b"\n"


def compiled(catalogue: Catalogue) -> bytes:
    """The bytes of a `.mo` file."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def po_file(language: str, folder: Path = LOCALE) -> Path:
    """The path of the catalogue of a language."""
    return folder / language / "LC_MESSAGES" / "django.po"


def update(source: Path = SOURCE, folder: Path = LOCALE) -> None:
    """Update all catalogues; exit with 1 if a translation is missing."""
    messages, missing = messages_of(source), False
    for language in PLURAL_FORMS:
        path = po_file(language, folder)
        catalogue = merged(language, messages, read(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        left = [message for message in catalogue if message.id and not is_translated(message)]
        typer.echo(f"{language}: {len(left)} of {len(messages)} texts to translate")
        for message in left:
            typer.echo(f"  {message.id}")
        missing = missing or bool(left)
    raise typer.Exit(code=int(missing))


if __name__ == "__main__":
    typer.run(update)
