"""Names and words that `tools/rejected_names.toml` rejects are absent from code and prose."""

import pytest

from tools.rejected_names import (
    FOLDERS,
    ROOT,
    definitions,
    prose_of,
    rejected_names,
    rejected_words,
    rejections,
    rules,
    sources,
)

CLASS = "class AskedItem:\n    def load(self, told_line, other):\n        self.once = total = 1\n"


def listed(paths: list[str]) -> str:
    """One line per rejection of these files."""
    return "\n".join(
        f"{path.relative_to(ROOT)}:{line}: {text} ({word}): use {replacement}"
        for path in sources(*paths)
        for line, text, word, replacement in rejections(path)
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_has_no_rejected_names_or_words(folder: str) -> None:
    assert listed([folder]) == ""


def test_files_of_the_top_folder_have_no_rejected_words() -> None:
    top = [path.relative_to(ROOT).as_posix() for path in sources()]
    assert listed([path for path in top if not path.startswith(FOLDERS)]) == ""


def test_each_definition_of_a_rejected_name_is_found() -> None:
    names = [(line, name) for line, name, *_ in rejected_names([*definitions(CLASS)], "a.py")]
    assert sorted(names) == [(1, "AskedItem"), (2, "told_line"), (3, "once")]


def test_a_phrase_and_a_test_name_may_hold_a_participle() -> None:
    names = ["order_not_found", "DeskNotFound", "test_a_row_is_found"]
    assert [*rejected_names([(1, name) for name in names], "a.py")] == []
    assert len([*rejected_names([(1, "found_rows"), (2, "test_told")], "a.py")]) == 2


def test_a_line_is_rejected_where_it_means_an_item() -> None:
    assert [*rejected_names([(1, "line")], "takeback/importer/rows.py")] == []
    assert len([*rejected_names([(1, "line")], "takeback/orders/queries.py")]) == 1


@pytest.mark.parametrize(
    ("path", "source", "lines"),
    [
        ("a.py", '"""Sealed."""\nx = 1  # told\n_("Pictures:")\n', [1, 2, 3]),
        ("a.py", 'TOPIC = "case.sealed"\n"""Takes `told` and\nwhoever."""\n', [3]),
        ("a.md", "# Chores\n\n```\ntold\n```\n\nA `verdict` or a verdict.\n", [1, 7]),
        ("a.html", '<p class="pictures">\n{% translate "Told" %}\n<picture></picture>', [1, 2]),
        ("dev", "told=1 # of chores\n", [1]),
        ("a.md", "A stolid untold sealant is no word of the list.\n", []),
    ],
)
def test_rejected_words_are_found_in_prose(path: str, source: str, lines: list[int]) -> None:
    assert sorted(line for line, *_ in rejected_words(prose_of(path, source), path)) == lines


def test_each_exemption_names_an_existing_path() -> None:
    exempt = [*rules()["allowed"], *rules()["allowed_prose"], *rules()["rooms"]]
    assert [path for path in exempt if not (ROOT / path).exists()] == []
