"""A provider in the process of the tests, and a clock that they move."""

from collections.abc import Iterator

import pytest
import time_machine
from time_machine import Traveller

from takeback.refund_providers import registry
from tests.factories import NOW
from tests.refunds.fake_provider import FakeProvider


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """The provider behind the account `card`."""
    provider = FakeProvider()
    monkeypatch.setattr(registry, "ADAPTERS", {**registry.ADAPTERS, "fake": provider})
    return provider


@pytest.fixture
def clock_at_now() -> Iterator[Traveller]:
    """A clock that moves when a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller
