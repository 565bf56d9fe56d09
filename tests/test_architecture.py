"""House rules that no linter knows; each check reads source text and is shown to find a breach."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Field, Model

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    path for path in (ROOT / "takeback").rglob("*.py") if "migrations" not in path.parts
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SOURCES = MODULES + TESTS + sorted((ROOT / "benchmarks").rglob("*.py"))

Check = Callable[[str], list[str]]

FUNCTION_LINES = 40
FILE_LINES, TEST_FILE_LINES = 400, 600
LONG_FILES = {
    "takeback/settings.py": "one table: every setting with its default, its sentence and its range",
    "takeback/storefront/orders_documents.py": "types and values of 105 keys of orders and items",
    "tests/channel/test_documents.py": "the columns of all documents of the channel",
    "tests/storefront/test_document_keys.py": "the keys of all documents of the storefront",
}
"""Files that tell one story in more lines, with the reason: a reviewer may add to this."""

WRITES = {
    "save",
    "create",
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "bulk_update",
    "insert_rows",
    "insert_objects",
    "update_rows",
    "acreate",
    "asave",
}
# `update` and `delete` are also words of dictionaries and HTTP: they count on a queryset only.
QUERYSET_WRITES = {"update", "delete", "aupdate", "adelete"}
WRITING_SQL = re.compile(r"\s*(INSERT INTO |UPDATE \w+ SET|DELETE FROM |COPY \w)")
WRITERS = {
    "takeback/*/commands.py": "the commands of a small room",
    "takeback/*/commands/*.py": "one command per file",
    "takeback/core/db/bulk.py": "inserts for commands",
    "takeback/accounts/api_keys.py": "commands and queries of one small table",
    "takeback/accounts/channels.py": "commands and queries of one small table",
    "takeback/accounts/customers.py": "creates customers for commands of other rooms",
    "takeback/accounts/one_time_secrets.py": "commands and queries of one small table",
    "takeback/accounts/own_account.py": "commands and queries of one small table",
    "takeback/accounts/recovery_codes.py": "commands and queries of one small column",
    "takeback/accounts/sessions.py": "Django's session store",
    "takeback/accounts/sign_in.py": "upgrades a password hash",
    "takeback/accounts/staff.py": "commands and queries of one small table",
    "takeback/accounts/staff_rights.py": "commands on staff, for a holder of the scope admin",
    "takeback/accounts/totp.py": "commands and queries of one small table",
    "takeback/addresses/address_book.py": "commands and queries of one small table",
    "takeback/addresses/places.py": "creates places for commands of other rooms",
    "takeback/cancellations/history.py": "rows that every command on a case adds",
    "takeback/cancellations/plans.py": "rows that every command on a plan changes",
    "takeback/demo/*.py": "fills an empty shop",
    "takeback/images/sanitizer.py": "writes to its standard output, not to the database",
    "takeback/operations/readiness.py": "tries a write that changes no row",
    "takeback/refund_providers/sandbox_server/*.py": "a test server with an SQLite file of its own",
    "takeback/operations/data_keys.py": "encrypts the columns of all rooms again",
    "takeback/operations/host_keys.py": "commands and queries of one small table",
}
"""Modules that may write to the database, and why."""

OPEN_LOOKUPS = {
    "takeback/api/place_fields.py:places_of": "the level above, from a table in the function",
    "takeback/cancellations/plans.py:_shared_plans": "the fields of a dataclass",
    "takeback/operations/data_keys.py:_texts": "a column of the list of encrypted columns",
    "takeback/operations/data_keys.py:reencrypt_text": "the same column",
    "takeback/orders/queries.py:own_orders": "look-ups that a view spells out",
}
"""Functions that may unpack a dictionary into a look-up, and whose words its keys are."""
LOOKUPS = {"filter", "exclude", "get", "aget", "Q"}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
EXACT = (
    "takeback/core/money.py",
    "takeback/orders/allocation.py",
    "takeback/refunds/allocation.py",
)
CLOCK = "takeback/core/clock.py"
READER = "takeback/refund_providers/strict_json.py"
BUILT_IN = {"dict", "list", "str", "int", "Any"}


@lru_cache(maxsize=1)
def tree_of(source: str) -> ast.Module:
    """The syntax tree of a module, which all checks share while they look at this module."""
    return ast.parse(source)


def long_functions(source: str) -> list[str]:
    """A function fits on a screen, unless it is a literal: it only assigns, asserts and returns."""
    return [
        f"{node.lineno}: {node.name} has {lines} lines"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
        and not _is_literal(node)
    ]


def _is_literal(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = function.body[ast.get_docstring(function) is not None :]
    return all(
        isinstance(node, ast.Assign | ast.AnnAssign | ast.Assert | ast.Return) for node in body
    )


def opening_sentence(source: str) -> list[str]:
    """The first paragraph of a module's docstring is one sentence."""
    opening = (ast.get_docstring(tree_of(source)) or "").split("\n\n")[0]
    ends = re.findall(r"[.!?](?=\s|$)", opening)
    return [] if len(ends) == 1 and opening.endswith(ends[0]) else ["no opening sentence"]


def database_writes(source: str) -> list[str]:
    """Only the modules of `WRITERS` write to the database."""
    tree = tree_of(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    written = [f"{node.lineno}: {name}" for node in calls if (name := _written_by(node))]
    return written + [
        f"{node.lineno}: SQL that writes"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and WRITING_SQL.match(node.value)
    ]


def _written_by(node: ast.Call) -> str:
    name = _called(node)
    if isinstance(node.func, ast.Attribute) and _writes_elsewhere(node.func.value):
        return ""
    on_queryset = name in QUERYSET_WRITES and ".objects." in ast.unparse(node.func)
    return name if name in WRITES or on_queryset else ""


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _writes_elsewhere(receiver: ast.expr) -> bool:
    """Sessions are written by accounts/sessions.py, an overridden method by its class."""
    words = ast.unparse(receiver)
    return words == "super()" or words.split(".")[-1] == "session"


def inexact_arithmetic(source: str) -> list[str]:
    """Money is an integer in minor units: these modules do not divide, round or use floats."""
    inexact = []
    for node in ast.walk(tree_of(source)):
        divides = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        floats = isinstance(node, ast.Constant) and isinstance(node.value, float)
        calls = isinstance(node, ast.Call) and _called(node) in {"float", "round"}
        if (divides or floats or calls) and isinstance(node, ast.expr | ast.stmt):
            inexact.append(f"{node.lineno}: {ast.unparse(node)}")
    return inexact


def clock_readings(source: str) -> list[str]:
    """Only `core/clock.py` reads the time; other modules call it or receive the time."""
    reading = re.compile(
        r"((datetime|date|timezone)\.(now|utcnow|today|localtime|localdate)|\btime\.time(_ns)?)$"
    )
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Attribute) and reading.search(ast.unparse(node))
    ] + _imported_readings(source)


def _imported_readings(source: str) -> list[str]:
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.ImportFrom)
        and node.module in {"django.utils.timezone", "time"}
        and any(alias.name in {"now", "localtime", "localdate", "time"} for alias in node.names)
    ]


def unprepared_types(source: str) -> list[str]:
    """Classes are decoded by a decoder of their module: threads that prepare one crash msgspec."""
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Call) and _called(node) in {"decode", "convert"}
        for keyword in node.keywords
        if keyword.arg == "type" and _names(keyword.value) - BUILT_IN
    ]


def _names(node: ast.expr) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def measured_times(source: str) -> list[str]:
    """Durations are measured in `benchmarks/`: under load a test that limits them fails."""
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Call)
        and re.fullmatch(r"(process_time|thread_time|perf_counter)(_ns)?", _called(node))
    ]


def open_lookups(source: str) -> Iterator[tuple[str, int, str]]:
    """Look-ups with an unpacked dictionary: the function, the line and the look-up."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, int, str]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Call) and _called(node) in LOOKUPS:
            for keyword in node.keywords:
                if keyword.arg is None:
                    lookup = f"{_called(node)}(**{ast.unparse(keyword.value)})"
                    yield function, node.lineno, lookup
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    return visit(tree_of(source), "")


def forbidden_name(path: str) -> list[str]:
    """A module is named after its content."""
    return sorted(FORBIDDEN_NAMES.intersection(re.split(r"[/._]", path)))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _may_write(path: Path) -> bool:
    return any(fnmatch(_name(path), pattern) for pattern in WRITERS)


RULES: dict[Check, list[Path]] = {
    long_functions: SOURCES,
    opening_sentence: SOURCES,
    database_writes: [path for path in MODULES if not _may_write(path)],
    inexact_arithmetic: [path for path in MODULES if _name(path) in EXACT],
    clock_readings: [path for path in MODULES if _name(path) != CLOCK],
    unprepared_types: [path for path in MODULES if _name(path) != READER],
    measured_times: TESTS,
}


@pytest.fixture(scope="module")
def breaches() -> dict[Check, list[str]]:
    """The breaches of each rule; each module is read and parsed once."""
    lists: dict[Check, list[str]] = {check: [] for check in RULES}
    for path in SOURCES:
        source = path.read_text()
        for check in (check for check, paths in RULES.items() if path in paths):
            lists[check] += [f"{_name(path)}:{breach}" for breach in check(source)]
    return lists


@pytest.mark.parametrize("check", RULES, ids=lambda check: check.__name__)
def test_all_modules_follow_the_rule(check: Check, breaches: dict[Check, list[str]]) -> None:
    assert "\n".join(breaches[check]) == ""


def test_module_names_describe_their_content() -> None:
    assert [_name(path) for path in SOURCES if forbidden_name(_name(path))] == []


def test_every_writer_is_an_existing_module() -> None:
    names = [_name(path) for path in MODULES]
    assert [p for p in WRITERS if not any(fnmatch(name, p) for name in names)] == []


def test_long_files_are_listed_with_a_reason() -> None:
    """Split a file where a second story begins, or add it to `LONG_FILES`."""
    lines = {_name(path): len(path.read_text().splitlines()) for path in MODULES + TESTS}
    limits = {"takeback": FILE_LINES, "tests": TEST_FILE_LINES}
    long = {name for name, count in lines.items() if count > limits[name.partition("/")[0]]}
    assert sorted(long) == sorted(LONG_FILES)


def test_lookups_unpack_dictionaries_only_where_listed() -> None:
    """`filter(**data)` lets a client choose the column: its keys must be our own words."""
    places = {
        f"{_name(path)}:{function}": f"line {line}: {lookup}"
        for path in MODULES
        for function, line, lookup in open_lookups(path.read_text())
    }
    assert {place: places[place] for place in places.keys() - OPEN_LOOKUPS.keys()} == {}
    assert OPEN_LOOKUPS.keys() - places.keys() == set(), "no longer needed"


def test_no_folder_holds_only_a_commands_module() -> None:
    folders = {path.parent for path in MODULES if path.name == "commands.py"}
    contents = {folder: {path.name for path in folder.glob("*.py")} for folder in folders}
    single = [f for f, names in contents.items() if names <= {"__init__.py", "commands.py"}]
    commands = [path.parent for path in MODULES if path.parent.name == "commands"]
    single += [folder for folder in set(commands) if commands.count(folder) <= 2]
    assert sorted(map(_name, single)) == []


def layers() -> dict[str, int]:
    """The height of each room, from the import contract in pyproject.toml: 0 is the top."""
    toml = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = toml["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["type"] == "layers"]
    return {
        room: height
        for height, layer in enumerate(contract["layers"])
        for room in re.split(r" [|:] ", layer)
    }


def foreign_keys_up(links: Iterator[tuple[str, str, str]], heights: dict[str, int]) -> list[str]:
    """The foreign keys (name, own room, room of the target) that do not point downwards."""
    return [
        f"{name}: {own} -> {target}"
        for name, own, target in links
        if own != target and heights[own] >= heights[target]
    ]


def _room(model: type[Model]) -> str:
    return model.__module__.split(".")[1]


def _links() -> Iterator[tuple[str, str, str]]:
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            target = field.related_model
            if isinstance(field, Field) and isinstance(target, type) and _is_ours(model, target):
                yield f"{model.__name__}.{field.name}", _room(model), _room(target)


def _is_ours(*models: type[Model]) -> bool:
    return all(model.__module__.startswith("takeback.") for model in models)


def test_foreign_keys_point_downwards() -> None:
    links = list(_links())
    assert len(links) > 20
    assert foreign_keys_up(iter(links), layers()) == []


def test_a_foreign_key_upwards_or_sideways_is_found() -> None:
    heights = {"cancellations": 0, "orders": 1, "archive": 1, "accounts": 2}
    links = [
        ("Case.item", "cancellations", "orders"),
        ("Item.parent", "orders", "orders"),
        ("Order.case", "orders", "cancellations"),
        ("Order.old", "orders", "archive"),
    ]
    assert foreign_keys_up(iter(links), heights) == [
        "Order.case: orders -> cancellations",
        "Order.old: orders -> archive",
    ]


DOCUMENT = "def document(row):\n    'Doc.'\n    a = 1\n    return {\n" + "'a': a,\n" * 60 + "}\n"
BROKEN: list[tuple[Check, str, str]] = [
    (long_functions, "def f():\n" + "    g()\n" * 39, "def f():\n" + "    g()\n" * 40),
    (long_functions, DOCUMENT, DOCUMENT.replace("a = 1", "for a in b: pass")),
    (opening_sentence, '"""States the content."""', '"""States this. And that."""'),
    (opening_sentence, '"""States the content."""', "x = 1"),
    (opening_sentence, '"""States the content."""', '"""States without an end"""'),
    (database_writes, "Order.objects.filter(pk=1).first()", "Order.objects.create(number=1)"),
    (database_writes, "body.update(code=1)", "Order.objects.filter(pk=1).update(status=2)"),
    (database_writes, "super().save()", "order.save()"),
    (database_writes, "request.session.save()", "request.user.save()"),
    (database_writes, "rows('SELECT 1')", "cursor.execute('DELETE FROM orders_order')"),
    (database_writes, "bulk.reserve_ids(Order, 3)", "bulk.insert_rows(Order, names, rows)"),
    (inexact_arithmetic, "a = b // c", "a = b / c"),
    (inexact_arithmetic, "a += 1", "a /= 2"),
    (inexact_arithmetic, "int(a)", "float(a)"),
    (inexact_arithmetic, "divmod(a, 3)", "round(a, 2)"),
    (inexact_arithmetic, "a * 2", "a * 1.5"),
    (clock_readings, "clock.now()", "timezone.now()"),
    (clock_readings, "created_at = clock.now", "created_at = timezone.now"),
    (clock_readings, "now.date()", "datetime.datetime.now(UTC)"),
    (clock_readings, "from datetime import date", "from django.utils.timezone import now"),
    (clock_readings, "time.monotonic()", "time.time()"),
    (unprepared_types, "json.decode(text, type=dict[str, Any])", "json.decode(text, type=Case)"),
    (unprepared_types, "_decoder.decode(text)", "msgspec.convert(value, type=list[Case])"),
    (measured_times, "end = time.monotonic() + 60", "started = time.process_time()"),
]


@pytest.mark.parametrize(("check", "good", "bad"), BROKEN)
def test_each_rule_finds_a_breach(check: Check, good: str, bad: str) -> None:
    assert check(good) == []
    assert len(check(bad)) == 1


@pytest.mark.parametrize(
    "lookup", ["filter(**data)", "objects.get(pk=1, **body)", "exclude(**{name: 1})", "Q(**words)"]
)
def test_an_unpacked_dictionary_is_found_in_its_function(lookup: str) -> None:
    source = (
        f"def good():\n    filter(number=data['number'])\n\ndef bad():\n    return a.{lookup}\n"
    )
    assert [(function, line) for function, line, _ in open_lookups(source)] == [("bad", 5)]


@pytest.mark.parametrize("path", ["takeback/utils.py", "takeback/core/order_helpers.py"])
def test_a_vague_module_name_is_found(path: str) -> None:
    assert len(forbidden_name(path)) == 1
    assert forbidden_name("takeback/orders/queries.py") == []


def test_no_test_connects_to_another_machine() -> None:
    from tests.conftest import refuse_other_machines

    refuse_other_machines("socket.connect", (None, ("127.0.0.1", 5432)))
    with pytest.raises(RuntimeError, match=r"example\.com"):
        refuse_other_machines("socket.getaddrinfo", ("example.com", 443))
    with pytest.raises(RuntimeError, match=r"203\.0\.113\.1"):
        refuse_other_machines("socket.connect", (None, ("203.0.113.1", 80)))
