"""A log line is one line, whatever somebody wrote into it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.rigs.serving import environment

EVIL = "a\nb\r\x1b[31m\u2028\u202e\x00"
SCRIPT = """
import logging, sys, django, structlog
django.setup()
evil = sys.stdin.read()
structlog.get_logger("ours").info("told", text=evil)
logging.getLogger("theirs").warning(evil)
"""


def test_control_characters_stay_inside_one_json_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment(tmp_path, PYTHONUTF8="1"),
        input=EVIL.encode(),
        capture_output=True,
        check=True,
    )
    ours, theirs = done.stdout.decode(), done.stderr.decode()
    for printed in (ours, theirs):
        assert printed.count("\n") == 1
        assert not set(printed.rstrip("\n")) & set(EVIL[1:].replace("b", "").replace("[31m", ""))
    assert json.loads(ours)["text"] == EVIL
    assert json.loads(theirs)["event"] == EVIL
