"""A log entry is one line, and any text and any key can be logged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from takeback.api.errors import log_refusal
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
