"""One case at the desk: what is shown to whom, and deciding it on the version that was seen."""

import re
from pathlib import Path
from typing import Any

import pytest
import zeal

from takeback.accounts.models import Channel
from takeback.bank_accounts.bank_account import blind_index
from takeback.cancellations.commands.open import open_case
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.images.store import write_image
from takeback.orders.models import OrderItem
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.cases import CUSTOMER, asked
from tests.desk.agents import agent, browser_of, code_on, member, page_of, rows_on, send
from tests.factories import Visitor
from tests.images.samples import photo
from tests.storefront.api import nothing_written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

IBAN = "TR330006100519786457841326"
SPACED = "TR33 0006 1005 1978 6457 8413 26"
OTHER = 2


def new_case(number: str = factories.NUMBER, **fields: Any) -> CancellationRequest:
    """A case of a guest's order, as it is asked for."""
    with zeal.zeal_ignore():
        line = factories.items_of(factories.make_order(number=number, **fields))[0]
        scope = OrderScope(line.order.channel_id)
        ask = asked(line, description="<b>too small</b>")
        pk = open_case(ask, scope, actor=CUSTOMER, now=factories.NOW)
        return CancellationRequest.objects.get(pk=pk)


def path_of(case: CancellationRequest, step: str = "") -> str:
    return f"/desk/cases/{case.pk}{step and '/'}{step}"


def decide(client: Visitor, case: CancellationRequest, step: str, **told: Any) -> Any:
    """Press a button on the version that the test knows."""
    form: dict[str, Any] = {"step": step, "version": case.version, "note": ""} | told
    # Approving confirms, too, and a test may press twice: not a query per row.
    with zeal.zeal_ignore():
        return send(client, path_of(case, "decide"), **form)


def last_step(case: CancellationRequest) -> tuple[Any, ...]:
    found = CaseHistory.objects.filter(cancellation_request=case).latest("seq")
    return found.event, found.after, found.actor_kind, found.actor_number, found.note


def test_a_case_is_shown_with_all_that_one_needs_to_decide() -> None:
    factories.make_channel()
    order = factories.make_rich_order()
    case = CancellationRequest.objects.get(order_item__order=order)

    page = page_of(agent().get(path_of(case)))

    for told in (order.number, "Changed my mind", "too small", SPACED, "Ayla Ray", "14223"):
        assert told in page
    assert page.count('class="holds"') + page.count('class="fails"') == 10


def test_what_shoppers_write_is_text_and_no_markup() -> None:
    page = page_of(agent().get(path_of(new_case())))
    assert "&lt;b&gt;too small&lt;/b&gt;" in page
    assert "<b>too" not in page


def test_a_page_runs_nothing_and_is_kept_nowhere() -> None:
    answer = agent().get(path_of(new_case()))
    assert set(answer["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "frame-ancestors 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
    }
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "same-origin")
    page = page_of(answer)
    assert not [sign for sign in ("<style", " style=", " onclick=", "javascript:") if sign in page]


DECISIONS = [
    ("confirm", "", "confirmed", ["confirm"], ["approve", "reject"]),
    ("approve", "fine", "approved", ["confirm", "approve"], []),
    ("review", "dear", "waiting_approval", ["review"], ["approve", "confirm", "reject"]),
    ("reject", "worn", "rejected", ["reject"], []),
]


@pytest.mark.parametrize(("step", "note", "becomes", "events", "then"), DECISIONS)
def test_a_button_decides_and_the_person_is_remembered(
    step: str, note: str, becomes: str, events: list[str], then: list[str]
) -> None:
    user, case = member(), new_case()
    client = browser_of(user)

    answer = decide(client, case, step, note=note)

    assert (answer.status_code, answer["Location"]) == (303, f"{path_of(case)}?done={step}")
    assert last_step(case) == (step, becomes, "staff", user.pk, note or None)
    steps = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    assert list(steps.values_list("event", flat=True)) == ["open", *events]
    buttons = re.findall(r'name="step" value="(\w+)"', page_of(client.get(path_of(case))))
    assert buttons == then


def test_the_queue_one_came_through_is_kept() -> None:
    client, case = agent(), new_case()
    answer = send(
        client, f"{path_of(case, 'decide')}?kind=cancel", step="confirm", version=case.version
    )
    assert answer["Location"] == f"{path_of(case)}?kind=cancel&done=confirm"


def test_whoever_rejects_says_why() -> None:
    client, case = agent(), new_case()
    with nothing_written():
        answer = decide(client, case, "reject", note="  ")
    assert answer.status_code == 400
    assert "Enter a reason." in page_of(answer)


def test_who_decides_on_what_they_have_not_seen_loses_nothing_but_the_step() -> None:
    first, second, case = agent(), agent(username="bea"), new_case()
    assert decide(first, case, "confirm").status_code == 303

    with nothing_written():
        answer = decide(second, case, "reject", note="a long <reason>")

    assert (answer.status_code, code_on(answer)) == (412, "precondition_failed")
    page = page_of(answer)
    assert "a long &lt;reason&gt;" in page
    assert 'name="version" value="2"' in page
    assert "Your message is still in the form below." in page
    case.refresh_from_db()
    assert decide(second, case, "reject", note="a long <reason>").status_code == 303


def test_a_step_that_is_over_is_refused_in_the_agents_language() -> None:
    client, case = agent(), new_case()
    decide(client, case, "reject", note="no")
    case.refresh_from_db()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    with nothing_written():
        answer = decide(client, case, "approve")

    assert (answer.status_code, code_on(answer)) == (400, "wrong_state")
    assert '<html lang="de"' in page_of(answer)


def test_goods_that_left_meanwhile_are_refused_by_the_rules_own_code() -> None:
    client, case = agent(), new_case()
    OrderItem.objects.filter(pk=case.order_item_id).update(status=500)
    with nothing_written():
        answer = decide(client, case, "confirm")
    assert (answer.status_code, code_on(answer)) == (406, "cancellation_request_100_2")


FORMS: list[dict[str, Any]] = [
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
    {"note": "x" * 2001},
    {"note": "\x00"},
    {"note": "\u202e"},
]


@pytest.mark.parametrize("told", FORMS, ids=lambda told: repr(told)[:30])
def test_a_form_that_cannot_be_read_changes_nothing(told: dict[str, Any]) -> None:
    client, case = agent(), new_case()
    with nothing_written():
        answer = decide(client, case, **{"step": "confirm"} | told)
    assert answer.status_code == 400
    page_of(answer)


def test_a_version_that_was_never_is_refused() -> None:
    client, case = agent(), new_case()
    with nothing_written():
        assert decide(client, case, "confirm", version=7).status_code == 412


NEEDED = [
    ("GET", "", "read"),
    ("POST", "decide", "decide"),
    ("POST", "account", "money"),
]


@pytest.mark.parametrize(("method", "step", "scope"), NEEDED)
def test_each_step_needs_its_scope(method: str, step: str, scope: str) -> None:
    case = new_case()
    scopes = [each for each in ("read", "decide", "money", "pii") if each != scope]
    client = agent(scopes=scopes)
    told = {"step": "confirm", "version": 1}
    with nothing_written():
        path = path_of(case, step)
        answer = client.get(path) if method == "GET" else send(client, path, **told)
    assert (answer.status_code, code_on(answer)) == (403, "permission_denied")


def test_who_may_not_decide_is_shown_no_buttons() -> None:
    page = page_of(agent(scopes=["read"]).get(path_of(new_case())))
    assert 'name="step"' not in page


def test_another_channels_case_is_as_if_it_were_not_there() -> None:
    # P20
    case = new_case(channel_id=OTHER)
    client = agent()
    name = write_image(photo(), "jpg").name
    factories.make_image(case=case, image=name)
    missing = page_of(client.get("/desk/cases/999999999"))
    with nothing_written():
        answers = [
            client.get(path_of(case)),
            decide(client, case, "confirm"),
            send(client, path_of(case, "account"), account="x"),
            client.get(f"/desk/orders/{case.order_item.order_id}"),
            send(client, f"/desk/orders/{case.order_item.order_id}", kind="cancel"),
            client.get(f"/desk/photos/{name}"),
        ]
    assert [each.status_code for each in answers] == [404] * 6
    tokenless = re.compile(r'value="[A-Za-z0-9]{64}"')
    assert {tokenless.sub("", page_of(each)) for each in answers} == {tokenless.sub("", missing)}
    assert rows_on(client.get("/desk/?status=all")) == []
    assert rows_on(agent(username="bea", channels=[OTHER]).get("/desk/")) == [case.pk]


def test_a_channel_that_sleeps_is_nobodys() -> None:
    case, client = new_case(), agent(channels=[factories.SHOP, OTHER])
    Channel.objects.filter(pk=factories.SHOP).update(is_active=False)
    assert client.get(path_of(case)).status_code == 404


def test_a_case_that_was_removed_is_not_there() -> None:
    client, case = agent(), new_case()
    CancellationRequest.objects.update(is_hidden=True)
    assert client.get(path_of(case)).status_code == 404


PATHS = [
    "/desk/cases/0", "/desk/cases/x", "/desk/cases/\u0661", "/desk/cases/" + "9" * 30,
    "/desk/cases/-1", "/desk/cases/1.5", "/desk/cases/%00", "/desk/orders/x",
    "/desk/orders/" + "9" * 18,
    "/desk/photos/x", "/desk/photos/../../secret_key", "/desk/photos/cases/ab/%2e%2e/x",
    "/desk/photos/cases/00/" + "0" * 32 + ".jpg", "/desk/nowhere", "/desk/cases/", "/desk/?start=x",
    "/desk/?start=-1", "/desk/?start=" + "9" * 30, "/desk/activity?who=x", "/desk/activity?start=",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_what_leads_nowhere_is_a_page_that_says_so(path: str) -> None:
    answer = agent().get(path)
    assert (answer.status_code, code_on(answer)) == (404, "not_found")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/desk/", "/desk/login", "/desk/cases/1", "/desk/cases/1/decide"])
def test_other_methods_are_refused(method: str, path: str) -> None:
    answer = getattr(agent(), method)(path)
    assert (answer.status_code, code_on(answer)) == (405, "method_not_allowed")
    assert answer["Allow"] in {"GET, HEAD", "GET, HEAD, POST", "POST"}


BODIES = [
    (b"a=1", "application/json", 415, "unsupported_media_type"),
    (b"--x--", "multipart/form-data; boundary=x", 415, "unsupported_media_type"),
    (b"a=1", "", 415, "unsupported_media_type"),
    (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413, "payload_too_large"),
    (b"&".join([b"a=1"] * 101), "application/x-www-form-urlencoded", 400, "malformed_request"),
    (b"a=1", "application/x-www-form-urlencoded; charset=latin-1", 400, "malformed_request"),
    (b"\xff\xfe%ff%00=%", "application/x-www-form-urlencoded", 403, "csrf_failed"),
]


@pytest.mark.parametrize(("body", "kind", "status", "code"), BODIES)
@pytest.mark.parametrize("path", ["/desk/login", "/desk/cases/1/decide", "/desk/logout"])
def test_a_body_of_another_kind_is_refused(
    path: str, body: bytes, kind: str, status: int, code: str
) -> None:
    client = agent()
    client.get("/desk/login")
    with nothing_written():
        answer = client.post(path, body, content_type=kind)
    assert (answer.status_code, code_on(answer)) == (status, code)


@pytest.fixture
def named(settings: Any) -> CancellationRequest:
    """A guest's case with a bank account that nobody has confirmed."""
    line = factories.items_of(factories.make_order())[0]
    return factories.make_request(
        item=line, iban=IBAN, holder_name="Ayla Ray", iban_index=blind_index(IBAN)
    )


def test_an_account_is_masked_for_all_who_do_not_pay(named: CancellationRequest) -> None:
    # P25
    page = page_of(agent(scopes=["read", "decide", "pii"]).get(path_of(named)))
    assert "TR33 •••• 1326" in page
    assert not [
        told for told in (IBAN, SPACED, "Ayla Ray</bdi>", str(named.iban_index)) if told in page
    ]


def test_an_account_is_called_right_by_who_pays(named: CancellationRequest) -> None:
    user = member()
    client = browser_of(user)
    assert SPACED in page_of(client.get(path_of(named)))

    answer = send(client, path_of(named, "account"), account=named.iban_index)

    assert answer["Location"] == f"{path_of(named)}?done=account"
    named.refresh_from_db()
    assert named.is_bank_account_confirmed
    assert last_step(named) == ("confirm_account", "waiting", "staff", user.pk, None)


@pytest.mark.parametrize("shown", ["", "x", blind_index("DE89370400440532013000"), "\x00"])
def test_an_account_that_was_not_shown_is_not_called_right(
    named: CancellationRequest, shown: str
) -> None:
    client = agent()
    with nothing_written():
        answer = send(client, path_of(named, "account"), account=shown)
    assert (answer.status_code, code_on(answer)) == (409, "conflict")


def test_the_account_of_an_ended_case_stays_as_it_is(named: CancellationRequest) -> None:
    client = agent()
    CancellationRequest.objects.update(status="rejected")
    with nothing_written():
        answer = send(client, path_of(named, "account"), account=named.iban_index)
    assert (answer.status_code, code_on(answer)) == (400, "wrong_state")


def test_a_picture_is_for_staff_of_its_channel(tmp_path: Path, settings: Any) -> None:
    # P26
    settings.MEDIA_ROOT = tmp_path / "media"
    case = new_case()
    name = write_image(photo(), "jpg").name
    factories.make_image(case=case, image=name, description="the seam")
    client = agent()

    answer: Any = client.get(f"/desk/photos/{name}")

    assert b"".join(answer) == photo()
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-store"
    assert f'src="/desk/photos/{name}" alt="the seam"' in page_of(client.get(path_of(case)))
    assert Visitor().get(f"/desk/photos/{name}").status_code == 303
    assert agent(username="bea", scopes=["decide"]).get(f"/desk/photos/{name}").status_code == 403


def test_next_and_previous_follow_the_queue() -> None:
    client = agent()
    first, second, third = (new_case(str(number)) for number in range(3))
    page = page_of(client.get(path_of(second)))
    assert f'href="{path_of(first)}" rel="prev"' in page
    assert f'href="{path_of(third)}" rel="next"' in page
    decide(client, third, "reject", note="no")
    newest = page_of(client.get(f"{path_of(second)}?sort=newest"))
    assert f'href="{path_of(first)}?sort=newest" rel="next"' in newest
    assert 'rel="prev"' not in newest


def test_the_page_of_a_case_asks_as_much_whatever_it_has(
    django_assert_num_queries: Any,
) -> None:
    client = agent()
    plain = new_case("1")
    factories.make_rich_order()
    rich = CancellationRequest.objects.exclude(pk=plain.pk).get()
    for number in range(3):
        factories.make_image(case=rich, image=f"cases/{number}.jpg")
    decide(client, rich, "confirm")
    for case in (plain, rich):
        with django_assert_num_queries(9):
            assert client.get(path_of(case)).status_code == 200
