"""The columns of a file, bound to its header, and readers that fill in templates."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

from takeback.importer.mapping import Section, Template, WrongMapping, templates_of

Values = Sequence[str]
FieldReader = Callable[[Values], str]
"""Returns the text of one field of a record."""

_COLUMN = re.compile(r"\{([^{}]+)\}")


class Columns:
    def __init__(
        self,
        header: Sequence[str],
        remove_suffix: Mapping[str, str],
        remove_prefix: Mapping[str, str],
    ) -> None:
        self._positions = {name: position for position, name in enumerate(header)}
        self._remove_suffix = remove_suffix
        self._remove_prefix = remove_prefix

    def used_by(self, *templates: Template) -> list[int]:
        """The positions of all columns that these templates name."""
        names = {
            self._split_name(name)[0]
            for template in templates
            for text in alternatives(template)
            for name in _COLUMN.findall(text)
        }
        return sorted(self._position(name) for name in names)

    def readers(self, section: Section) -> dict[str, FieldReader]:
        return {name: self.reader(text) for name, text in templates_of(section).items()}

    def alternatives(self, template: Template) -> list[FieldReader]:
        """A reader for each text of the template that is not empty for all records."""
        return [self.reader(text) for text in alternatives(template) if text]

    def reader(self, template: Template) -> FieldReader:
        """A function that fills in the template; of a list, the first text that is not empty."""
        if isinstance(template, str):
            return self._text(template)
        readers = [self._text(text) for text in template]

        def first(values: Values) -> str:
            return next((text for read in readers if (text := read(values).strip())), "")

        return first

    def _text(self, template: str) -> FieldReader:
        """The result is empty if one of the columns is."""
        names = _COLUMN.findall(template)
        if not names:
            return (lambda _: template) if template else nothing
        if template == f"{{{names[0]}}}":
            return self._column(names[0])
        pieces = _COLUMN.split(template)[::2]
        columns = [self._column(name) for name in names]

        def fill(values: Values) -> str:
            texts = [column(values) for column in columns]
            if not all(texts):
                return ""
            return pieces[0] + "".join(map("".join, zip(texts, pieces[1:], strict=True)))

        return fill

    def _column(self, name: str) -> FieldReader:
        name, literal = self._split_name(name)
        position = self._position(name)
        if literal is not None:
            return lambda values: literal if values[position].strip() else ""
        prefix, suffix = self._remove_prefix.get(name, ""), self._remove_suffix.get(name, "")
        if not (prefix or suffix):
            return itemgetter(position)
        return lambda values: values[position].strip().removeprefix(prefix).removesuffix(suffix)

    def _split_name(self, name: str) -> tuple[str, str | None]:
        """The column, and the text that replaces its value: `Cancelled at?cancelled`."""
        if name in self._positions or "?" not in name:
            return name, None
        column, _, literal = name.rpartition("?")
        return column, literal

    def _position(self, name: str) -> int:
        if name not in self._positions:
            known = ", ".join(self._positions)
            raise WrongMapping(f"the file has no column {name}; its columns are: {known[:500]}")
        return self._positions[name]


def nothing(_: Values) -> str:
    """The reader of a field that the mapping leaves out."""
    return ""


def alternatives(template: Template) -> tuple[str, ...]:
    return (template,) if isinstance(template, str) else template
