"""Correcting a case: only while nothing hangs on it, and by the rules that let it in."""

from typing import Any

import pytest
from django.conf import LazySettings

from takeback.bank_accounts.bank_account import BankAccount, bank_account_of
from takeback.cancellations import errors
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.transition import set_status
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.cancellations.statuses import Kind, Status
from takeback.core import errors as core_errors
from takeback.core.errors import Problem
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.cases import LATER, SCOPE, STAFF, opened, refused
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")


@pytest.fixture
def line() -> OrderItem:
    """A line of three units that can be cancelled."""
    return factories.items_of(factories.make_order(items=[factories.item_in(quantity=3)]))[0]


def case_of(case: int) -> CancellationRequest:
    """The case as it is now."""
    return CancellationRequest.objects.get(pk=case)


def corrected(case: int, **told: Any) -> CancellationRequest:
    """The case, with new values, one hour later."""
    edit_case(case, SCOPE, Edit(**told), actor=STAFF, now=LATER)
    return case_of(case)


def test_what_changes_is_written_with_its_history(line: OrderItem) -> None:
    case = opened(line, description="Too big.")

    found = corrected(case, description="Too small.", quantity=2)

    assert (found.description, found.quantity, found.version) == ("Too small.", 2, 2)
    assert found.modified_date == LATER
    step = CaseHistory.objects.get(cancellation_request=case, seq=2)
    assert (step.event, step.before, step.after) == ("edit", "waiting", "waiting")


def test_what_is_so_already_is_not_written(line: OrderItem) -> None:
    case = opened(line, description="Too big.", bank_account=ACCOUNT)
    told = case_of(case)
    same = Edit("Too big.", told.reason_id, 3, refund_to_loyalty=False, bank_account=ACCOUNT)

    with nothing_written():
        edit_case(case, SCOPE, same, actor=STAFF, now=LATER)
        edit_case(case, SCOPE, Edit(), actor=STAFF, now=LATER)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_new_account_waits_for_its_owner_s_word_unless_it_is_trusted(
    line: OrderItem, *, is_trusted: bool
) -> None:
    case = opened(line)

    edit_case(
        case,
        SCOPE,
        Edit(bank_account=ACCOUNT),
        actor=STAFF,
        now=LATER,
        is_account_trusted=is_trusted,
    )

    found = case_of(case)
    assert bank_account_of(found) == ACCOUNT
    assert found.is_bank_account_confirmed is is_trusted
    assert ACCOUNT.iban not in str(found.iban_encrypted)


LATE = {"description": "Words.", "bank_account": ACCOUNT}
EARLY = {"quantity": 1, "refund_to_loyalty": True}


@pytest.mark.parametrize("field", LATE)
@pytest.mark.parametrize("status", [Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED])
def test_words_and_account_are_open_until_money_is_planned(
    line: OrderItem, status: Status, field: str
) -> None:
    case = opened(line)
    set_status(case, SCOPE, status, actor=STAFF, now=factories.NOW)

    assert corrected(case, **{field: LATE[field]}).modified_date == LATER


@pytest.mark.parametrize(
    ("status", "field"),
    [
        *((Status.CONFIRMED, field) for field in EARLY),
        *((status, field) for field in EARLY for status in (Status.APPROVED, Status.REJECTED)),
        *((status, field) for field in LATE for status in (Status.APPROVED, Status.WITHDRAWN)),
    ],
)
def test_after_that_they_are_not(line: OrderItem, status: Status, field: str) -> None:
    case = opened(line)
    set_status(case, SCOPE, status, actor=STAFF, now=factories.NOW)

    with refused(errors.WRONG_STATUS):
        corrected(case, **{field: (EARLY | LATE)[field]})


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("early", EARLY)
def test_what_may_still_be_corrected_does_not_take_along_what_may_not(
    line: OrderItem, early: str, late: str
) -> None:
    case = opened(line)
    set_status(case, SCOPE, Status.CONFIRMED, actor=STAFF, now=factories.NOW)

    with refused(errors.WRONG_STATUS):
        corrected(case, **{early: EARLY[early], late: LATE[late]})


def other_reason(settings: LazySettings) -> dict[str, Any]:
    """Strict about reasons, and it is for returns."""
    settings.STRICT_REASON_TYPE = True
    return {"reason": factories.make_reason(kind="refund").pk}


def no_reason(settings: LazySettings) -> dict[str, Any]:
    """There is none of this number."""
    return {"reason": 10**12}


def wordless(settings: LazySettings) -> dict[str, Any]:
    """The reason needs words."""
    return {"reason": factories.make_reason(extra_information_needed=True).pk}


def too_many(settings: LazySettings) -> dict[str, Any]:
    """One more than were bought."""
    return {"quantity": 4}


def pointless(settings: LazySettings) -> dict[str, Any]:
    """The shop has no points."""
    settings.LOYALTY_MONEY_ENABLED = False
    return {"refund_to_loyalty": True}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (other_reason, errors.REASON_DOES_NOT_FIT),
        (no_reason, errors.UNKNOWN_REASON),
        (wordless, errors.DESCRIPTION_REQUIRED),
        (too_many, errors.QUANTITY_TOO_LARGE),
        (pointless, errors.LOYALTY_CLOSED),
    ],
)
def test_new_values_are_judged_by_the_rules_of_asking(
    line: OrderItem, settings: LazySettings, wrong: Any, problem: Problem
) -> None:
    case = opened(line)
    told = wrong(settings)

    with refused(problem):
        corrected(case, **told)


def test_a_fewer_or_the_full_number_of_units_may_be_asked_for(line: OrderItem) -> None:
    case = opened(line, quantity=1)

    assert corrected(case, quantity=3).quantity == 3


def test_what_others_have_changed_meanwhile_is_looked_at_first(line: OrderItem) -> None:
    case = opened(line)
    corrected(case, quantity=2)

    with refused(core_errors.PRECONDITION_FAILED):
        edit_case(case, SCOPE, Edit(quantity=1), actor=STAFF, now=LATER, version=1)
    edit_case(case, SCOPE, Edit(quantity=1), actor=STAFF, now=LATER, version=2)


def test_a_return_keeps_its_time_window_when_it_is_corrected(settings: LazySettings) -> None:
    """It was asked for in time; a later correction does not count the days again."""
    line = factories.items_of(
        factories.make_order(items=[factories.item_in(status=550, delivered_date=factories.NOW)])
    )[0]
    case = opened(line, kind=Kind.REFUND)
    OrderItem.objects.filter(pk=line.pk).update(delivered_date="2020-01-01T00:00:00Z")

    assert corrected(case, description="Words.").description == "Words."
