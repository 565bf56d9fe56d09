"""Bank accounts of cases, corrected by other systems: masks, halves, and who is trusted."""

import pytest

from takeback.bank_accounts.bank_account import BankAccount, bank_account_of
from tests.cancellations.factories import open_case as opened
from tests.channel.case_calls import (
    HOLDER,
    IBAN,
    OTHER_IBAN,
    caller,
    case_of,
    change,
    item,
    refused,
)

pytestmark = pytest.mark.django_db


def with_account() -> int:
    """A case that names where the money goes."""
    return opened(item(), bank_account=BankAccount(IBAN, HOLDER))


@pytest.mark.parametrize(("scopes", "is_trusted"), [((), False), (("money",), True)])
def test_a_new_account_is_trusted_with_those_who_may_pay(
    scopes: tuple[str, ...], is_trusted: bool
) -> None:
    case = with_account()
    told = {"iban": "de89 3704 0044 0532 0130 00", "holder_name": "Bo Ray"}

    answer = change(caller(*scopes), case, told)

    assert answer.status_code == 200
    row = case_of(case)
    assert bank_account_of(row) == BankAccount(OTHER_IBAN, "Bo Ray")
    assert row.is_bank_account_confirmed is is_trusted


@pytest.mark.parametrize("scopes", [(), ("money",)])
def test_half_an_account_keeps_the_other_half(scopes: tuple[str, ...]) -> None:
    case = with_account()

    assert change(caller(*scopes), case, {"holder_name": "Bo Ray"}).status_code == 200

    assert bank_account_of(case_of(case)) == BankAccount(IBAN, "Bo Ray")


def test_the_masked_number_stands_for_the_whole() -> None:
    system, case = caller(), with_account()
    shown = change(system, case, {}).json()
    assert shown["iban"] != IBAN

    change(system, case, {"iban": shown["iban"], "holder_name": "Bo Ray"})

    assert bank_account_of(case_of(case)) == BankAccount(IBAN, "Bo Ray")


def test_half_an_account_is_none_where_there_was_none() -> None:
    system, case = caller(), opened(item())

    with refused(400, "invalid", "holder_name") as answers:
        answers.append(change(system, case, {"iban": IBAN}))


def test_somebody_elses_mask_is_no_account() -> None:
    system, case = caller(), with_account()

    with refused(400, "invalid", "iban") as answers:
        answers.append(change(system, case, {"iban": "DE89 •••• 3000"}))
