"""Every text is translated into all languages, and the compiled catalogues are up to date."""

# ruff: noqa: RUF001 - the Turkish dotless i looks like another letter
import gettext as gettext_format
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import django
import pytest
import typer
from django.conf import settings
from django.test import override_settings
from django.utils.translation import override
from rest_framework import serializers

import takeback
from takeback.cancellations import labels as case_labels
from takeback.core.errors import Problem
from takeback.orders import labels as order_labels
from takeback.storefront import labels
from tests.factories import HttpClient
from tools import catalogues
from tools.catalogues import PLACEHOLDER, PLURAL_FORMS, Key, is_translated

LANGUAGES = list(PLURAL_FORMS)
PROPER_NAMES = {
    "TL",
    "iOS",
    "Android",
    "Yurtiçi Kargo",
    "Aras Kargo",
    "MNG Kargo",
    "UPS",
    "DPD",
    "Sendeo",
    "Kolay Gelsin",
    "Extension Cargo",
}
"""Labels that are the same in every language."""

every_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def source() -> list[Key]:
    """The keys of the translatable texts in the source."""
    return [catalogues.key_of(message) for message in catalogues.messages_of(catalogues.SOURCE)]


@pytest.fixture(scope="module")
def modules() -> list[object]:
    """All modules of Takeback, imported."""
    packages = pkgutil.walk_packages(takeback.__path__, "takeback.")
    return [importlib.import_module(module.name) for module in packages]


def translations(language: str) -> dict[Key, list[str]]:
    """The translations in a catalogue, by key."""
    known = catalogues.read(catalogues.po_file(language))
    return {key: catalogues.forms(message) for key, message in known.items()}


def in_language(text: object, language: str) -> str:
    """The text in this language."""
    with override(language):
        return str(text)


def untranslated(texts: Iterable[object], language: str) -> list[str]:
    """The texts that are the same in this language and in English."""
    versions = [(in_language(text, "en"), in_language(text, language)) for text in texts]
    return [english for english, translation in versions if english == translation]


def test_there_is_one_catalogue_per_language_besides_english() -> None:
    folders = [path.name for path in catalogues.LOCALE.iterdir() if path.is_dir()]
    assert sorted(folders) == sorted(LANGUAGES)
    assert {code for code, _name in settings.LANGUAGES} == {*LANGUAGES, "en"}


@every_language
def test_a_catalogue_has_exactly_the_texts_of_the_source(language: str, source: list[Key]) -> None:
    texts = set(translations(language))
    assert sorted(set(source) - texts, key=str) == []
    assert sorted(texts - set(source), key=str) == []


@every_language
def test_every_text_is_translated_and_not_fuzzy(language: str) -> None:
    known = catalogues.read(catalogues.po_file(language))
    assert [key for key, message in known.items() if not is_translated(message)] == []


def text_pairs(language: str) -> list[tuple[str, str]]:
    """Each English text with its translation; the plural for texts with several forms."""
    return [
        (english if isinstance(english, str) else english[-1], text)
        for (_context, english), texts in translations(language).items()
        for text in texts
    ]


@every_language
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    different = [
        (english, text)
        for english, text in text_pairs(language)
        if Counter(PLACEHOLDER.findall(text)) != Counter(PLACEHOLDER.findall(english))
    ]
    assert different == []


@every_language
def test_a_translation_ends_with_a_full_stop_like_its_text(language: str) -> None:
    different = [
        (english, text)
        for english, text in text_pairs(language)
        if english.endswith(".") != text.endswith(".") or text != text.strip()
    ]
    assert different == []


@every_language
def test_catalogue_files_are_as_the_tool_writes_them(language: str) -> None:
    path = catalogues.po_file(language)
    known = catalogues.read(path)
    catalogue = catalogues.merged(language, known.values(), known)
    assert path.read_bytes() == catalogues.written(catalogue)
    assert path.with_suffix(".mo").read_bytes() == catalogues.compiled(catalogue)


@every_language
def test_plural_forms_equal_those_of_django(language: str) -> None:
    theirs = Path(django.__file__).parent / "conf" / "locale" / language / "LC_MESSAGES/django.mo"
    ours = catalogues.po_file(language).with_suffix(".mo")
    forms = []
    for path in (ours, theirs):
        with path.open("rb") as file:
            forms.append(gettext_format.GNUTranslations(file).info()["plural-forms"])
    assert forms == [PLURAL_FORMS[language]] * 2


def label_maps() -> list[tuple[str, object]]:
    """The labels of every label map of the label modules."""
    maps = [
        (name, value)
        for module in (labels, order_labels, case_labels)
        for name, value in vars(module).items()
        if isinstance(value, dict)
    ]
    assert {"STATUSES", "REQUEST_STATUSES", "KINDS", "EASY_RETURN_STATUSES"} <= {
        name for name, _ in maps
    }
    return [(name, word) for name, words in maps if name.isupper() for word in words.values()]


@every_language
def test_labels_are_translated_unless_they_are_proper_names(language: str) -> None:
    same = [
        word
        for _map, word in label_maps()
        if in_language(word, language) == in_language(word, "en")
    ]
    assert sorted(set(map(str, same))) == sorted(PROPER_NAMES)


@pytest.mark.parametrize("language", [*LANGUAGES, "en"])
def test_no_two_order_statuses_share_a_label(language: str) -> None:
    words = [in_language(word, language) for word in order_labels.STATUSES.values()]
    assert len(words) == 15
    assert sorted(set(words)) == sorted(words)


def test_turkish_statuses_use_the_words_of_turkish_shops() -> None:
    with override("tr"):
        codes = (100, 200, 400, 450, 500, 550, 600)
        named = {code: labels.label(order_labels.STATUSES, code) for code in codes}
    assert named == {
        100: "İptal edildi",
        200: "Bekliyor",
        400: "Onaylandı",
        450: "Hazırlanıyor",
        500: "Kargolandı",
        550: "Teslim Edildi",
        600: "İade Edildi",
    }


@every_language
def test_every_refusal_is_translated(language: str, modules: list[object]) -> None:
    refusals = {
        (value.code, value.message): value.message
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Problem)
    }
    assert len(refusals) > 20
    untranslated = [
        text for text in refusals.values() if in_language(text, language) == in_language(text, "en")
    ]
    assert untranslated == []


def field_messages(field: object) -> Iterator[object]:
    """The error messages of a field and of the fields inside it."""
    yield from getattr(field, "error_messages", {}).values()
    inner: Mapping[str, object] = getattr(field, "fields", {})
    for part in chain(inner.values(), [getattr(field, "child", None)]):
        yield from field_messages(part) if part is not None else ()


def serializers_below(base: type[Any]) -> Iterator[type[Any]]:
    """The serializers of Takeback."""
    for cls in base.__subclasses__():
        if cls.__module__.startswith("takeback."):
            yield cls
        yield from serializers_below(cls)


@every_language
def test_every_message_of_a_field_is_translated(language: str, modules: list[object]) -> None:
    messages = {
        str(text): text
        for cls in serializers_below(serializers.Serializer)
        for text in field_messages(cls())
    }
    assert "This field is required." in messages
    assert "Ensure this field has no more than {max_length} elements." in messages
    assert untranslated(messages.values(), language) == []


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("tr", "Bulunamadı."),
        ("en", "Not found."),
        ("de", "Nicht gefunden."),
        ("ar", "غير موجود."),
        ("de-AT,fr;q=0.5", "Nicht gefunden."),
        ("undefined", "Not found."),
    ],
)
def test_a_response_is_in_the_language_of_its_request(
    client: HttpClient, language: str, detail: str
) -> None:
    response = client.get("/api/v1/nowhere/", headers={"Accept-Language": language})
    assert response.status_code == 404
    assert response.json() == {"detail": detail, "code": "not_found"}


def test_english_is_not_replaced_by_the_language_of_the_site() -> None:
    with override_settings(LANGUAGE_CODE="tr", LOCALE_PATHS=[*settings.LOCALE_PATHS]):
        assert in_language(order_labels.STATUSES[200], "en") == "Waiting"
        assert in_language(order_labels.STATUSES[200], "fr") == "Bekliyor"


PYTHON = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext_lazy

A = _("One.")
B = [_("Two " "halves."), pgettext_lazy("request", "Open"), ngettext("%d line", "%d lines", 2)]
C = {code: _ for code, _ in B}
D = _(A)
"""
TEMPLATE = """
    {% load i18n %}
  <p>don't (((</p> {# never #}
{% if _("Shown") %}<a href="?a='b'">{% translate "It's here" %}</a>{% endif %}
      {% translate 'Open' context "case" %}
  {% blocktranslate trimmed count n=3 %}
    {{ n }} order
  {% plural %}
    {{ n }} orders
  {% endblocktranslate %}
"""


def test_texts_are_extracted_from_modules_and_templates(tmp_path: Path) -> None:
    (tmp_path / "room" / "templates" / "room").mkdir(parents=True)
    (tmp_path / "room" / "labels.py").write_text(PYTHON)
    (tmp_path / "room" / "templates" / "room" / "page.html").write_text(TEMPLATE)
    messages = catalogues.messages_of(tmp_path)
    assert [(message.context, message.id) for message in messages] == [
        (None, "One."),
        (None, "Two halves."),
        ("request", "Open"),
        (None, ("%d line", "%d lines")),
        (None, "Shown"),
        (None, "It's here"),
        ("case", "Open"),
        (None, ("%(n)s order", "%(n)s orders")),
    ]


def test_an_update_keeps_translations_and_lists_missing_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = tmp_path / "labels.py"
    module.write_text('_("One.")\n_("Gone.")\n')
    assert updated(tmp_path) == 1
    for po in tmp_path.rglob("*.po"):
        po.write_text(po.read_text().replace('"One."\nmsgstr ""', '"One."\nmsgstr "1."'))
    module.write_text('_("One.")\n_("New.")\nngettext("%d line", "%d lines", 2)\n')
    capsys.readouterr()
    assert updated(tmp_path) == 1
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "ar: 2 of 3 texts to translate",
        "  New.",
        "  ('%d line', '%d lines')",
    ]
    known = catalogues.read(catalogues.po_file("ar", tmp_path))
    assert {key: catalogues.forms(message) for key, message in known.items()} == {
        (None, "One."): ["1."],
        (None, "New."): [""],
        (None, ("%d line", "%d lines")): [""] * 6,
    }


def test_an_update_succeeds_if_every_text_is_translated(tmp_path: Path) -> None:
    (tmp_path / "labels.py").write_text('_("One.")\n')
    updated(tmp_path)
    for po in tmp_path.rglob("*.po"):
        po.write_text(po.read_text().replace('"One."\nmsgstr ""', '"One."\nmsgstr "1."'))
    assert updated(tmp_path) == 0
    compiled = sorted(tmp_path.rglob("*.mo"))
    assert len(compiled) == 3
    for mo in compiled:
        with mo.open("rb") as file:
            assert gettext_format.GNUTranslations(file).gettext("One.") == "1."


def test_a_fuzzy_translation_stays_fuzzy_and_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.py").write_text('_("One.")\n')
    updated(tmp_path)
    po = catalogues.po_file("de", tmp_path)
    fuzzy = '# Ask the shop.\n#, fuzzy\nmsgid "One."\nmsgstr "Eins?"\n'
    po.write_text(po.read_text().replace('msgid "One."\nmsgstr ""\n', fuzzy))
    capsys.readouterr()
    assert updated(tmp_path) == 1
    assert "de: 1 of 1 texts to translate" in capsys.readouterr().out
    assert po.read_text().endswith("\n\n" + fuzzy)
    with po.with_suffix(".mo").open("rb") as file:
        assert gettext_format.GNUTranslations(file).gettext("One.") == "One."


def updated(folder: Path) -> int:
    """The exit code of the tool."""
    with pytest.raises(typer.Exit) as ended:
        catalogues.update(folder, folder)
    return ended.value.exit_code
