"""Rules at a decision: which count, their override, and what the history keeps of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import zeal
from django.conf import LazySettings
from django.db import connection

from takeback.cancellations import errors
from takeback.cancellations.commands.add_note import add_note
from takeback.cancellations.commands.edit import Edit, edit_case
from takeback.cancellations.commands.open import Override, open_cases
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    review,
    set_status,
    withdraw,
)
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import NO_REMARKS, Remarks
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CaseHistory,
)
from takeback.cancellations.statuses import Kind, Status
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId
from takeback.orders.models import OrderItem
from tests import factories
from tests.cancellations.factories import (
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    new_case,
    open_case,
    order_items,
)
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

KEY = Actor(ActorKind.CHANNEL, 3)
OVERRIDE = Remarks(internal_note="agreed by phone", override=True)
MUCH_LATER = factories.NOW + timedelta(days=90)
Decide = Callable[..., None]


def approve_by_status(case: CaseId, scope: Any, **fields: Any) -> None:
    """Set the status `approved`."""
    set_status(case, scope, Status.APPROVED, **fields)


def approve_by_edit(case: CaseId, scope: Any, remarks: Remarks = NO_REMARKS, **fields: Any) -> None:
    """Change the status together with values."""
    edit_case(case, scope, Edit(status=Status.APPROVED, remarks=remarks), **fields)


ROUTES: list[Decide] = [confirm, approve, approve_by_status, approve_by_edit]


def case_without_description() -> CaseId:
    """A case whose reason has needed a description since it was opened."""
    case = open_case(*order_items())
    CancellationReason.objects.update(extra_information_needed=True)
    return case


def last_row(case: CaseId) -> CaseHistory:
    """The last row of the history."""
    return CaseHistory.objects.filter(cancellation_request=case).latest("seq")


def code_of(act: Callable[[], None]) -> str:
    """The code of a refusal that writes nothing."""
    with nothing_written(), pytest.raises(Refused) as refusal:
        act()
    return refusal.value.problem.code


@pytest.mark.parametrize("actor", [STAFF, KEY], ids=["agent", "key"])
@pytest.mark.parametrize("decide", ROUTES)
def test_broken_rule_needs_an_override_with_a_note(decide: Decide, actor: Actor) -> None:
    case = case_without_description()
    common: dict[str, Any] = {"actor": actor, "now": LATER}

    assert code_of(lambda: decide(case, SCOPE, **common)) == "rule_broken"
    without_note = Remarks(override=True)
    code = code_of(lambda: decide(case, SCOPE, remarks=without_note, **common))
    assert code == "override_needs_note"
    decide(case, SCOPE, remarks=OVERRIDE, **common)

    row = last_row(case)
    assert (row.overridden, row.internal_note) == (["cancellation_request_100_5"], OVERRIDE[1])
    assert row.message is None
    assert {"rule": "description_where_needed", "code": "cancellation_request_100_5"} in (
        row.rule_results or []
    )


def test_refusal_names_the_broken_rules() -> None:
    case = case_without_description()
    with pytest.raises(Refused) as refusal:
        confirm(case, SCOPE, actor=STAFF, now=LATER)
    assert str(refusal.value.problem.message) == (
        "This request breaks a rule of the shop: Please add a description for this reason. To"
        " accept it anyway, override the rule and give the reason in a note."
    )


def test_history_keeps_the_rules_of_that_moment() -> None:
    case = open_case(*order_items())
    approve(case, SCOPE, actor=STAFF, now=LATER, remarks=Remarks("Fine.", "checked", override=True))
    CancellationReason.objects.update(extra_information_needed=True)

    row = last_row(case)
    assert [(result["rule"], result["code"]) for result in row.rule_results or []] == [
        ("no_live_case", None),
        ("not_shipped", None),
        ("not_invoiced", None),
        ("within_cancel_time", None),
        ("reason_is_offered", None),
        ("reason_fits", None),
        ("description_where_needed", None),
        ("single_unit_is_not_split", None),
        ("units_are_left", None),
        ("bank_account_where_needed", None),
        ("loyalty_refund_is_offered", None),
    ]
    assert (row.message, row.internal_note, row.overridden) == ("Fine.", "checked", [])


def test_rejection_keeps_the_rules_and_needs_no_override() -> None:
    case = case_without_description()
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=Remarks("No."))
    row = last_row(case)
    codes = [result["code"] for result in row.rule_results or [] if result["code"]]
    assert (codes, row.overridden) == (["cancellation_request_100_5"], [])


@pytest.mark.parametrize("command", [review, withdraw])
def test_other_transitions_apply_no_rules(command: Decide) -> None:
    case = case_without_description()
    command(case, SCOPE, actor=STAFF, now=LATER)
    assert last_row(case).rule_results is None


def late_return(settings: LazySettings) -> CaseId:
    """A return whose window ends while it waits."""
    return open_case(delivered_item(), kind=Kind.RETURN)


def late_cancellation(settings: LazySettings) -> CaseId:
    """A cancellation whose time ends while it waits."""
    settings.CANCEL_TIME_LIMIT_MINUTES = 30
    return open_case(*order_items())


def unoffered_reason(settings: LazySettings) -> CaseId:
    """A case in a strict shop that has stopped offering its reason."""
    settings.STRICT_REASON_TYPE = True
    case = open_case(*order_items())
    CancellationReason.objects.update(is_active=False)
    return case


@pytest.mark.parametrize("make_case", [late_return, late_cancellation, unoffered_reason])
def test_waiting_breaks_no_rule(
    make_case: Callable[[LazySettings], CaseId], settings: LazySettings
) -> None:
    case = make_case(settings)
    confirm(case, SCOPE, actor=KEY, now=MUCH_LATER)
    assert {result["code"] for result in last_row(case).rule_results or []} == {None}


def invoiced_since(settings: LazySettings) -> CaseId:
    """A cancellation of an item that was invoiced meanwhile."""
    case = open_case(*order_items())
    OrderItem.objects.update(invoice_number="I")
    return case


def earlier_delivery(settings: LazySettings) -> CaseId:
    """A return that is too late by the corrected date of delivery."""
    item = delivered_item(delivered_date=factories.NOW - timedelta(days=10))
    case = open_case(item, kind=Kind.RETURN)
    OrderItem.objects.update(delivered_date=factories.NOW - timedelta(days=20))
    return case


def shorter_window(settings: LazySettings) -> CaseId:
    """A return that is too late by the present settings, but not by those of the order's day."""
    item = delivered_item(delivered_date=factories.NOW - timedelta(days=10))
    case = open_case(item, kind=Kind.RETURN)
    settings.REFUND_DAY_LIMIT = 5
    return case


def test_shorter_window_of_today_breaks_no_rule(settings: LazySettings) -> None:
    approve(shorter_window(settings), SCOPE, actor=KEY, now=LATER)


@pytest.mark.parametrize("make_case", [invoiced_since, earlier_delivery])
def test_changed_facts_break_a_rule(
    make_case: Callable[[LazySettings], CaseId], settings: LazySettings
) -> None:
    case = make_case(settings)
    assert code_of(lambda: approve(case, SCOPE, actor=KEY, now=LATER)) == "rule_broken"
    approve(case, SCOPE, actor=KEY, now=LATER, remarks=OVERRIDE)


def test_fact_is_refused_before_rules_even_with_an_override() -> None:
    case = case_without_description()
    OrderItem.objects.update(status=500)
    code = code_of(lambda: confirm(case, SCOPE, actor=STAFF, now=LATER, remarks=OVERRIDE))
    assert code == errors.CANNOT_CANCEL_NOW.code


def test_override_at_the_opening_counts_at_the_decision() -> None:
    new = new_case(*order_items(), reason=factories.create_reason(extra_information_needed=True).pk)
    [case] = open_cases([new], SCOPE, actor=STAFF, now=factories.NOW, override=Override("agreed"))
    approve(case, SCOPE, actor=KEY, now=LATER)
    assert last_row(case).overridden == []


def test_override_counts_until_it_is_undone() -> None:
    case = case_without_description()
    confirm(case, SCOPE, actor=STAFF, now=LATER, remarks=OVERRIDE)
    undo(case, SCOPE, actor=STAFF, now=LATER)
    assert code_of(lambda: confirm(case, SCOPE, actor=STAFF, now=LATER)) == "rule_broken"
    confirm(case, SCOPE, actor=STAFF, now=LATER, remarks=OVERRIDE)
    add_note(case, SCOPE, "later", actor=STAFF, now=LATER)
    approve(case, SCOPE, actor=STAFF, now=LATER)
    assert last_row(case).after == "approved"


@pytest.mark.parametrize("status", ["waiting", "rejected"])
def test_note_changes_the_history_only(status: str) -> None:
    case = open_case(*order_items())
    if status == "rejected":
        reject(case, SCOPE, actor=STAFF, now=factories.NOW, remarks=Remarks("No."))
    before = CancellationRequest.objects.values("status", "modified_date", "plan").get()

    add_note(case, SCOPE, "Ask Bea.", actor=STAFF, now=LATER)

    assert CancellationRequest.objects.values("status", "modified_date", "plan").get() == before
    row = last_row(case)
    assert (row.event, row.after, row.internal_note, row.message) == (
        "note",
        status,
        "Ask Bea.",
        None,
    )


def test_query_count_of_an_approval(
    django_assert_num_queries: Any,
) -> None:
    with zeal.zeal_ignore():
        case = open_case(*order_items())
    # PostgreSQL locks the order with a statement of its own.
    with django_assert_num_queries(47 if connection.vendor == "postgresql" else 46):
        approve(case, SCOPE, actor=STAFF, now=LATER)
