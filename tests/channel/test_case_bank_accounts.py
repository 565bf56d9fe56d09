"""Bank accounts of cases: masked values, incomplete accounts, and confirmation by scope."""

import pytest

from takeback.bank_accounts.bank_account import BankAccount, bank_account_of
from tests.cancellations.factories import open_case as opened
from tests.channel.case_calls import (
    HOLDER,
    IBAN,
    OTHER_IBAN,
    caller,
    cancellable_item,
    change,
    refused,
    stored_case,
)

pytestmark = pytest.mark.django_db


def with_account() -> int:
    """A case with a bank account."""
    return opened(cancellable_item(), bank_account=BankAccount(IBAN, HOLDER))


@pytest.mark.parametrize(("scopes", "is_trusted"), [((), False), (("money",), True)])
def test_new_account_is_confirmed_only_with_scope_money(
    scopes: tuple[str, ...], is_trusted: bool
) -> None:
    case = with_account()
    body = {"iban": "de89 3704 0044 0532 0130 00", "holder_name": "Bo Ray"}

    response = change(caller(*scopes), case, body)

    assert response.status_code == 200
    row = stored_case(case)
    assert bank_account_of(row) == BankAccount(OTHER_IBAN, "Bo Ray")
    assert row.is_bank_account_confirmed is is_trusted


@pytest.mark.parametrize("scopes", [(), ("money",)])
def test_missing_part_of_an_account_is_kept(scopes: tuple[str, ...]) -> None:
    case = with_account()

    assert change(caller(*scopes), case, {"holder_name": "Bo Ray"}).status_code == 200

    assert bank_account_of(stored_case(case)) == BankAccount(IBAN, "Bo Ray")


def test_masked_iban_stands_for_the_stored_iban() -> None:
    system, case = caller(), with_account()
    shown = change(system, case, {}).json()
    assert shown["iban"] != IBAN

    change(system, case, {"iban": shown["iban"], "holder_name": "Bo Ray"})

    assert bank_account_of(stored_case(case)) == BankAccount(IBAN, "Bo Ray")


def test_incomplete_account_is_refused_where_none_is_stored() -> None:
    system, case = caller(), opened(cancellable_item())

    with refused(400, "invalid", "holder_name") as responses:
        responses.append(change(system, case, {"iban": IBAN}))


def test_mask_of_another_account_is_refused() -> None:
    system, case = caller(), with_account()

    with refused(400, "invalid", "iban") as responses:
        responses.append(change(system, case, {"iban": "DE89 •••• 3000"}))


@pytest.mark.parametrize("name", ["iban", "holder_name"])
def test_null_as_half_of_an_account_is_refused(name: str) -> None:
    system, case = caller(), with_account()

    with refused(400, "invalid", name) as responses:
        responses.append(change(system, case, {name: None}))

    assert responses[0].json()[name] == [
        "To remove the bank account, send null as both iban and holder_name."
    ]
    assert bank_account_of(stored_case(case)) == BankAccount(IBAN, HOLDER)
