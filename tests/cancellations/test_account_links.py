"""The mailed link: whose account it confirms, when, and that nothing else opens it."""

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
from takeback.core.errors import Refused
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

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def case_with_account(**fields: Any) -> CancellationRequest:
    """A guest's case that names an account."""
    return open_cases(order_with("Red shoe", **fields), cancel(iban=IBAN))[0]


def confirmed() -> list[int]:
    """The cases whose account is confirmed."""
    found = CancellationRequest.objects.filter(is_bank_account_confirmed=True)
    return sorted(found.values_list("pk", flat=True))


def steps(case: CancellationRequest) -> list[tuple[Any, ...]]:
    """What has happened to a case's account."""
    found = CaseHistory.objects.filter(cancellation_request=case, event="confirm_account")
    names = ("seq", "before", "after", "actor_kind", "actor_number", "note", "at")
    return list(found.values_list(*names))


def test_a_guests_account_waits_until_it_is_confirmed() -> None:
    case = case_with_account()
    assert confirmed() == []
    confirm_bank_account(case.pk, actor=GUEST, now=factories.NOW, account=case.iban_index)
    case.refresh_from_db()
    assert confirmed() == [case.pk]
    assert (case.version, case.status, case.modified_date) == (2, "waiting", factories.NOW)
    assert steps(case) == [(2, "waiting", "waiting", "guest", GUEST.number, None, factories.NOW)]


def test_staff_confirm_without_a_link_and_a_second_time_changes_nothing() -> None:
    case = case_with_account()
    for _ in range(2):
        confirm_bank_account(case.pk, actor=STAFF, now=factories.NOW)
    assert steps(case) == [(2, "waiting", "waiting", "staff", 7, None, factories.NOW)]
    case.refresh_from_db()
    assert case.version == 2


def test_cases_asked_together_share_the_word_on_an_account() -> None:
    order = order_with("Red shoe", "Blue hat", "Green sock", "Cap")
    wishes = [cancel(iban=IBAN), cancel(iban=OTHER_IBAN), cancel(iban=IBAN), cancel()]
    first, _, third, _ = open_cases(order, *wishes)
    confirm_bank_account(third.pk, actor=GUEST, now=factories.NOW)
    assert confirmed() == [first.pk, third.pk]
    elsewhere = case_with_account(number="999")
    confirm_bank_account(third.pk, actor=GUEST, now=factories.NOW)
    assert elsewhere.pk not in confirmed()


def refusal(request_id: int, account: str | None = None) -> errors.Problem:
    """Why an account cannot be confirmed."""
    with pytest.raises(Refused) as refused:
        confirm_bank_account(request_id, actor=GUEST, now=factories.NOW, account=account)
    return refused.value.problem


def test_only_the_account_of_a_live_case_is_confirmed() -> None:
    case = case_with_account()
    (bare,) = open_cases(order_with("Red shoe", number="999"), cancel())
    assert refusal(case.pk + 1000) is errors.NOT_FOUND
    assert refusal(bare.pk) is errors.NOT_FOUND
    assert refusal(case.pk, account="another") is errors.NOT_FOUND
    reject(case)
    assert refusal(case.pk) is errors.NOT_FOUND
    assert confirmed() == []


def test_a_link_opens_its_case(settings: Settings) -> None:
    settings.SITE_URL = "https://returns.shop.example"
    case = case_with_account()
    token = token_of(case)
    assert link_of(case) == f"https://returns.shop.example/users/orders/bank_account/{token}/"
    assert case_of(token) == case


def test_a_link_tells_nothing_of_the_account() -> None:
    case = case_with_account()
    number, _, _ = token_of(case).split(".")
    assert number == str(case.pk)
    assert str(case.iban_index) not in token_of(case)
    assert masked_account(case) == "TR33 •••• 1326"


def test_a_changed_token_opens_nothing() -> None:
    token = token_of(case_with_account())
    flipped = [
        token[:place] + chr(ord(token[place]) ^ bit) + token[place + 1 :]
        for place in range(len(token))
        for bit in (1, 2, 4, 8, 16, 32, 64)
    ]
    cut = [token[:length] for length in range(len(token))] + [token[1:], f"0{token}", f" {token}"]
    odd = ["", ".", "..", "1", "9" * 5000, "²" + token[1:], token.upper(), f"{token}x", f"{token}."]
    assert [text for text in (*flipped, *cut, *odd) if case_of(text)] == []
    assert case_of(token)


def test_a_token_opens_no_other_case() -> None:
    case, other = case_with_account(), case_with_account(number="999")
    swapped = token_of(case).replace(str(case.pk), str(other.pk), 1)
    assert case_of(swapped) is None


def test_a_token_ends_with_its_days(settings: Settings) -> None:
    settings.BANK_ACCOUNT_LINK_DAYS = 2
    token = token_of(case_with_account())
    end = factories.NOW + timedelta(days=2)
    with time_machine.travel(end, tick=False):
        assert case_of(token)
    with time_machine.travel(end + timedelta(seconds=1), tick=False):
        assert case_of(token) is None


def test_a_token_ends_with_its_use_with_its_account_and_with_its_case() -> None:
    used, changed, over = (case_with_account(number=number) for number in ("1", "2", "3"))
    tokens = [token_of(case) for case in (used, changed, over)]
    assert all(case_of(token) for token in tokens)
    confirm_bank_account(used.pk, actor=GUEST, now=factories.NOW)
    CancellationRequest.objects.filter(pk=changed.pk).update(iban_index="another")
    reject(over)
    assert [case_of(token) for token in tokens] == [None, None, None]


def test_a_token_holds_for_what_is_left_of_its_call() -> None:
    order = order_with("Red shoe", "Blue hat", "Green sock", "Cap")
    wishes = [cancel(iban=IBAN), cancel(iban=OTHER_IBAN), cancel(iban=IBAN), cancel(iban=IBAN)]
    first, other, third, fourth = open_cases(order, *wishes)
    token = token_of(fourth)
    with zeal.zeal_ignore():
        reject(fourth)
        assert case_of(token) == first
        reject(first)
    assert case_of(token) == third

    confirm_bank_account(third.pk, actor=GUEST, now=factories.NOW, account=third.iban_index)

    assert (case_of(token), confirmed()) == (None, [third.pk])
    assert case_of(token_of(other)) == other


def test_a_token_of_another_installation_opens_nothing(settings: Settings) -> None:
    token = token_of(case_with_account())
    settings.SECRET_KEY = "another" * 8
    assert case_of(token) is None
