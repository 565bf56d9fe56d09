"""Collects the sentences of the source, keeps their catalogues and compiles them.

Run `.venv/bin/python -m tools.catalogues` after a sentence was added, changed or removed, fill the
empty entries it names, and run it again. Neither this nor the running service needs gettext's
programs: Babel reads and writes the files, and the compiled ones are committed.
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

# Django's own forms: a catalogue with others could not be merged with Django's.
PLURAL_FORMS = {
    "tr": "nplurals=2; plural=(n > 1);",
    "de": "nplurals=2; plural=(n != 1);",
    "ar": (
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 && n%100<=99 ? 4 : 5;"
    ),
}
"""The languages that are translated to; the source is English and needs no catalogue."""

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
"""A context, where a word has several meanings, and the English sentence or its two forms."""


class Catalogue(Catalog):
    """Sentences of one language; the header holds no date, so that equal ones are equal files."""

    def __init__(self, language: str) -> None:
        super().__init__()
        header = f"Language: {language}\nPlural-Forms: {PLURAL_FORMS[language]}\n"
        self.add("", header, user_comments=[COMMENT])

    def __iter__(self) -> Iterator[Message]:
        told = [f"{name}: {value}" for name, value in self.mime_headers if name in HEADERS]
        yield Message("", "\n".join(told) + "\n")
        yield from (message for message in super().__iter__() if message.id)


def extract_template(
    fileobj: IO[bytes], keywords: Any, comment_tags: Collection[str], options: Any
) -> Iterable[Any]:
    """Sentences of a Django template, in the form in which Babel asks for them."""
    python = templatize(fileobj.read().decode())
    # Between brackets Python does not mind how a template is indented.
    return extract_python(BytesIO(f"(\n{python}\n)".encode()), keywords, comment_tags, options)


def sentences(source: Path) -> list[Message]:
    """Every sentence that the source marks for translation, once, in the order of the files."""
    found: dict[Key, Message] = {}
    methods: Any = [
        ("**.py", "python"),
        ("**/templates/**.html", extract_template),
        ("**/templates/**.txt", extract_template),
    ]
    for _path, _line, text, _comments, context in extract_from_dir(
        source, method_map=methods, keywords=KEYWORDS
    ):
        message = Message(text, context=context)
        found.setdefault(key_of(message), message)
    return list(found.values())


def key_of(message: Message) -> Key:
    """What a sentence is looked up by."""
    text = message.id
    return message.context, text if isinstance(text, str) else tuple(text)


def forms(message: Message) -> list[str]:
    """A translation, or its plural forms."""
    text = message.string
    return [text] if isinstance(text, str) else list(text or ())


def is_translated(message: Message) -> bool:
    """Whether every form is there and none is a guess."""
    return all(text.strip() for text in forms(message)) and not message.fuzzy


def read(path: Path) -> dict[Key, Message]:
    """The sentences of a catalogue; none if there is no file yet."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {key_of(message): message for message in read_po(file) if message.id}


def merged(language: str, source: Iterable[Message], known: Mapping[Key, Message]) -> Catalogue:
    """The source's sentences with the translations that are known; the others are empty."""
    catalogue = Catalogue(language)
    for message in source:
        told = known.get(key_of(message), message)
        catalogue.add(
            message.id,
            told.string,
            flags=told.flags,
            user_comments=told.user_comments,
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
    """Where the catalogue of a language is kept."""
    return folder / language / "LC_MESSAGES" / "django.po"


def update(source: Path = SOURCE, folder: Path = LOCALE) -> None:
    """Bring all catalogues up to date; exit 1 while there is something to translate."""
    found, missing = sentences(source), False
    for language in PLURAL_FORMS:
        path = po_file(language, folder)
        catalogue = merged(language, found, read(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        left = [message for message in catalogue if message.id and not is_translated(message)]
        typer.echo(f"{language}: {len(left)} of {len(found)} sentences to translate")
        for message in left:
            typer.echo(f"  {message.id}")
        missing = missing or bool(left)
    raise typer.Exit(code=int(missing))


if __name__ == "__main__":
    typer.run(update)
