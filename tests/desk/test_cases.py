"""The page of a case: its content by scope, decisions, bank accounts and images."""

import re
from pathlib import Path
from typing import Any

import pytest
import zeal

from takeback.accounts.models import Channel
from takeback.bank_accounts.bank_account import blind_index
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.images.store import write_image
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.factories import CUSTOMER, new_case
from tests.desk.agents import agent, browser_of, code_on, member, page_of, rows_on, send
from tests.factories import HttpClient
from tests.images.samples import image_bytes
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

IBAN = "TR330006100519786457841326"
SPACED = "TR33 0006 1005 1978 6457 8413 26"
OTHER = 2


def opened_case(number: str = factories.NUMBER, **fields: Any) -> CancellationRequest:
    """A case that the guest of an order has opened."""
    with zeal.zeal_ignore():
        item = factories.items_of(factories.create_order(number=number, **fields))[0]
        scope = OrderScope(item.order.channel_id)
        new = new_case(item, description="<b>too small</b>")
        [pk] = open_cases([new], scope, actor=CUSTOMER, now=factories.NOW)
        return CancellationRequest.objects.get(pk=pk)


def path_of(case: CancellationRequest, step: str = "") -> str:
    return f"/desk/cases/{case.pk}{step and '/'}{step}"


def decide(client: HttpClient, case: CancellationRequest, step: str, **fields: Any) -> Any:
    """Press a button of the case's page; `case` has the version that the page shows."""
    texts = {"message": "", "internal_note": ""}
    form: dict[str, Any] = {"step": step, "version": case.version, **texts} | fields
    # Approving also confirms, and tests decide twice: no query per row.
    with zeal.zeal_ignore():
        return send(client, path_of(case, "decide"), **form)


def last_step(case: CancellationRequest) -> tuple[Any, ...]:
    step = CaseHistory.objects.filter(cancellation_request=case).latest("seq")
    actor = step.actor_kind, step.actor_number
    return step.event, step.after, *actor, step.message, step.internal_note


def buttons_on(response: Any) -> list[str]:
    """The decisions that a page offers."""
    steps: list[str] = re.findall(r'name="step" value="(\w+)"', page_of(response))
    return [step for step in steps if step not in {"note", "preview"}]


def test_page_shows_order_reason_account_and_rules() -> None:
    factories.create_channel()
    order = factories.create_full_order()
    case = CancellationRequest.objects.get(order_item__order=order)

    page = page_of(agent().get(path_of(case)))

    for text in (order.number, "Changed my mind", "too small", SPACED, "Ayla Ray", "14223"):
        assert text in page
    assert page.count('class="passed"') + page.count('class="failed"') == 10


def test_description_is_escaped() -> None:
    page = page_of(agent().get(path_of(opened_case())))
    assert "&lt;b&gt;too small&lt;/b&gt;" in page
    assert "<b>too" not in page


def test_page_has_a_strict_policy_and_is_not_cached() -> None:
    response = agent().get(path_of(opened_case()))
    assert set(response["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
    }
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "same-origin")
    page = page_of(response)
    assert not [sign for sign in ("<style", " style=", " onclick=", "javascript:") if sign in page]


DECISIONS = [
    ("confirm", "", "confirmed", ["confirm"], ["approve", "reject"]),
    ("approve", "fine", "approved", ["confirm", "approve"], []),
    ("review", "dear", "waiting_approval", ["review"], ["approve", "confirm", "reject"]),
    ("reject", "worn", "rejected", ["reject"], []),
]


@pytest.mark.parametrize(("step", "note", "status", "events", "buttons_after"), DECISIONS)
def test_decision_is_recorded_with_the_agent(
    step: str, note: str, status: str, events: list[str], buttons_after: list[str]
) -> None:
    user, case = member(), opened_case()
    client = browser_of(user)

    response = decide(client, case, step, message=note, internal_note="checked")

    assert (response.status_code, response["Location"]) == (303, f"{path_of(case)}?done={step}")
    assert last_step(case) == (step, status, "staff", user.pk, note or None, "checked")
    steps = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    assert list(steps.values_list("event", flat=True)) == ["open", *events]
    assert buttons_on(client.get(path_of(case))) == buttons_after


def test_decision_returns_to_the_case_with_its_filters() -> None:
    client, case = agent(), opened_case()
    response = send(
        client, f"{path_of(case, 'decide')}?kind=cancel", step="confirm", version=case.version
    )
    assert response["Location"] == f"{path_of(case)}?kind=cancel&done=confirm"


def test_rejection_without_a_reason_is_refused() -> None:
    client, case = agent(), opened_case()
    with nothing_written():
        response = decide(client, case, "reject", message="  ")
    assert response.status_code == 400
    assert "Enter a reason." in page_of(response)


def test_decision_on_an_old_version_is_refused_and_keeps_the_message() -> None:
    first, second, case = agent(), agent(username="bea"), opened_case()
    assert decide(first, case, "confirm").status_code == 303

    with nothing_written():
        response = decide(second, case, "reject", message="a long <reason>")

    assert (response.status_code, code_on(response)) == (412, "precondition_failed")
    page = page_of(response)
    assert "a long &lt;reason&gt;" in page
    assert 'name="version" value="2"' in page
    assert "ada accepted this case at 12:00, while you had it open." in page
    case.refresh_from_db()
    assert decide(second, case, "reject", message="a long <reason>").status_code == 303


def test_impossible_transition_is_refused_in_the_agents_language() -> None:
    client, case = agent(), opened_case()
    decide(client, case, "reject", message="no")
    case.refresh_from_db()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    with nothing_written():
        response = decide(client, case, "approve")

    assert (response.status_code, code_on(response)) == (400, "wrong_state")
    assert '<html lang="de"' in page_of(response)


def test_confirming_a_shipped_item_has_the_code_of_the_rule() -> None:
    client, case = agent(), opened_case()
    OrderItem.objects.filter(pk=case.order_item_id).update(status=500)
    with nothing_written():
        response = decide(client, case, "confirm")
    assert (response.status_code, code_on(response)) == (406, "cancellation_request_100_2")


INVALID_FORMS: list[dict[str, Any]] = [
    {"step": ""},
    {"step": "complete"},
    {"step": "withdraw"},
    {"step": "x" * 5000},
    {"version": ""},
    {"version": "0"},
    {"version": "-1"},
    {"version": "9" * 40},
    {"version": "\u0661"},
    {"version": "1.0"},
    {"message": "x" * 2001},
    {"internal_note": "\x00"},
    {"message": "\u202e"},
]


@pytest.mark.parametrize("fields", INVALID_FORMS, ids=lambda fields: repr(fields)[:30])
def test_invalid_form_changes_nothing(fields: dict[str, Any]) -> None:
    client, case = agent(), opened_case()
    with nothing_written():
        response = decide(client, case, **{"step": "confirm"} | fields)
    assert response.status_code == 400
    page_of(response)


def test_unknown_version_is_refused() -> None:
    client, case = agent(), opened_case()
    with nothing_written():
        assert decide(client, case, "confirm", version=7).status_code == 412


NEEDED = [
    ("GET", "", "read"),
    ("POST", "decide", "decide"),
    ("POST", "account", "money"),
]


@pytest.mark.parametrize(("method", "step", "scope"), NEEDED)
def test_each_action_needs_its_scope(method: str, step: str, scope: str) -> None:
    case = opened_case()
    scopes = {"read", "decide", "money", "pii"} - {scope}
    client = agent(scopes=sorted(scopes))
    form = {"step": "confirm", "version": 1}
    with nothing_written():
        path = path_of(case, step)
        response = client.get(path) if method == "GET" else send(client, path, **form)
    assert (response.status_code, code_on(response)) == (403, "permission_denied")


def test_agent_without_decide_scope_sees_no_buttons() -> None:
    page = page_of(agent(scopes=["read"]).get(path_of(opened_case())))
    assert 'name="step"' not in page


def test_case_of_another_channel_is_not_shown() -> None:
    case = opened_case(channel_id=OTHER)
    client = agent()
    name = write_image(image_bytes(), "jpg").name
    factories.create_image(case=case, image=name)
    missing = page_of(client.get("/desk/cases/999999999"))
    with nothing_written():
        responses = [
            client.get(path_of(case)),
            decide(client, case, "confirm"),
            send(client, path_of(case, "account"), account="x"),
            client.get(f"/desk/orders/{case.order_item.order_id}"),
            send(client, f"/desk/orders/{case.order_item.order_id}", kind="cancel"),
            client.get(f"/desk/photos/{name}"),
        ]
    assert [response.status_code for response in responses] == [404] * 6
    tokenless = re.compile(r'value="[A-Za-z0-9]{64}"')
    assert {tokenless.sub("", page_of(response)) for response in responses} == {
        tokenless.sub("", missing)
    }
    assert rows_on(client.get("/desk/?status=all")) == []
    assert rows_on(agent(username="bea", channels=[OTHER]).get("/desk/")) == [case.pk]


def test_case_of_an_inactive_channel_is_not_shown() -> None:
    case, client = opened_case(), agent(channels=[factories.SHOP, OTHER])
    Channel.objects.filter(pk=factories.SHOP).update(is_active=False)
    assert client.get(path_of(case)).status_code == 404


def test_removed_case_is_not_shown() -> None:
    client, case = agent(), opened_case()
    CancellationRequest.objects.update(is_hidden=True)
    assert client.get(path_of(case)).status_code == 404


UNKNOWN_PATHS = [
    "/desk/cases/0", "/desk/cases/x", "/desk/cases/\u0661", "/desk/cases/" + "9" * 30,
    "/desk/cases/-1", "/desk/cases/1.5", "/desk/cases/%00", "/desk/orders/x",
    "/desk/orders/" + "9" * 18,
    "/desk/photos/x", "/desk/photos/../../secret_key", "/desk/photos/cases/ab/%2e%2e/x",
    "/desk/photos/cases/00/" + "0" * 32 + ".jpg", "/desk/nowhere", "/desk/cases/", "/desk/?start=x",
    "/desk/?start=-1", "/desk/?start=" + "9" * 30, "/desk/activity?who=x", "/desk/activity?start=",
]  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_unknown_path_is_a_page_with_404(path: str) -> None:
    response = agent().get(path)
    assert (response.status_code, code_on(response)) == (404, "not_found")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/desk/", "/desk/login", "/desk/cases/1", "/desk/cases/1/decide"])
def test_other_methods_are_refused(method: str, path: str) -> None:
    response = getattr(agent(), method)(path)
    assert (response.status_code, code_on(response)) == (405, "method_not_allowed")
    assert response["Allow"] in {"GET, HEAD", "GET, HEAD, POST", "POST"}


INVALID_BODIES = [
    (b"a=1", "application/json", 415, "unsupported_media_type"),
    (b"--x--", "multipart/form-data; boundary=x", 415, "unsupported_media_type"),
    (b"a=1", "", 415, "unsupported_media_type"),
    (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413, "payload_too_large"),
    (b"&".join([b"a=1"] * 101), "application/x-www-form-urlencoded", 400, "malformed_request"),
    (b"a=1", "application/x-www-form-urlencoded; charset=latin-1", 400, "malformed_request"),
    (b"\xff\xfe%ff%00=%", "application/x-www-form-urlencoded", 403, "csrf_failed"),
]


@pytest.mark.parametrize(("body", "kind", "status", "code"), INVALID_BODIES)
@pytest.mark.parametrize("path", ["/desk/login", "/desk/cases/1/decide", "/desk/logout"])
def test_body_that_is_no_small_form_is_refused(
    path: str, body: bytes, kind: str, status: int, code: str
) -> None:
    client = agent()
    client.get("/desk/login")
    with nothing_written():
        response = client.post(path, body, content_type=kind)
    assert (response.status_code, code_on(response)) == (status, code)


@pytest.fixture
def unconfirmed(settings: Any) -> CancellationRequest:
    """A guest's case with an unconfirmed bank account."""
    item = factories.items_of(factories.create_order())[0]
    return factories.create_case(
        item=item, iban=IBAN, holder_name="Ayla Ray", iban_index=blind_index(IBAN)
    )


def test_account_is_masked_without_money_scope(unconfirmed: CancellationRequest) -> None:
    page = page_of(agent(scopes=["read", "decide", "pii"]).get(path_of(unconfirmed)))
    assert "TR33 •••• 1326" in page
    assert not [
        text
        for text in (IBAN, SPACED, "Ayla Ray</bdi>", str(unconfirmed.iban_index))
        if text in page
    ]


def test_account_is_confirmed_with_money_scope(unconfirmed: CancellationRequest) -> None:
    user = member()
    client = browser_of(user)
    assert SPACED in page_of(client.get(path_of(unconfirmed)))

    response = send(client, path_of(unconfirmed, "account"), account=unconfirmed.iban_index)

    assert response["Location"] == f"{path_of(unconfirmed)}?done=account"
    unconfirmed.refresh_from_db()
    assert unconfirmed.is_bank_account_confirmed
    assert last_step(unconfirmed) == ("confirm_account", "waiting", "staff", user.pk, None, None)


@pytest.mark.parametrize("shown", ["", "x", blind_index("DE89370400440532013000"), "\x00"])
def test_account_that_was_not_shown_is_not_confirmed(
    unconfirmed: CancellationRequest, shown: str
) -> None:
    client = agent()
    with nothing_written():
        response = send(client, path_of(unconfirmed, "account"), account=shown)
    assert (response.status_code, code_on(response)) == (409, "conflict")


def test_account_of_a_closed_case_is_not_confirmed(unconfirmed: CancellationRequest) -> None:
    client = agent()
    CancellationRequest.objects.update(status="rejected")
    with nothing_written():
        response = send(client, path_of(unconfirmed, "account"), account=unconfirmed.iban_index)
    assert (response.status_code, code_on(response)) == (400, "wrong_state")


def test_image_is_for_staff_of_its_channel(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    case = opened_case()
    name = write_image(image_bytes(), "jpg").name
    factories.create_image(case=case, image=name, description="the seam")
    client = agent()

    response: Any = client.get(f"/desk/photos/{name}")

    assert b"".join(response) == image_bytes()
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"
    assert f'src="/desk/photos/{name}" alt="the seam"' in page_of(client.get(path_of(case)))
    assert HttpClient().get(f"/desk/photos/{name}").status_code == 303
    assert agent(username="bea", scopes=["decide"]).get(f"/desk/photos/{name}").status_code == 403


def test_next_and_previous_follow_the_queue() -> None:
    client = agent()
    first, second, third = (opened_case(str(number)) for number in range(3))
    page = page_of(client.get(path_of(second)))
    assert f'href="{path_of(first)}" rel="prev"' in page
    assert f'href="{path_of(third)}" rel="next"' in page
    decide(client, third, "reject", message="no")
    newest = page_of(client.get(f"{path_of(second)}?sort=newest"))
    assert f'href="{path_of(first)}?sort=newest" rel="next"' in newest
    assert 'rel="prev"' not in newest


def test_query_count_of_a_page_is_constant(
    django_assert_num_queries: Any,
) -> None:
    client = agent()
    plain = opened_case("1")
    factories.create_full_order()
    rich = CancellationRequest.objects.exclude(pk=plain.pk).get()
    for number in range(3):
        factories.create_image(case=rich, image=f"cases/{number}.jpg")
    decide(client, rich, "confirm")
    # A confirmed case has its plan: fewer queries preview its refund.
    for case, count in ((plain, 19), (rich, 16)):
        with django_assert_num_queries(count):
            assert client.get(path_of(case)).status_code == 200
