"""A linter of OpenAPI documents reports nothing about ours.

`tests/rigs/install_node_packages` installs it.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from takeback.api import openapi
from tests.rigs.node_packages import node_packages

pytestmark = pytest.mark.thorough

FOLDER = Path(__file__).with_name("openapi_linter")


def lint(document: dict[str, Any]) -> list[str]:
    """What the rules report about a document."""
    modules = node_packages(FOLDER) / "node_modules"
    result = subprocess.run(
        ["node", str(FOLDER / "main.cjs")],
        input=json.dumps(document, default=str),
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    problems: list[str] = json.loads(result.stdout)
    return problems


def test_linter_reports_nothing() -> None:
    assert lint(openapi.document()) == []


def test_linter_reports_an_operation_without_summary() -> None:
    """Without this an empty report would prove nothing."""
    document = openapi.document()
    del document["paths"]["/health/live/"]["get"]["summary"]

    (problem,) = lint(document)
    assert problem.startswith("operation-summary: ")
