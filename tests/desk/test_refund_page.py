"""The page of a refund: what it shows, the steps that it offers, and their refusals."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
import zeal
from django.db import transaction

from takeback.accounts.models import Session, User
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.core.actor import ActorKind
from takeback.desk.money_commands import version_of
from takeback.desk.refund_page import possible_steps
from takeback.outbox.models import Message
from takeback.refunds.commands.book import book
from takeback.refunds.ledger import Cause
from takeback.refunds.models import Refund
from takeback.refunds.money_of_order import RefundRow, money_of_order
from tests import factories
from tests.desk.agents import agent, browser_of, code_on, member, page_of, send
from tests.desk.test_decisions import text_of
from tests.factories import HttpClient
from tests.refunds.rows import (
    create_account,
    create_booking,
    create_paid_order,
    create_part,
    create_refund,
)
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

DAY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
CONSENT = "by phone on 3 March"


def requested_by(user: User) -> dict[str, Any]:
    return {"requested_by_kind": ActorKind.STAFF.value, "requested_by_number": user.pk}


def path_of(refund: Refund) -> str:
    return f"/desk/refunds/{refund.pk}"


def row_of(refund: Refund) -> RefundRow:
    with zeal.zeal_ignore():
        money = money_of_order(refund.order_id)
    return next(row for row in money.refunds if row.id == refund.pk)


def take(client: HttpClient, refund: Refund, step: str, **fields: Any) -> Any:
    """Press a button of the refund's page as it is now, with the box that confirms it ticked."""
    form = {"step": step, "version": version_of(row_of(refund)), "confirmed": "true"}
    return send(client, path_of(refund), **form | fields)


def steps_on(response: Any) -> list[str]:
    """The steps that a page offers."""
    return re.findall(r'<input type="hidden" name="step" value="(\w+)">', page_of(response))


def create_full_refund(*, requester: User, second: User) -> tuple[Refund, CancellationRequest]:
    """A refund with a value in every field that its page shows, and its case."""
    create_account(is_test=True)
    order = create_paid_order()
    case = factories.create_case(item=factories.items_of(order)[0], status="approved")
    plan = factories.create_plan(case=case.pk)
    refund = create_refund(
        order=order,
        plan_id=plan.pk,
        status="pending",
        attention="wrong_amount",
        needs_second_person=True,
        approved_by_number=second.pk,
        provider_refund="re_42",
        failure_code="odd_amount",
        evidence="Receipt 7",
        sends=2,
        first_sent_at=DAY,
        due_by=date(2026, 3, 24),
        **requested_by(requester),
    )
    create_part(refund=refund, goods_minor=1100, discount_minor=100, tax_minor=160)
    create_booking(refund=refund, sides=[("returns:goods", 1000), ("owed", -1000)])
    return refund, case


def test_page_shows_everything_about_a_refund() -> None:
    ada, bea = member("ada"), member("bea")
    refund, case = create_full_refund(requester=ada, second=bea)

    response = browser_of(ada).get(path_of(refund))
    page, text = page_of(response), text_of(response)

    for words in (
        f"Refund {refund.pk} · €10.00 Accepted by the provider 4 Mar 2026",
        "The provider reports another amount or currency for this refund. Compare the refund",
        "Amount €10.00 Means To the original payment Requested by ada , 10 Mar 2026",
        "Approved by bea With the customer by 24 Mar 2026 Evidence of the payment Receipt 7",
        "The provider's code odd_amount Payment account main Test",
        f"Refund id at the provider re_42 Our reference at the provider {refund.uuid.hex}",
        "Requests sent 2, first on 4 Mar 2026",
        "What it gives back SKU-1 Goods €11.00 , Discounts -€1.00 VAT included: €1.60",
        "Ledger (2 entries)",
        "Payment Card · main Captured €50.00 Reserved for refunds €10.00 Of it accepted by the",
        "provider €10.00 Left to refund €40.00",
    ):
        assert words in text, words
    for path in (f"/desk/orders/{refund.order_id}", f"/desk/cases/{case.pk}", "/desk/refunds/"):
        assert f'href="{path}"' in page


def test_replaced_refund_leads_to_its_replacement_and_back() -> None:
    order = create_paid_order()
    failed = create_refund(order=order, status="failed")
    new = create_refund(order=order, means="bank_transfer", replaces=failed, consent=CONSENT)
    client = agent()
    first, second = page_of(client.get(path_of(failed))), page_of(client.get(path_of(new)))
    assert f'Replaced by</dt><dd><a href="{path_of(new)}">Refund {new.pk}' in first
    assert f'Replaces</dt><dd><a href="{path_of(failed)}">Refund {failed.pk}' in second
    assert f'The customer\'s consent</dt><dd dir="auto">{CONSENT}' in second
    assert steps_on(client.get(path_of(failed))) == []


STEPS = [
    ({}, ["cancel"]),
    ({"needs_second_person": True}, ["approve", "cancel"]),
    ({"needs_second_person": True, "approved_by_number": 7}, ["cancel"]),
    ({"means": "manual", "attention": "manual_payment"}, ["mark_paid", "cancel"]),
    (
        {"means": "manual", "attention": "manual_payment", "needs_second_person": True},
        ["approve", "mark_paid", "cancel"],
    ),
    ({"attention": "no_provider_payment"}, ["mark_paid", "send_again", "cancel"]),
    ({"attention": "account_missing"}, ["mark_paid", "send_again", "cancel"]),
    ({"attention": "capture_differs"}, ["send_again", "cancel"]),
    ({"status": "sending"}, ["send_again"]),
    ({"status": "in_doubt"}, ["mark_paid", "send_again", "mark_not_paid"]),
    ({"status": "pending", "attention": "wrong_amount"}, []),
    ({"status": "confirmed"}, []),
    ({"status": "failed", "attention": "refused"}, ["send_again", "other_means"]),
    ({"status": "failed", "attention": "contradiction"}, []),
    ({"status": "returned", "attention": "late_failure"}, ["send_again", "other_means"]),
    ({"status": "cancelled"}, []),
]


@pytest.mark.parametrize(("fields", "steps"), STEPS)
def test_page_offers_the_steps_of_the_status(fields: dict[str, Any], steps: list[str]) -> None:
    refund = create_refund(order=create_paid_order(), **fields)
    assert possible_steps(row_of(refund)) == steps
    assert steps_on(agent().get(path_of(refund))) == steps


def test_agent_without_the_scope_money_gets_no_steps() -> None:
    refund = create_refund(order=create_paid_order(), needs_second_person=True)
    client = agent(scopes=["read", "decide", "admin"])
    assert steps_on(client.get(path_of(refund))) == []
    with nothing_written():
        response = take(client, refund, "approve")
    assert (response.status_code, code_on(response)) == (403, "permission_denied")


def test_second_person_approves_a_refund() -> None:
    ada, bea = member("ada"), member("bea")
    refund = create_refund(order=create_paid_order(), needs_second_person=True, **requested_by(ada))
    client = browser_of(bea)
    assert "€10.00 is paid. You approve it as the second person." in text_of(
        client.get(path_of(refund))
    )

    response = take(client, refund, "approve")

    assert (response.status_code, response["Location"]) == (
        303,
        f"{path_of(refund)}?done=approve",
    )
    row = row_of(refund)
    assert (row.approver, row.status, row.attention) == ("bea", "planned", "")
    text = text_of(client.get(response["Location"]))
    assert "Payment approved." in text
    assert "Approved by bea" in text
    assert "No refund needs a person." in text_of(client.get("/desk/refunds/"))


def test_requester_is_no_second_person() -> None:
    ada = member("ada")
    refund = create_refund(order=create_paid_order(), needs_second_person=True, **requested_by(ada))
    client = browser_of(ada)
    response = client.get(path_of(refund))
    assert "Another person with the right money must approve it." in text_of(response)
    assert steps_on(response) == ["cancel"]
    with nothing_written():
        refused = take(client, refund, "approve")
    assert (refused.status_code, code_on(refused)) == (403, "second_person_is_the_first")
    assert row_of(refund).approved_by_number is None


def test_second_approval_of_the_same_state_is_refused() -> None:
    refund = create_refund(order=create_paid_order(), needs_second_person=True)
    shown = version_of(row_of(refund))
    first, second = agent(), agent(username="bea")
    assert take(first, refund, "approve").status_code == 303
    with nothing_written():
        refused = take(second, refund, "approve", version=shown)
    assert (refused.status_code, code_on(refused)) == (412, "precondition_failed")
    assert "This page shows the current state of the refund" in text_of(refused)


def test_planned_refund_is_cancelled_and_its_money_released() -> None:
    refund, client = planned(needs_second_person=True), agent()

    response = take(client, refund, "cancel")

    assert response.status_code == 303
    assert row_of(refund).status == "cancelled"
    text = text_of(client.get(response["Location"]))
    assert "Refund cancelled." in text
    assert "Left to refund €50.00" in text
    assert steps_on(client.get(path_of(refund))) == []


def test_refund_that_was_sent_meanwhile_is_not_cancelled() -> None:
    refund = create_refund(order=create_paid_order())
    client, shown = agent(), version_of(row_of(refund))
    Refund.objects.update(status="sending", sends=1)
    with nothing_written():
        response = take(client, refund, "cancel", version=shown)
    assert (response.status_code, code_on(response)) == (412, "precondition_failed")
    assert "Being sent" in text_of(response)


def test_paid_refund_is_marked_with_evidence() -> None:
    refund, client = manual_refund(), agent()

    response = take(client, refund, "mark_paid", evidence="Bank reference 991")

    assert response.status_code == 303
    row = row_of(refund)
    assert (row.status, row.evidence, row.attention) == ("confirmed", "Bank reference 991", "")
    assert "Evidence of the payment Bank reference 991" in text_of(client.get(path_of(refund)))
    case = CancellationRequest.objects.get()
    assert (case.status, case.plan and case.plan.status) == ("completed", "completed")


def test_refund_in_doubt_is_marked_with_its_id_at_the_provider() -> None:
    refund, client = doubtful_refund(), agent()
    fields = {"evidence": "Seen in the dashboard", "provider_refund": "re_7"}
    assert take(client, refund, "mark_paid", **fields).status_code == 303
    row = row_of(refund)
    assert (row.status, row.provider_refund) == ("confirmed", "re_7")


def test_refund_in_doubt_is_marked_as_not_paid() -> None:
    refund, client = doubtful_refund(), agent()
    response = take(client, refund, "mark_not_paid", evidence="Not in the dashboard")
    assert response.status_code == 303
    row = row_of(refund)
    assert (row.status, row.evidence) == ("failed", "Not in the dashboard")
    assert steps_on(client.get(path_of(refund))) == ["send_again", "other_means"]


def test_provider_is_asked_about_a_refund_in_doubt() -> None:
    refund, client = doubtful_refund(), agent()
    assert "Ask the provider now" in text_of(client.get(path_of(refund)))
    assert take(client, refund, "send_again").status_code == 303
    assert row_of(refund).status == "in_doubt"
    assert Message.objects.get().topic == "refund.look"


def test_second_person_marks_as_paid_what_the_first_has_marked(settings: Any) -> None:
    settings.SECOND_PERSON_FOR = ["mark_as_paid"]
    refund, ada, bea = manual_refund(), agent(), agent(username="bea")

    assert take(ada, refund, "mark_paid", evidence="Reference 1").status_code == 303
    first = row_of(refund)
    assert (first.status, first.evidence, first.requester) == ("planned", "Reference 1", "ada")
    assert (first.waits_for_second_person, first.approver) == (True, None)
    with nothing_written():
        assert take(ada, refund, "mark_paid", evidence="Reference 1").status_code == 403

    assert take(bea, refund, "mark_paid", evidence="I see it, too").status_code == 303
    second = row_of(refund)
    assert (second.status, second.evidence, second.approver) == ("confirmed", "Reference 1", "bea")


def planned(**fields: Any) -> Refund:
    """A refund of 50.00 for an approved case, as its approval plans it."""
    order = create_paid_order()
    case = factories.create_case(item=factories.items_of(order)[0], status="approved")
    plan = factories.create_plan(case=case.pk)
    CancellationPlan.objects.filter(pk=plan.pk).update(status="approved")
    refund = create_refund(order=order, plan_id=plan.pk, amount_minor=5000, **fields)
    part = create_part(refund=refund)
    with zeal.zeal_ignore(), transaction.atomic():
        book(Cause.PLAN, refund, [part], now=factories.NOW)
    return refund


def manual_refund() -> Refund:
    """A planned refund that a person pays."""
    return planned(means="manual", account=None, attention="manual_payment")


def failed_refund() -> Refund:
    """A refund that its provider refused."""
    create_account()
    return planned(status="failed", attention="refused", failure_code="closed")


def doubtful_refund() -> Refund:
    """A refund whose request was sent and not answered."""
    create_account()
    return planned(status="in_doubt", attention="key_expired", sends=1, first_sent_at=DAY)


def test_failed_refund_is_replaced_by_one_that_is_sent_again() -> None:
    refund, client = failed_refund(), agent()

    response = take(client, refund, "send_again")

    assert response.status_code == 303
    new = Refund.objects.get(replaces=refund)
    assert (new.status, new.means, new.amount_minor) == ("planned", "original", 5000)
    page = page_of(client.get(response["Location"]))
    assert "The refund is being tried again." in page
    assert f'href="{path_of(new)}">Refund {new.pk}' in page


def test_other_means_record_the_consent() -> None:
    refund, client = failed_refund(), agent()

    response = take(client, refund, "other_means", means="manual", consent=CONSENT)

    assert response.status_code == 303
    new = Refund.objects.get(replaces=refund)
    assert (new.status, new.means, new.consent) == ("planned", "manual", CONSENT)
    assert (new.requested_by_kind, new.amount_minor) == ("staff", 5000)


def test_systems_that_follow_cases_read_a_step() -> None:
    refund = failed_refund()
    CancellationRequest.objects.update(modified_date=DAY)

    assert take(agent(), refund, "other_means", means="manual", consent=CONSENT).status_code == 303

    assert CancellationRequest.objects.get().modified_date > DAY


INVALID: list[tuple[str, dict[str, Any], str, str]] = [
    ("send_again", {"confirmed": ""}, "send_again-confirmed", "Tick this box to confirm."),
    ("other_means", {"means": "manual"}, "other_means-consent", "This field is required."),
    ("other_means", {"consent": CONSENT}, "other_means-means", "This field is required."),
    (
        "other_means",
        {"means": "original", "consent": CONSENT},
        "other_means-means",
        "Choose an option from the list.",
    ),
    (
        "other_means",
        {"means": "manual", "consent": "x" * 501},
        "other_means-consent",
        "at most 500 characters",
    ),
    (
        "other_means",
        {"means": "manual", "consent": "a\u200bb"},
        "other_means-consent",
        "invisible",
    ),
]


@pytest.mark.parametrize(("step", "fields", "field", "sentence"), INVALID)
def test_invalid_step_changes_nothing_and_keeps_the_text(
    step: str, fields: dict[str, Any], field: str, sentence: str
) -> None:
    refund, client = failed_refund(), agent()
    with nothing_written():
        response = take(client, refund, step, **fields)
    page = page_of(response)
    assert response.status_code == 400
    assert sentence in page
    assert f'id="{field}_error"' in page
    assert f'href="#{field}"' in page
    assert f'<details id="{step}" open>' in page
    if "consent" in fields and len(fields["consent"]) < 100:
        assert f'value="{fields["consent"]}"' in page


def test_evidence_is_required() -> None:
    refund, client = manual_refund(), agent()
    with nothing_written():
        response = take(client, refund, "mark_paid", evidence=" ")
    assert response.status_code == 400
    assert 'id="mark_paid-evidence_error"' in page_of(response)


def test_unknown_step_is_refused() -> None:
    refund, client = failed_refund(), agent()
    with nothing_written():
        response = take(client, refund, "pay_twice")
    assert (response.status_code, code_on(response)) == (400, "malformed_request")


def test_evidence_survives_the_end_of_the_session() -> None:
    refund, user = manual_refund(), member()
    client = browser_of(user)
    version = version_of(row_of(refund))
    Session.objects.all().delete()
    fields = {"step": "mark_paid", "version": version, "evidence": "Reference 5"}
    page = page_of(send(client, path_of(refund), confirmed="true", **fields))
    unsent = page.partition('name="unsent" value="')[2].partition('"')[0]
    assert row_of(refund).status == "planned"

    signed_in = send(
        client,
        "/desk/login",
        username="ada",
        password="a-long-enough-password",
        next=path_of(refund),
        unsent=unsent,
    )

    page = page_of(client.get(signed_in["Location"]))
    assert 'value="Reference 5"' in page
    assert " checked" not in page.partition('id="mark_paid-confirmed"')[2].partition(">")[0]


@pytest.mark.parametrize("pk", [0, "x", 10**40])
def test_unknown_refund_is_not_found(pk: Any) -> None:
    response = agent().get(f"/desk/refunds/{pk}")
    assert (response.status_code, code_on(response)) == (404, "not_found")


def test_refund_of_another_channel_is_not_found() -> None:
    factories.create_channel(pk=2)
    refund = create_refund(order=create_paid_order(channel_id=2), needs_second_person=True)
    client = agent()
    with nothing_written():
        for response in (client.get(path_of(refund)), take(client, refund, "approve")):
            assert (response.status_code, code_on(response)) == (404, "not_found")


@pytest.mark.parametrize("language", ["tr", "en", "de", "ar"])
def test_page_is_shown_in_each_language(language: str) -> None:
    refund = failed_refund()
    response = agent().get(path_of(refund), headers={"accept-language": language})
    assert response.status_code == 200
    assert f'lang="{language}"' in page_of(response)


@pytest.mark.parametrize("count", [1, 6])
def test_query_count_of_the_page_is_constant(count: int, django_assert_num_queries: Any) -> None:
    create_account()
    order = create_paid_order()
    item = factories.items_of(order)[0]
    with zeal.zeal_ignore():
        refunds = [create_refund(order=order, amount_minor=10 + n) for n in range(count)]
        for number in range(count):
            create_part(refund=refunds[0], order_item=item if not number else None)
            create_booking(refund=refunds[0], sides=[("returns:goods", 10), ("owed", -10)])
    client = agent()
    with django_assert_num_queries(10):
        assert client.get(path_of(refunds[0])).status_code == 200
