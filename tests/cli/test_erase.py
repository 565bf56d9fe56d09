"""`takeback erase`: what it prints, refuses and asks."""

import pytest
from typer.testing import CliRunner

from takeback.accounts.models import User
from takeback.cli.main import app
from tests import factories
from tests.factories import GUEST

pytestmark = [
    pytest.mark.allow_repeated_queries("erases an order and a user at a time"),
    pytest.mark.django_db,
]


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["erase", *words])
    return result.exit_code, result.stdout, result.stderr


def test_person_is_erased_and_counted() -> None:
    factories.create_order()
    erased = "Erased: 1 account, 1 order, 0 requests, 0 images.\n"
    assert run(GUEST, "--yes") == (0, "", erased)
    nothing = f"Nothing of {GUEST} is stored.\n"
    assert run(GUEST, "--yes") == (0, "", nothing)


def test_without_a_terminal_there_is_no_question() -> None:
    factories.create_order()
    assert run(GUEST)[0] == 0


@pytest.mark.parametrize("text", ["", "kim", "@", " @ ", "kim@", "@example.com"])
def test_text_that_is_no_address_is_refused(text: str) -> None:
    factories.create_order()
    assert run("--yes", "--", text) == (2, "", f"Error: {text} is no e-mail address.\n")
    assert User.objects.filter(is_active=True).count() == 1


def test_refusal_names_both_numbers() -> None:
    order = factories.create_order()
    factories.create_case(item=factories.items_of(order)[0])
    code, out, err = run(GUEST)
    assert (code, out) == (2, "")
    assert err == (
        "Error: This person still has open requests (1) and refunds that are not final (0). "
        "Complete, reject or withdraw the requests, wait for the refunds, then erase the person.\n"
    )
