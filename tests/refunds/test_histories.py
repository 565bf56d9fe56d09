"""Histories through the commands: what is paid is what was previewed, and all of it is payable."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from time_machine import Traveller
from typer.testing import CliRunner

from takeback.cli.main import app
from tests.conftest import CI, LONG
from tests.factories import NOW
from tests.refunds.histories import History, create_shop
from tests.rigs.sandbox import Sandbox, running_sandbox

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each history sends many commands"),
    pytest.mark.timeout(900),
]
CHUNKS = 50 if CI or LONG else 1
HISTORIES = 20 if CI or LONG else 15
"""In each chunk, which is a transaction: PostgreSQL becomes slow with thousands of savepoints.

A seed replays its history. In CI the databases take turns at the chunks.
"""
BEAN_CHECK = Path(sys.executable).parent / "bean-check"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def traveller() -> Iterator[Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_all_money_goes_back_as_it_was_previewed(
    chunk: int, sandbox: Sandbox, traveller: Traveller, tmp_path: Path
) -> None:
    shop = create_shop(sandbox)
    seeds = range(chunk * HISTORIES, (chunk + 1) * HISTORIES)

    wrong = {seed: texts for seed in seeds if (texts := History(shop, seed, traveller).run())}

    assert wrong == {}
    check = CliRunner().invoke(app, ["check-ledger"])
    assert (check.exit_code, check.stdout) == (0, "")
    file = tmp_path / "ledger.beancount"
    assert CliRunner().invoke(app, ["export-ledger", str(file)]).exit_code == 0
    bean = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (bean.returncode, bean.stdout + bean.stderr) == (0, "")
