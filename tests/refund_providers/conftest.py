"""One sandbox for all tests of this folder; each test starts with an empty ledger."""

from collections.abc import Iterator

import pytest

from tests.rigs.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def _running_sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running_sandbox: Sandbox) -> Sandbox:
    """The sandbox, empty."""
    _running_sandbox.clear()
    return _running_sandbox
