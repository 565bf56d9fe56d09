"""Three requests run through few files, so that a new engineer can follow them."""

import pytest

from tools.trace import counted, traced, walks

MOST_FILES = {"guest look-up": 21, "open a case": 28, "channel PATCH of a case": 29}


@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("two requests of each kind")
def test_a_request_runs_through_few_files() -> None:
    files = {name: counted(files) for name, files in walks().items()}
    too_many = {name: names for name, names in files.items() if len(names) > MOST_FILES[name]}
    assert too_many == {}
    assert all(len(names) > 10 for names in files.values())


def test_only_files_of_which_a_function_runs_are_traced() -> None:
    from takeback.core import clock, money

    files: set[str] = set()
    with traced(files):
        clock.now()
        assert callable(money.show)  # known, but not called
        exec(compile("class A: x = 1", str(money.__file__), "exec"))
    assert files == {"core/clock.py"}
