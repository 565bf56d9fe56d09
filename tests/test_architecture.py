"""Habits that a linter cannot know; each is a function over source text and is seen to fail."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    path for path in (ROOT / "takeback").rglob("*.py") if "migrations" not in path.parts
)
SOURCES = MODULES + sorted(
    path for room in ("tests", "benchmarks") for path in (ROOT / room).rglob("*.py")
)

Check = Callable[[str], list[str]]

FUNCTION_LINES = 40
FILE_LINES = 400
LONG_FILES: set[str] = set()

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
# The child writes pictures to its standard output, and has no database.
MAY_WRITE = re.compile(
    r"/commands(\.py|/)|core/db/bulk\.py|accounts/(api_keys|channels|customers|sessions|sign_in|staff|totp)\.py"
    r"|addresses/(address_book|places|snapshots)\.py|cancellations/(history|plans)\.py|takeback/demo/"
    r"|images/sanitizer\.py|operations/data_keys\.py"
)

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
EXACT = ("takeback/core/money.py", "takeback/orders/allocation.py")
CLOCK = "takeback/core/clock.py"
TOLD_BY_A_CALLER = re.compile(
    r"\b(request|data|\w+_data|query_params|GET|POST|told|body|params|kwargs|attrs)\b"
)
LOOK_UPS = {"filter", "exclude", "get", "aget"}


def long_functions(source: str) -> list[str]:
    """A function fits on a screen."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        f"{node.lineno}: {node.name} has {lines} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, functions)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]


def long_file(source: str) -> list[str]:
    """Past this a file holds two things."""
    lines = len(source.splitlines())
    return [f"{lines} lines"] if lines > FILE_LINES else []


def opening_sentence(source: str) -> list[str]:
    """A module opens with one sentence that says what lives there."""
    opening = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]
    ends = re.findall(r"[.!?](?=\s|$)", opening)
    return [] if len(ends) == 1 and opening.endswith(ends[0]) else ["no opening sentence"]


def writes(source: str) -> list[str]:
    """Only commands write."""
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [f"{call.lineno}: {name}" for call in calls if (name := _written_by(call))]
    return found + [
        f"{node.lineno}: SQL that writes"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and WRITING_SQL.match(node.value)
    ]


def _written_by(call: ast.Call) -> str:
    name = _called(call)
    if isinstance(call.func, ast.Attribute) and _writes_elsewhere(call.func.value):
        return ""
    on_queryset = name in QUERYSET_WRITES and ".objects." in ast.unparse(call.func)
    return name if name in WRITES or on_queryset else ""


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _writes_elsewhere(receiver: ast.expr) -> bool:
    """Sessions are written by accounts/sessions.py, an overridden method by its class."""
    words = ast.unparse(receiver)
    return words == "super()" or words.split(".")[-1] == "session"


def inexact_arithmetic(source: str) -> list[str]:
    """Money is whole minor units: nothing here divides, rounds or floats."""
    found = []
    for node in ast.walk(ast.parse(source)):
        divides = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        floats = isinstance(node, ast.Constant) and isinstance(node.value, float)
        calls = isinstance(node, ast.Call) and _called(node) in {"float", "round"}
        if (divides or floats or calls) and isinstance(node, ast.expr | ast.stmt):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def clock_readings(source: str) -> list[str]:
    """Only the clock reads the time; others are given it or ask the clock."""
    reading = re.compile(
        r"((datetime|date|timezone)\.(now|utcnow|today|localtime|localdate)|\btime\.time(_ns)?)$"
    )
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and reading.search(ast.unparse(node))
    ] + _imported_readings(source)


def _imported_readings(source: str) -> list[str]:
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        and node.module in {"django.utils.timezone", "time"}
        and any(alias.name in {"now", "localtime", "localdate", "time"} for alias in node.names)
    ]


def open_look_ups(source: str) -> list[str]:
    """`filter(**data)` lets a caller choose the column; only our own words may be unpacked."""
    return [
        f"{call.lineno}: {ast.unparse(call.func)}(**{ast.unparse(keyword.value)})"
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in LOOK_UPS
        for keyword in call.keywords
        if keyword.arg is None and TOLD_BY_A_CALLER.search(ast.unparse(keyword.value))
    ]


def forbidden_name(path: str) -> list[str]:
    """A file is named for what lives in it."""
    return sorted(FORBIDDEN_NAMES.intersection(re.split(r"[/._]", path)))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def complaints(check: Check, paths: list[Path]) -> Iterator[str]:
    """What a check has to say about files, with their names."""
    for path in paths:
        yield from (f"{_name(path)}:{found}" for found in check(path.read_text()))


RULES: list[tuple[Check, list[Path]]] = [
    (long_functions, SOURCES),
    (long_file, [path for path in MODULES if _name(path) not in LONG_FILES]),
    (opening_sentence, SOURCES),
    (writes, [path for path in MODULES if not MAY_WRITE.search(_name(path))]),
    (inexact_arithmetic, [path for path in MODULES if _name(path) in EXACT]),
    (clock_readings, [path for path in MODULES if _name(path) != CLOCK]),
    (open_look_ups, MODULES),
]


@pytest.mark.parametrize(
    ("check", "paths"), RULES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_rule_holds(check: Check, paths: list[Path]) -> None:
    assert "\n".join(complaints(check, paths)) == ""


def test_files_are_named_for_what_lives_in_them() -> None:
    assert [_name(path) for path in SOURCES if forbidden_name(_name(path))] == []


BROKEN: list[tuple[Check, str, str]] = [
    (long_functions, "def f():\n" + "    g()\n" * 39, "def f():\n" + "    g()\n" * 40),
    (long_file, "g()\n" * 400, "g()\n" * 401),
    (opening_sentence, '"""Says what lives here."""', '"""Says this. And that."""'),
    (opening_sentence, '"""Says what lives here."""', "x = 1"),
    (opening_sentence, '"""Says what lives here."""', '"""Names without an end"""'),
    (writes, "Order.objects.filter(pk=1).first()", "Order.objects.create(number=1)"),
    (writes, "answer.update(code=1)", "Order.objects.filter(pk=1).update(status=2)"),
    (writes, "super().save()", "order.save()"),
    (writes, "request.session.save()", "request.user.save()"),
    (writes, "rows('SELECT 1')", "cursor.execute('DELETE FROM orders_order')"),
    (writes, "bulk.reserve_ids(Order, 3)", "bulk.insert_rows(Order, names, rows)"),
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
    (open_look_ups, "orders.filter(number=data['number'])", "orders.filter(**data)"),
    (open_look_ups, "orders.filter(**own_filters)", "Order.objects.get(pk=1, **request.data)"),
]


@pytest.mark.parametrize(("check", "good", "bad"), BROKEN)
def test_each_rule_finds_what_it_is_for(check: Check, good: str, bad: str) -> None:
    assert check(good) == []
    assert len(check(bad)) == 1


@pytest.mark.parametrize("path", ["takeback/utils.py", "takeback/core/order_helpers.py"])
def test_a_name_that_says_nothing_is_found(path: str) -> None:
    assert len(forbidden_name(path)) == 1
    assert forbidden_name("takeback/orders/queries.py") == []


def test_no_test_leaves_this_machine() -> None:
    from tests.conftest import refuse_the_outside

    refuse_the_outside("socket.connect", (None, ("127.0.0.1", 5432)))
    with pytest.raises(RuntimeError, match=r"example\.com"):
        refuse_the_outside("socket.getaddrinfo", ("example.com", 443))
    with pytest.raises(RuntimeError, match=r"203\.0\.113\.1"):
        refuse_the_outside("socket.connect", (None, ("203.0.113.1", 80)))
