"""A log entry is one line, and any text and any key can be logged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from takeback.api.errors import log_refusal
from takeback.core import log_output
from takeback.core.errors import NOT_FOUND, Refused
from tests.rigs.serving import environment

EVIL = "a\nb\r\x1b[31m\u2028\u202e\x00"
SCRIPT = """
import logging, sys, django, structlog
django.setup()
evil = sys.stdin.read()
structlog.get_logger("ours").info("event", text=evil)
logging.getLogger("theirs").warning(evil)
"""


def test_control_characters_are_escaped_in_log_lines(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment(tmp_path, PYTHONUTF8="1"),
        input=EVIL.encode(),
        capture_output=True,
        check=True,
    )
    ours, theirs = result.stdout.decode(), result.stderr.decode()
    for printed in (ours, theirs):
        assert printed.count("\n") == 1
        assert not set(printed.rstrip("\n")) & set(EVIL[1:].replace("b", "").replace("[31m", ""))
    assert json.loads(ours)["text"] == EVIL
    assert json.loads(theirs)["event"] == EVIL


def test_context_of_a_refusal_may_have_any_key(capfd: pytest.CaptureFixture[str]) -> None:
    log_refusal(Refused(NOT_FOUND, event="edit", code="other", order_id=7))

    entry = json.loads(capfd.readouterr().out)
    assert (entry["event"], entry["code"], entry["order_id"]) == ("refused", "not_found", 7)


WITHOUT_STREAMS = """
import os, sys
for number in range(3):
    os.close(number)
from takeback.cli.setup import open_standard_streams
from takeback.core import log_output
open_standard_streams()
with open(sys.argv[1], "w") as database:
    log_output.write_line("a line")
    log_output.write_line("another", log_output.STDERR)
    os._exit(database.fileno() if log_output.take_lost_lines() == 2 else 0)
"""


def test_file_never_becomes_a_missing_standard_output(tmp_path: Path) -> None:
    file = tmp_path / "database"
    done = subprocess.run([sys.executable, "-c", WITHOUT_STREAMS, str(file)], check=False)
    assert done.returncode > 2
    assert file.read_text() == ""


def test_long_line_is_written_completely(capfd: pytest.CaptureFixture[str]) -> None:
    log_output.write_line("x" * 10_000)
    assert capfd.readouterr().out == "x" * 10_000 + "\n"
    assert log_output.take_lost_lines() == 0
