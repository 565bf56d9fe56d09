"""Bank accounts of ended cases are deleted after the retention, and not before."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from takeback.bank_accounts.bank_account import BankAccount, encrypted_columns
from takeback.cancellations.commands import forget_bank_accounts as command
from takeback.cancellations.commands.forget_bank_accounts import forget_bank_accounts
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.statuses import LIVE, Status
from takeback.refunds.models import Refund
from takeback.refunds.statuses import Status as RefundStatus
from tests import factories
from tests.factories import NOW
from tests.refunds.accounts import create_payment, create_refund

pytestmark = [
    pytest.mark.allow_repeated_queries("several commands per test"),
    pytest.mark.django_db,
]

ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")
RETENTION = timedelta(days=90)
END = NOW + RETENTION
SECOND = timedelta(seconds=1)
ENDED = [status for status in Status if status not in LIVE]
COLUMNS = ("iban_encrypted", "holder_name_encrypted", "iban_index", "is_bank_account_confirmed")


def case_with_account(*, number: str = "1", **fields: Any) -> CancellationRequest:
    item = factories.items_of(factories.create_order(number=number))[0]
    defaults: dict[str, Any] = {"status": Status.COMPLETED.value, "is_bank_account_confirmed": True}
    case = factories.create_case(item=item, **defaults | fields)
    columns = encrypted_columns(ACCOUNT, case.uuid)
    CancellationRequest.objects.filter(pk=case.pk).update(**columns)
    return CancellationRequest.objects.get(pk=case.pk)


def has_account(case: CancellationRequest) -> bool:
    values = CancellationRequest.objects.filter(pk=case.pk).values_list(*COLUMNS).get()
    assert values == (None, None, None, False) or None not in values
    return values[0] is not None


@pytest.mark.parametrize("status", ENDED)
def test_account_of_an_ended_case_is_deleted_after_the_retention(status: Status) -> None:
    case = case_with_account(status=status.value)
    assert (forget_bank_accounts(END - SECOND), has_account(case)) == (0, True)
    assert (forget_bank_accounts(END), has_account(case)) == (1, False)
    assert forget_bank_accounts(END) == 0


@pytest.mark.parametrize("status", LIVE)
def test_account_of_a_live_case_stays(status: Status) -> None:
    case = case_with_account(status=status.value)
    assert (forget_bank_accounts(END + RETENTION), has_account(case)) == (0, True)


def test_version_and_dates_of_the_case_do_not_change() -> None:
    case = case_with_account()
    before: dict[str, Any] = {**CancellationRequest.objects.values().get(), "attributes": ""}
    forget_bank_accounts(END)
    after: dict[str, Any] = {**CancellationRequest.objects.values().get(), "attributes": ""}
    changed = set(before.items()) ^ set(after.items())
    assert {name for name, _ in changed} == set(COLUMNS)
    assert (after["version"], after["modified_date"]) == (case.version, NOW)


@pytest.mark.parametrize("days", [0, 1, 3650])
def test_setting_decides_on_the_days(settings: Settings, days: int) -> None:
    settings.BANK_ACCOUNT_RETENTION_DAYS = days
    case = case_with_account()
    assert forget_bank_accounts(NOW + timedelta(days=days or 3650) - SECOND) == 0
    forget_bank_accounts(NOW + timedelta(days=days or 3650))
    assert has_account(case) is (days == 0)


def with_refund(case: CancellationRequest, **fields: Any) -> None:
    """The case's plan has a refund with these values."""
    plan = factories.create_plan(case=case.pk)
    payment = create_payment(number=f"paid {case.pk}")
    create_refund(payment, None, **{"plan_id": plan.pk, "status": "confirmed"} | fields)


NEEDED: list[dict[str, Any]] = [
    *(
        {"status": status.value}
        for status in RefundStatus
        if status.value in ("planned", "sending")
    ),
    {"status": "in_doubt"},
    {"status": "pending"},
    {"status": "returned", "attention": "late_failure"},
    {"status": "failed", "attention": "refused"},
    {"modified_date": NOW + SECOND},
]


@pytest.mark.parametrize("values", NEEDED)
def test_account_stays_while_a_refund_may_need_it(values: dict[str, Any]) -> None:
    case = case_with_account()
    with_refund(case, **values)
    other = case_with_account(number="2")
    with_refund(other)
    assert forget_bank_accounts(END) == 1
    assert (has_account(case), has_account(other)) == (True, False)


def test_account_goes_when_its_refunds_are_final_for_the_retention() -> None:
    case = case_with_account()
    with_refund(case, modified_date=NOW + SECOND)
    assert forget_bank_accounts(END) == 0
    assert forget_bank_accounts(END + SECOND) == 1
    assert not has_account(case)
    assert (CancellationPlan.objects.count(), Refund.objects.count()) == (1, 1)


def test_accounts_are_deleted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DELETED_AT_ONCE", 2)
    for number in range(3):
        case_with_account(number=str(number))
    case_with_account(number="4", status="waiting")
    assert [forget_bank_accounts(END) for _ in range(3)] == [2, 1, 0]
