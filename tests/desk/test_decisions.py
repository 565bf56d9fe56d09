"""Deciding at the desk: amount, rules, warnings, overrides, notes, previews and undo."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import zeal
from django.core.signing import TimestampSigner

from takeback.bank_accounts.bank_account import blind_index
from takeback.cancellations.commands.transition import approve
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CaseHistory,
)
from takeback.cancellations.statuses import Kind
from takeback.core import clock
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId
from takeback.desk.decision_context import names_differ
from takeback.orders.scope import OrderScope
from takeback.outbox.models import Message
from tests import factories
from tests.cancellations.factories import delivered_item, open_case
from tests.desk.agents import agent, browser_of, code_on, member, page_of, send
from tests.desk.test_cases import IBAN, buttons_on, decide, opened_case, path_of
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("a test decides several times"),
]


def text_of(response: Any) -> str:
    """The words of a page, without tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page_of(response))).split())


def last_row(case: CancellationRequest) -> CaseHistory:
    """The last row of the history of a case."""
    return CaseHistory.objects.filter(cancellation_request=case).latest("seq")


def break_a_rule() -> None:
    """All reasons need a description from now on, which cases do not have."""
    CancellationRequest.objects.update(description=None)
    CancellationReason.objects.update(extra_information_needed=True)


def undo(client: Any, case: CancellationRequest, **fields: Any) -> Any:
    """Press the button of the page after a decision."""
    case.refresh_from_db()
    with zeal.zeal_ignore():
        return send(client, path_of(case, "undo"), **{"version": case.version, **fields})


def test_box_shows_amount_rules_and_effects() -> None:
    page = text_of(agent().get(path_of(opened_case())))
    for text in (
        "Refund value TRY 10.00",
        "All 11 rules hold.",
        "Approve refund A refund of TRY 10.00 is approved for payment. The customer is mailed.",
        "Accept request The item is reserved and a refund of TRY 10.00 is planned. Nothing is paid",
        "Escalate Another agent decides. Nothing is reserved or paid.",
        "Reject The request ends and nothing is paid. The customer is mailed your message.",
        "The customer is mailed in English.",
    ):
        assert text in page
    assert "Override the rules" not in page


def test_box_names_the_rules_that_do_not_hold() -> None:
    case = opened_case()
    break_a_rule()
    page = text_of(agent().get(path_of(case)))
    assert "10 of 11 rules hold; 1 does not. Please add a description for this reason." in page
    assert "Override the rules that are not met" in page


@pytest.mark.parametrize("step", ["confirm", "approve"])
def test_broken_rule_is_overridden_with_a_note_only(step: str) -> None:
    client, case = agent(), opened_case()
    break_a_rule()
    with nothing_written():
        plain = decide(client, case, step, internal_note="agreed", message="Dear")
        silent = decide(client, case, step, override="true", message="Dear")
    assert (plain.status_code, code_on(plain)) == (400, "rule_broken")
    assert "This request breaks a rule of the shop: Please add a description" in page_of(plain)
    assert silent.status_code == 400
    assert "Enter the reason for the override." in page_of(silent)
    assert "checked" in page_of(silent)

    done = decide(client, case, step, override="true", internal_note="agreed by phone")

    assert done.status_code == 303
    assert (last_row(case).overridden, last_row(case).internal_note) == (
        ["cancellation_request_100_5"],
        "agreed by phone",
    )
    page = text_of(client.get(path_of(case)))
    history = page[page.index("History") :]
    assert "10 of 11 rules hold; 1 does not." in history
    assert "Overridden: Please add a description for this reason." in history
    assert "Internal note: agreed by phone" in history


def test_pages_show_no_machine_codes() -> None:
    client, case = agent(), opened_case()
    break_a_rule()
    refused = decide(client, case, "approve")
    decide(client, case, "confirm", override="true", internal_note="agreed")
    for response in (refused, client.get(path_of(case)), client.get("/desk/activity")):
        assert not re.search("[a-z]+_[a-z_0-9]+", text_of(response))


@pytest.mark.parametrize(
    ("holder", "customer", "differ"),
    [
        ("Ayla Ray", "Ayla Ray", False),
        ("RAY AYLA", "Ayla Ray", False),
        ("Ayla Deniz Ray", "Ayla Ray", False),
        ("I\u015f\u0131k Ray", "I\u015eIK RAY", False),
        ("Ray, Ayla-Deniz", "Ayla Deniz Ray", False),
        ("Visitor0431", "Gülşah Çelik", True),
        ("Ayla Roy", "Ayla Ray", True),
        ("Ayla Ray", "", False),
        ("", "Ayla Ray", False),
    ],
)
def test_names_differ_if_neither_has_all_words_of_the_other(
    holder: str, customer: str, *, differ: bool
) -> None:
    assert names_differ(holder, customer) is differ


@pytest.fixture
def with_account() -> CancellationRequest:
    """A case with an unverified bank account in the name of somebody else."""
    item = factories.items_of(factories.create_order())[0]
    user = item.order.user
    user.first_name, user.last_name = "Gülşah", "Çelik"
    user.save()
    return factories.create_case(
        item=item, iban=IBAN, holder_name="Visitor0431", iban_index=blind_index(IBAN)
    )


def test_unverified_account_of_somebody_else_is_a_warning(
    with_account: CancellationRequest,
) -> None:
    client = agent()
    page = text_of(client.get(path_of(with_account)))
    assert "The bank account is not verified." in page
    assert "The name of the account holder differs from the customer's name." in page
    assert "the money waits until the bank account is verified. The customer is mailed." in page
    CancellationRequest.objects.update(is_bank_account_confirmed=True)
    page = text_of(client.get(path_of(with_account)))
    assert "not verified" not in page
    assert "is approved for payment." in page


@pytest.mark.parametrize("status", ["waiting", "rejected"])
def test_note_is_saved_without_deciding(status: str) -> None:
    user, case = member(), opened_case()
    client = browser_of(user)
    if status == "rejected":
        decide(client, case, "reject", message="no")

    response = decide(client, case, "note", internal_note="ask <Bea>", version=1)

    assert (response.status_code, response["Location"]) == (303, f"{path_of(case)}?done=note")
    row = last_row(case)
    assert (row.event, row.after, row.internal_note, row.message, row.actor_number) == (
        "note",
        status,
        "ask <Bea>",
        None,
        user.pk,
    )
    page = page_of(client.get(response["Location"]))
    assert "Note saved." in page
    assert "ask &lt;Bea&gt;" in page


def test_empty_note_is_refused() -> None:
    client, case = agent(), opened_case()
    with nothing_written():
        response = decide(client, case, "note", internal_note=" ", message="Dear")
    assert response.status_code == 400
    assert "Enter a note." in page_of(response)


def test_preview_shows_the_mails_in_the_customers_language() -> None:
    client, case = agent(), opened_case(language_code="de")
    with nothing_written():
        response = decide(client, case, "preview", message="Guten <Tag>", internal_note="secret")
    page = page_of(response)
    previews = page[page.index('class="preview"') :]
    assert response.status_code == 200
    assert previews.count('<pre lang="de"') == 2
    assert previews.count("Guten &lt;Tag&gt;") == 2
    assert "secret" not in previews[: previews.index('class="case"')]
    assert "Guten &lt;Tag&gt;</textarea>" in page
    assert "The customer is mailed in German." in text_of(response)


def test_preview_contains_no_link_that_verifies_an_account(
    with_account: CancellationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(TimestampSigner, "sign")
    page = page_of(decide(agent(), with_account, "preview", message="Dear"))
    assert "/users/orders/bank_account/" not in page
    assert "TR33 ••••" in page
    assert "1326" not in page


def test_decision_can_be_undone_for_ten_seconds() -> None:
    client, case = agent(), opened_case()
    response = decide(client, case, "approve", message="Dear")
    for path in (response["Location"], path_of(case)):
        page = page_of(client.get(path))
        assert "Refund approved." in page
        assert 'data-expires="10"' in page

    undone = undo(client, case)

    assert (undone.status_code, undone["Location"]) == (303, f"{path_of(case)}?done=undo")
    page = text_of(client.get(undone["Location"]))
    assert "Decision undone. The request is as it was before." in page
    assert CancellationRequest.objects.get().status == "waiting"
    assert buttons_on(client.get(path_of(case))) == ["approve", "confirm", "review", "reject"]


def test_undo_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client, case = agent(), opened_case()
    decide(client, case, "confirm")
    later = factories.NOW + timedelta(seconds=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "data-expires" not in page_of(client.get(path_of(case)))
    with nothing_written():
        response = undo(client, case)
    assert (response.status_code, code_on(response)) == (400, "cannot_undo")
    assert "Agents can undo their own decisions for 10 seconds" in page_of(response)


def test_other_agents_cannot_undo() -> None:
    client, other, case = agent(), agent(username="bea"), opened_case()
    decide(client, case, "confirm")
    assert "data-expires" not in page_of(other.get(path_of(case)))
    with nothing_written():
        assert code_on(undo(other, case)) == "cannot_undo"


def test_undo_needs_the_scope_to_decide() -> None:
    client, case = agent(scopes=["read", "money"]), opened_case()
    with nothing_written():
        response = undo(client, case)
    assert (response.status_code, code_on(response)) == (403, "permission_denied")


@pytest.mark.parametrize("version", ["", "x", "9" * 40])
def test_undo_without_a_version_is_refused(version: str) -> None:
    client, case = agent(), opened_case()
    decide(client, case, "confirm")
    with nothing_written():
        response = undo(client, case, version=version)
    assert (response.status_code, code_on(response)) == (400, "malformed_request")


def test_mail_waits_until_undo_is_over() -> None:
    client, case = agent(), opened_case()
    decide(client, case, "approve")
    message = Message.objects.get(topic="cancellation_request.approved")
    assert message.due_at - clock.now() == timedelta(seconds=15)


def test_page_of_a_case_that_another_agent_ended_keeps_all_texts() -> None:
    first, second, case = agent(), agent(username="bea"), opened_case()
    decide(first, case, "reject", message="worn")

    with nothing_written():
        response = decide(
            second, case, "approve", message="Dear <you>", internal_note="a long note"
        )

    page = page_of(response)
    assert (response.status_code, code_on(response)) == (412, "precondition_failed")
    assert "ada rejected this case at 12:00, while you had it open." in page
    assert "readonly>Dear &lt;you&gt;</textarea>" in page
    assert "\na long note</textarea>" in page
    assert buttons_on(response) == []


def test_key_that_decided_meanwhile_is_named() -> None:
    client, case = agent(), opened_case()
    key = Actor(ActorKind.CHANNEL, 7)
    with zeal.zeal_ignore():
        approve(CaseId(case.pk), OrderScope(case.channel_id), actor=key, now=clock.now())
    response = decide(client, case, "confirm")
    assert "API key 7 approved this case at 12:00, while you had it open." in page_of(response)


def test_number_customer_and_language_are_on_the_page() -> None:
    case = opened_case(language_code="ar")
    response = agent().get(path_of(case))
    page = page_of(response)
    assert f"<title>Cancellation {case.pk} · " in page
    assert re.search(rf"<h1[^>]*>Cancellation {case.pk} · ", page)
    email = case.order_item.order.user_email
    assert f'<input type="hidden" name="email" value="{email}">' in page
    assert "Customer's language Arabic" in text_of(response)


def test_way_back_leads_to_the_same_page_of_the_queue() -> None:
    client = agent()
    cases = [opened_case(str(number)) for number in range(2)]
    queue = page_of(client.get(f"/desk/?kind=cancel&start={cases[1].pk}"))
    path = f"{path_of(cases[1])}?kind=cancel&amp;start={cases[1].pk}"
    assert f'href="{path}"' in queue
    page = page_of(client.get(path.replace("&amp;", "&")))
    assert f'href="/desk/?kind=cancel&amp;start={cases[1].pk}" data-key="u"' in page
    for start in ("x", "\u0661", "-1"):
        page = page_of(client.get(f"{path_of(cases[1])}?start={start}"))
        assert 'href="/desk/" data-key="u"' in page


def test_item_of_an_approved_return_is_no_pending_cancellation() -> None:
    client = agent()
    with zeal.zeal_ignore():
        case = CancellationRequest.objects.get(pk=open_case(delivered_item(), kind=Kind.RETURN))
    decide(client, case, "approve")
    page = text_of(client.get(path_of(case)))
    assert "Return in progress" in page
    assert "Cancellation pending" not in page


def test_activity_has_one_entry_for_a_decision_and_groups_by_day() -> None:
    client, case = agent(), opened_case()
    decide(client, case, "approve", message="Dear")
    response = client.get("/desk/activity")
    page = page_of(response)
    assert page.count("<li>") - page.count("<li><a") == 1
    assert "<h2><time" in page
    assert "Approved" in text_of(response)
    assert case.order_item.product.document["name"] in page
