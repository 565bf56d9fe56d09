"""The mailed link that confirms a bank account: its cases, its lifetime and forged tokens."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
import zeal
from pytest_django import Settings

from takeback.cancellations.bank_account_links import case_of, link_of, masked_account, token_of
from takeback.cancellations.commands.confirm_bank_account import confirm_bank_account
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.core import errors
from takeback.core.actor import Actor
from takeback.core.ids import CaseId
from tests import factories
from tests.notifications.factories import (
    GUEST,
    IBAN,
    OTHER_IBAN,
    STAFF,
    cancel,
    open_cases,
    order_with,
    reject,
)
from tests.refusals import refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def case_with_account(**fields: Any) -> CancellationRequest:
    """A guest's case with a bank account."""
    return open_cases(order_with("Red shoe", **fields), cancel(iban=IBAN))[0]


def confirmed_cases() -> list[int]:
    """The ids of the cases whose account is confirmed."""
    cases = CancellationRequest.objects.filter(is_bank_account_confirmed=True)
    return sorted(cases.values_list("pk", flat=True))


def confirmations(case: CancellationRequest) -> list[tuple[Any, ...]]:
    """The history rows of a case about its account."""
    rows = CaseHistory.objects.filter(cancellation_request=case, event="confirm_account")
    columns = ("seq", "before", "after", "actor_kind", "actor_number", "message", "at")
    return list(rows.values_list(*columns))


def confirm(case: CancellationRequest, actor: Actor = GUEST, account: str | None = None) -> None:
    """Confirm the account of a case."""
    confirm_bank_account(CaseId(case.pk), actor=actor, now=factories.NOW, account=account)


def test_account_of_a_guest_is_unconfirmed_until_confirmation() -> None:
    case = case_with_account()
    assert confirmed_cases() == []
    confirm(case, account=case.iban_index)
    case.refresh_from_db()
    assert confirmed_cases() == [case.pk]
    assert (case.version, case.status) == (2, "waiting")
    assert confirmations(case) == [
        (2, "waiting", "waiting", "guest", GUEST.number, None, factories.NOW)
    ]


def test_staff_confirm_without_a_link_and_repetition_is_a_no_op() -> None:
    case = case_with_account()
    for _ in range(2):
        confirm(case, STAFF)
    assert confirmations(case) == [(2, "waiting", "waiting", "staff", 7, None, factories.NOW)]
    case.refresh_from_db()
    assert case.version == 2


def test_confirmation_covers_cases_of_the_same_request_and_account() -> None:
    order = order_with("Red shoe", "Blue hat", "Green sock", "Cap")
    values = [cancel(iban=IBAN), cancel(iban=OTHER_IBAN), cancel(iban=IBAN), cancel()]
    first, _, third, _ = open_cases(order, *values)
    confirm(third)
    assert confirmed_cases() == [first.pk, third.pk]
    elsewhere = case_with_account(number="999")
    confirm(third)
    assert elsewhere.pk not in confirmed_cases()


def test_only_the_account_of_a_live_case_is_confirmed() -> None:
    case = case_with_account()
    (without_account,) = open_cases(order_with("Red shoe", number="999"), cancel())
    with refused(errors.NOT_FOUND):
        confirm_bank_account(CaseId(case.pk + 1000), actor=GUEST, now=factories.NOW)
    with refused(errors.NOT_FOUND):
        confirm(without_account)
    with refused(errors.NOT_FOUND):
        confirm(case, account="another")
    reject(case)
    with refused(errors.NOT_FOUND):
        confirm(case)
    assert confirmed_cases() == []


def test_link_leads_to_its_case(settings: Settings) -> None:
    settings.SITE_URL = "https://returns.shop.example"
    case = case_with_account()
    token = token_of(case)
    assert link_of(case) == f"https://returns.shop.example/users/orders/bank_account/{token}/"
    assert case_of(token) == case


def test_link_does_not_contain_the_account() -> None:
    case = case_with_account()
    number, _, _ = token_of(case).split(".")
    assert number == str(case.pk)
    assert str(case.iban_index) not in token_of(case)
    assert masked_account(case) == "TR33 ••••"


def test_changed_token_is_invalid() -> None:
    token = token_of(case_with_account())
    flipped = [
        token[:index] + chr(ord(token[index]) ^ bit) + token[index + 1 :]
        for index in range(len(token))
        for bit in (1, 2, 4, 8, 16, 32, 64)
    ]
    cut = [token[:length] for length in range(len(token))] + [token[1:], f"0{token}", f" {token}"]
    odd = ["", ".", "..", "1", "9" * 5000, "²" + token[1:], token.upper(), f"{token}x", f"{token}."]
    assert [text for text in (*flipped, *cut, *odd) if case_of(text)] == []
    assert case_of(token)


def test_token_is_invalid_for_another_case() -> None:
    case, other = case_with_account(), case_with_account(number="999")
    swapped = token_of(case).replace(str(case.pk), str(other.pk), 1)
    assert case_of(swapped) is None


def test_token_expires(settings: Settings) -> None:
    settings.BANK_ACCOUNT_LINK_DAYS = 2
    token = token_of(case_with_account())
    end = factories.NOW + timedelta(days=2)
    with time_machine.travel(end, tick=False):
        assert case_of(token)
    with time_machine.travel(end + timedelta(seconds=1), tick=False):
        assert case_of(token) is None


def test_token_ends_with_its_use_its_account_or_its_case() -> None:
    used, changed, closed = (case_with_account(number=number) for number in ("1", "2", "3"))
    tokens = [token_of(case) for case in (used, changed, closed)]
    assert all(case_of(token) for token in tokens)
    confirm(used)
    CancellationRequest.objects.filter(pk=changed.pk).update(iban_index="another")
    reject(closed)
    assert [case_of(token) for token in tokens] == [None, None, None]


def test_token_is_valid_for_the_live_cases_of_its_request() -> None:
    order = order_with("Red shoe", "Blue hat", "Green sock", "Cap")
    values = [cancel(iban=IBAN), cancel(iban=OTHER_IBAN), cancel(iban=IBAN), cancel(iban=IBAN)]
    first, other, third, fourth = open_cases(order, *values)
    token = token_of(fourth)
    with zeal.zeal_ignore():
        reject(fourth)
        assert case_of(token) == first
        reject(first)
    assert case_of(token) == third

    confirm(third, account=third.iban_index)

    assert (case_of(token), confirmed_cases()) == (None, [third.pk])
    assert case_of(token_of(other)) == other


def test_token_of_another_installation_is_invalid(settings: Settings) -> None:
    token = token_of(case_with_account())
    settings.SECRET_KEY = "another" * 8
    assert case_of(token) is None
