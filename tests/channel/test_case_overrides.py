"""Broken rules at decisions by keys: refusals, overrides, and the texts that go with them."""

from typing import Any

import pytest

from takeback.cancellations.models import CancellationReason, CaseHistory
from takeback.core.ids import CaseId
from tests.cancellations.factories import open_case as opened
from tests.channel.case_calls import caller, cancellable_item, change, transition
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("a test sends several requests"),
]

ROUTES = ["confirm", "approve", "PATCH", "PUT"]
STATUS_AFTER = {"confirm": "confirmed"}


def case_against_a_rule() -> CaseId:
    """A case whose reason has needed a description since it was opened."""
    case = opened(cancellable_item())
    CancellationReason.objects.update(extra_information_needed=True)
    return case


def decide(system: Any, case: CaseId, route: str, **body: Any) -> Any:
    """Confirm or approve the case by one of the routes."""
    if route in ("PATCH", "PUT"):
        return change(system, case, {"status": "approved", **body}, route)
    return transition(system, case, route, body)


def last_step(case: CaseId) -> CaseHistory:
    """The last row of the history."""
    return CaseHistory.objects.filter(cancellation_request_id=case).latest("seq")


@pytest.mark.parametrize("route", ROUTES)
def test_broken_rule_is_refused_without_an_override(route: str) -> None:
    system, case = caller(), case_against_a_rule()
    for body in ({}, {"override": False}, {"internal_note": "agreed"}):
        with nothing_written():
            response = decide(system, case, route, **body)
        assert (response.status_code, response.json()) == (
            400,
            {
                "detail": "This request breaks a rule of the shop: Please add a description for"
                " this reason. To accept it anyway, override the rule and give the reason in a"
                " note.",
                "code": "rule_broken",
            },
        )


@pytest.mark.parametrize("route", ROUTES)
def test_override_without_a_note_names_the_field(route: str) -> None:
    system, case = caller(), case_against_a_rule()
    with nothing_written():
        response = decide(system, case, route, override=True)
    assert (response.status_code, response.json()) == (
        400,
        {
            "internal_note": ["Give the reason for the override in a note."],
            "code": "override_needs_note",
        },
    )


@pytest.mark.parametrize("name", ["note", "internal_note"])
@pytest.mark.parametrize("route", ROUTES)
def test_override_with_a_note_decides(route: str, name: str) -> None:
    system, case = caller(), case_against_a_rule()

    response = decide(system, case, route, override=True, **{name: "agreed by phone"})

    status = STATUS_AFTER.get(route, "approved")
    assert (response.status_code, response.json()["status"]) == (200, status)
    row = last_step(case)
    assert (row.internal_note, row.message) == ("agreed by phone", None)
    assert row.overridden == ["cancellation_request_100_5"]


@pytest.mark.parametrize("override", [1, "yes", [], {}])
def test_override_must_be_a_boolean(override: Any) -> None:
    system, case = caller(), case_against_a_rule()
    with nothing_written():
        response = decide(system, case, "approve", override=override, note="agreed")
    assert (response.status_code, set(response.json())) == (400, {"override", "code"})


@pytest.mark.parametrize("name", ["reject", "approve"])
def test_message_and_internal_note_are_two_texts(name: str) -> None:
    system, case = caller(), opened(cancellable_item())
    body = {"message": "Dear customer", "internal_note": "third claim", "note": "older name"}
    assert transition(system, case, name, body).status_code == 200
    row = last_step(case)
    assert (row.message, row.internal_note) == ("Dear customer", "third claim")


def test_responses_contain_no_internal_note() -> None:
    system, case = caller(), opened(cancellable_item())
    response = transition(system, case, "approve", {"internal_note": "third claim"})
    assert "third claim" not in response.content.decode()
