"""Persons report payments: with evidence, and with a second person where one is needed."""

from typing import Any

import pytest

from takeback.core.actor import Actor, ActorKind
from takeback.refunds import errors
from takeback.refunds.commands.mark_paid import mark_not_paid, mark_paid
from takeback.refunds.models import LedgerEntry, Refund
from takeback.refunds.providers import RefundStatus, Unknown
from takeback.refunds.statuses import Means
from tests.factories import NOW
from tests.refunds.factories import (
    AGENT,
    OTHER_AGENT,
    balances,
    create_refund,
    entry_of,
    reload,
    state_of,
)
from tests.refunds.sending import (
    SECOND,
    SENT_AT,
    accepted,
    apply_look,
    create_sent_refund,
    reply,
    status_of,
)
from tests.refusals import refused

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("each step queries again"),
]

EVIDENCE = "bank reference 4711"


def create_refund_in_doubt() -> Refund:
    refund = create_sent_refund(400)
    reply(refund, Unknown("timeout"))
    return reload(refund)


@pytest.mark.parametrize("means", [Means.MANUAL, Means.BANK_TRANSFER])
def test_person_marks_a_refund_as_paid(means: Means) -> None:
    refund = create_refund(means=means)

    changes = mark_paid(refund.pk, evidence=f" {EVIDENCE} ", actor=AGENT, now=NOW)

    assert [(change.before, change.after) for change in changes] == [
        ("planned", "sending"),
        ("sending", "confirmed"),
    ]
    row = reload(refund)
    assert (row.status, row.attention, row.evidence) == ("confirmed", "", EVIDENCE)
    assert (row.confirmed_at, row.next_look_at) == (NOW, None)
    assert balances(refund.payment_id) == (0, 400, 0, 0)
    paid = LedgerEntry.objects.get(refund=refund, account_code=f"paid:{means.value}")
    assert paid.amount_minor == -400


@pytest.mark.parametrize("evidence", ["", "   "])
def test_evidence_is_required(evidence: str) -> None:
    refund = create_refund(means=Means.MANUAL)

    with refused(errors.EVIDENCE_REQUIRED):
        mark_paid(refund.pk, evidence=evidence, actor=AGENT, now=NOW)
    with refused(errors.EVIDENCE_REQUIRED):
        mark_not_paid(refund.pk, evidence=evidence, actor=AGENT, now=NOW)


def test_refund_that_the_worker_sends_is_not_marked() -> None:
    planned, sent = create_refund(), create_sent_refund()
    for refund in (planned, sent):
        with refused(errors.CANNOT_BE_MARKED):
            mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)
        with refused(errors.CANNOT_BE_MARKED):
            mark_not_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)


def test_refund_is_marked_once() -> None:
    refund = create_refund(means=Means.MANUAL)
    mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)

    with refused(errors.CANNOT_BE_MARKED):
        mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)
    assert balances(refund.payment_id) == (0, 400, 0, 0)


@pytest.mark.parametrize("attention", ["no_provider_payment", "account_missing"])
def test_refund_without_a_way_to_send_it_is_paid_by_a_person(attention: str) -> None:
    refund = create_refund()
    Refund.objects.update(attention=attention)

    mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)

    assert status_of(refund) == ("confirmed", "")


def test_second_person_marks_with_the_evidence_of_the_first() -> None:
    refund = create_refund(means=Means.MANUAL)
    terms: dict[str, Any] = {"now": NOW, "needs_second_person": True}

    assert mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, **terms) == []
    assert status_of(refund) == ("planned", "manual_payment")
    with refused(errors.SECOND_PERSON_REQUIRED):
        mark_paid(refund.pk, evidence="again", actor=AGENT, **terms)
    mark_paid(refund.pk, evidence="I agree", actor=OTHER_AGENT, **terms)

    row = reload(refund)
    assert (row.status, row.evidence) == ("confirmed", EVIDENCE)
    assert (row.requested_by_number, row.approved_by_number) == (1, 2)


def test_requester_does_not_mark_a_refund_that_needs_another_person() -> None:
    refund = create_refund(means=Means.MANUAL, actor=AGENT, needs_second_person=True)
    key = Actor(ActorKind.CHANNEL, 9)

    for actor in (AGENT, key):
        with refused(errors.SECOND_PERSON_REQUIRED):
            mark_paid(refund.pk, evidence=EVIDENCE, actor=actor, now=NOW)
    mark_paid(refund.pk, evidence=EVIDENCE, actor=OTHER_AGENT, now=NOW)

    assert (reload(refund).status, reload(refund).approved_by_number) == ("confirmed", 2)


def test_approved_refund_is_marked_by_its_requester() -> None:
    refund = create_refund(means=Means.MANUAL, actor=AGENT, needs_second_person=True)
    Refund.objects.update(approved_by_number=2)

    mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)

    assert status_of(refund) == ("confirmed", "")


def test_refund_in_doubt_is_clarified_in_the_pages_of_the_provider() -> None:
    paid, missing = create_refund_in_doubt(), create_refund_in_doubt()

    mark_paid(paid.pk, evidence=EVIDENCE, actor=AGENT, now=NOW, provider_refund="re_9")
    mark_not_paid(missing.pk, evidence="not in the list", actor=AGENT, now=NOW)

    assert (status_of(paid), reload(paid).provider_refund) == (("confirmed", ""), "re_9")
    row = reload(missing)
    assert (row.status, row.attention, row.failure_code) == ("failed", "refused", "not_paid")
    assert row.evidence == "not in the list"
    assert balances(missing.payment_id) == (0, 0, 0, 0)
    # The id links it to later states.
    shown = entry_of(paid, reference=None, provider_refund="re_9")
    apply_look(paid, state_of(shown), SENT_AT + 60 * SECOND)
    assert balances(paid.payment_id) == (0, 400, 0, 0)


def test_accepted_refund_is_not_marked() -> None:
    refund = create_sent_refund()
    reply(refund, accepted(refund, RefundStatus.PENDING))

    with refused(errors.CANNOT_BE_MARKED):
        mark_paid(refund.pk, evidence=EVIDENCE, actor=AGENT, now=NOW)
