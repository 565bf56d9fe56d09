"""Edits of cases: the statuses that allow them, and the rules that apply."""

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
from takeback.core.ids import CaseId
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import (
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    open_case,
    order_items,
)
from tests.refusals import refused
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")


@pytest.fixture
def item() -> OrderItem:
    """An item of three units that can be cancelled."""
    return order_items({"quantity": 3})[0]


def load_case(case_id: CaseId) -> CancellationRequest:
    """The row of a case."""
    return CancellationRequest.objects.get(pk=case_id)


def edited(case_id: CaseId, **values: Any) -> CancellationRequest:
    """The case after an edit."""
    edit_case(case_id, SCOPE, Edit(**values), actor=STAFF, now=LATER)
    return load_case(case_id)


def test_edit_writes_the_new_values_and_the_history(item: OrderItem) -> None:
    case = open_case(item, description="Too big.")
    before = CancellationRequest.objects.get(pk=case).modified_date

    row = edited(case, description="Too small.", quantity=2)

    assert (row.description, row.quantity, row.version) == ("Too small.", 2, 2)
    assert row.modified_date > before
    step = CaseHistory.objects.get(cancellation_request=case, seq=2)
    assert (step.event, step.before, step.after) == ("edit", "waiting", "waiting")


def test_edit_without_a_difference_writes_nothing(item: OrderItem) -> None:
    case = open_case(item, description="Too big.", bank_account=ACCOUNT)
    row = load_case(case)
    same = Edit("Too big.", row.reason_id, 3, refund_to_loyalty=False, bank_account=ACCOUNT)

    with nothing_written():
        edit_case(case, SCOPE, same, actor=STAFF, now=LATER)
        edit_case(case, SCOPE, Edit(), actor=STAFF, now=LATER)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_new_account_is_unconfirmed_unless_it_is_trusted(
    item: OrderItem, *, is_trusted: bool
) -> None:
    case = open_case(item)

    edit_case(
        case,
        SCOPE,
        Edit(bank_account=ACCOUNT),
        actor=STAFF,
        now=LATER,
        is_account_trusted=is_trusted,
    )

    row = load_case(case)
    assert bank_account_of(row) == ACCOUNT
    assert row.is_bank_account_confirmed is is_trusted
    assert ACCOUNT.iban not in str(row.iban_encrypted)


LATE = {"description": "Words.", "bank_account": ACCOUNT}
EARLY = {"quantity": 1, "refund_to_loyalty": True}


@pytest.mark.parametrize("field", LATE)
@pytest.mark.parametrize("status", [Status.WAITING, Status.WAITING_APPROVAL, Status.CONFIRMED])
def test_description_and_account_are_editable_until_approval(
    item: OrderItem, status: Status, field: str
) -> None:
    case = open_case(item)
    set_status(case, SCOPE, status, actor=STAFF, now=factories.NOW)

    before = CancellationRequest.objects.get(pk=case).modified_date

    assert edited(case, **{field: LATE[field]}).modified_date > before


@pytest.mark.parametrize(
    ("status", "field"),
    [
        *((Status.CONFIRMED, field) for field in EARLY),
        *((status, field) for field in EARLY for status in (Status.APPROVED, Status.REJECTED)),
        *((status, field) for field in LATE for status in (Status.APPROVED, Status.WITHDRAWN)),
    ],
)
def test_edit_after_the_allowed_statuses_is_refused(
    item: OrderItem, status: Status, field: str
) -> None:
    case = open_case(item)
    set_status(case, SCOPE, status, actor=STAFF, now=factories.NOW)

    with refused(errors.WRONG_STATUS):
        edited(case, **{field: (EARLY | LATE)[field]})


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("early", EARLY)
def test_edit_of_an_allowed_and_a_forbidden_value_is_refused(
    item: OrderItem, early: str, late: str
) -> None:
    case = open_case(item)
    set_status(case, SCOPE, Status.CONFIRMED, actor=STAFF, now=factories.NOW)

    with refused(errors.WRONG_STATUS):
        edited(case, **{early: EARLY[early], late: LATE[late]})


def reason_for_returns(settings: LazySettings) -> dict[str, Any]:
    """A reason for returns in a shop that is strict about reasons."""
    settings.STRICT_REASON_TYPE = True
    return {"reason": factories.create_reason(kind="refund").pk}


def unknown_reason(settings: LazySettings) -> dict[str, Any]:
    """The id of no reason."""
    return {"reason": 10**12}


def reason_with_description(settings: LazySettings) -> dict[str, Any]:
    """A reason that needs a description."""
    return {"reason": factories.create_reason(extra_information_needed=True).pk}


def too_many_units(settings: LazySettings) -> dict[str, Any]:
    """One more unit than the item has."""
    return {"quantity": 4}


def closed_loyalty(settings: LazySettings) -> dict[str, Any]:
    """Loyalty points in a shop without them."""
    settings.LOYALTY_MONEY_ENABLED = False
    return {"refund_to_loyalty": True}


@pytest.mark.parametrize(
    ("make_values", "problem"),
    [
        (reason_for_returns, errors.REASON_DOES_NOT_FIT),
        (unknown_reason, errors.UNKNOWN_REASON),
        (reason_with_description, errors.DESCRIPTION_REQUIRED),
        (too_many_units, errors.QUANTITY_TOO_LARGE),
        (closed_loyalty, errors.LOYALTY_REFUND_NOT_OFFERED),
    ],
)
def test_rules_apply_to_new_values(
    item: OrderItem, settings: LazySettings, make_values: Any, problem: Problem
) -> None:
    case = open_case(item)
    values = make_values(settings)

    with refused(problem):
        edited(case, **values)


def test_quantity_can_be_raised_to_all_units(item: OrderItem) -> None:
    case = open_case(item, quantity=1)

    assert edited(case, quantity=3).quantity == 3


def test_edit_of_an_outdated_version_is_refused(item: OrderItem) -> None:
    case = open_case(item)
    edited(case, quantity=2)

    with refused(core_errors.PRECONDITION_FAILED):
        edit_case(case, SCOPE, Edit(quantity=1), actor=STAFF, now=LATER, version=1)
    edit_case(case, SCOPE, Edit(quantity=1), actor=STAFF, now=LATER, version=2)


def test_edit_does_not_apply_the_return_window_again() -> None:
    item = delivered_item()
    case = open_case(item, kind=Kind.RETURN)
    OrderItem.objects.filter(pk=item.pk).update(delivered_date="2020-01-01T00:00:00Z")

    assert edited(case, description="Words.").description == "Words."
