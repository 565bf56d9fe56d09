"""A shared assertion about refusals."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from takeback.core.errors import Problem, Refused
from tests.storefront.api import nothing_written


@contextmanager
def refused(problem: Problem) -> Iterator[None]:
    """The block is refused with this problem and writes nothing."""
    with nothing_written(), pytest.raises(Refused) as refusal:
        yield
    assert refusal.value.problem.code == problem.code
