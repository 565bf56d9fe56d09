"""The trade-in links (R1t to R5t, P22): who may answer, what acts, what only asks."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from takeback.accounts.customer_input import CustomerIn
from takeback.accounts.models import User
from takeback.orders.models import OrderItem
from takeback.trade_in.models import Decision, TradeIn
from takeback.trade_in.offers import make_token
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import documented, nothing_written, prove, refused, token_of
from tests.trade_in.factories import make_offer, offered_item, the_offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

APPROVED, REJECTED = Decision.APPROVED, Decision.REJECTED
JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SENTENCES = {APPROVED: "Your approval has been sent.", REJECTED: "Your rejection has been sent."}
GONE = {"detail": "Not found.", "code": "not_found"}


def path(item: Any, decision: Decision = APPROVED, token: str | None = None) -> str:
    """The link's path, with its token if there is one."""
    pk = getattr(item, "pk", item)
    query = "" if token is None else f"?token={token}"
    return f"/users/order_item/{pk}/tradein_{decision}/{query}"


def signed(item: OrderItem, decision: Decision = APPROVED) -> str:
    """The token that is mailed."""
    return make_token(the_offer(item), decision)


def answers() -> list[tuple[Any, ...]]:
    """All that was decided."""
    found = TradeIn.objects.order_by("pk")
    return list(found.values_list("order_item_id", "decision", "amount_minor", "decided_by"))


def gone(answer: Any) -> None:
    """The one answer to whatever is not there for this caller."""
    refused(answer, 404, "not_found")
    assert answer.json() == GONE


@pytest.fixture
def owner() -> User:
    """The customer who was made the offer."""
    return factories.create_customer()


@pytest.fixture
def item(owner: User) -> OrderItem:
    """The line with their offer."""
    return make_offer(customer=owner)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize(
    "accept", [JSON, {}, {"Accept": "*/*"}, {"Accept": "application/json, text/plain, */*"}]
)
@pytest.mark.parametrize("slash", ["/", ""])
def test_the_owner_s_session_answers_at_once(
    owner: User, item: OrderItem, slash: str, accept: dict[str, str], decision: Decision
) -> None:
    told = path(item, decision).removesuffix("/") + slash
    answer = factories.client_of(owner).get(told, headers=accept)

    assert (answer.status_code, answer.json()) == (200, SENTENCES[decision])
    documented(answer)
    assert answers() == [(item.pk, decision, 12050, "customer")]
    assert TradeIn.objects.get().decided_at == factories.NOW


@pytest.mark.parametrize("decision", Decision)
def test_a_signed_link_answers_a_program_that_names_json(
    item: OrderItem, decision: Decision
) -> None:
    answer = HttpClient().get(path(item, decision, signed(item, decision)), headers=JSON)

    assert (answer.status_code, answer.json()) == (200, SENTENCES[decision])
    assert answers() == [(item.pk, decision, 12050, "guest")]


def test_a_signed_link_in_the_owner_s_browser_is_the_customer_s_answer(
    owner: User, item: OrderItem
) -> None:
    factories.client_of(owner).get(path(item, token=signed(item)), headers=JSON)

    assert answers() == [(item.pk, APPROVED, 12050, "customer")]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("tr", "Onay\u0131n\u0131z gönderildi."), ("de", "Ihre Zustimmung wurde gesendet."),
        ("ar", "تم إرسال موافقتك."), ("undefined", SENTENCES[APPROVED]),
    ],
)  # fmt: skip
def test_the_sentence_comes_in_the_caller_s_language(
    owner: User, item: OrderItem, language: str, sentence: str
) -> None:
    answer = factories.client_of(owner).get(path(item), headers={"Accept-Language": language})

    assert answer.json() == sentence


def test_the_same_answer_again_is_the_same_and_the_other_is_gone(
    owner: User, item: OrderItem
) -> None:
    # R1t, R3t; one row, however often it is said.
    client, by_link = factories.client_of(owner), path(item, token=signed(item))
    reject = path(item, REJECTED, signed(item, REJECTED))
    client.get(path(item))

    with nothing_written():
        again = [
            client.get(path(item)),
            HttpClient().get(by_link, headers=JSON),
            HttpClient().post(by_link),
        ]
        for answer in (
            client.get(path(item, REJECTED)),
            HttpClient().get(reject, headers=JSON),
            HttpClient().get(reject, headers=HTML),
            HttpClient().post(reject),
        ):
            gone(answer)

    assert [answer.json() for answer in again] == [SENTENCES[APPROVED]] * 3
    assert answers() == [(item.pk, APPROVED, 12050, "customer")]


def test_what_is_not_yours_or_not_there_is_one_answer(owner: User, item: OrderItem) -> None:
    # R1t, U2
    stranger = factories.client_of(factories.create_customer(email="else@example.com"))
    bare = factories.items_of(factories.create_order(customer=owner, number="bare"))[0]
    broken = factories.create_order(customer=owner, number="broken", items=[offered_item("many")])
    client = factories.client_of(owner)

    with nothing_written():
        gone(stranger.get(path(item)))
        for pk in (
            bare,
            factories.items_of(broken)[0],
            999_999,
            0,
            "-1",
            "abc",
            "9" * 5000,
            "%00",
            "\u0661",
        ):
            gone(client.get(path(pk)))
            gone(client.get(path(pk), headers=HTML))
            gone(HttpClient().get(path(pk, token=signed(item)), headers=JSON))


def test_who_shows_neither_session_nor_token_is_asked_to_sign_in(item: OrderItem) -> None:
    factories.create_order(number="guest")
    guest = HttpClient()
    prove(guest, number="guest")

    with nothing_written():
        for headers in (JSON, HTML, {}):
            refused(HttpClient().get(path(item), headers=headers), 401, "not_authenticated")
            refused(HttpClient().get(path(999_999), headers=headers), 401, "not_authenticated")
            refused(guest.get(path(item), headers=headers), 401, "not_authenticated")
        refused(HttpClient().post(path(item)), 401, "not_authenticated")


def _flipped(token: str) -> str:
    return ("a" if token[0] != "a" else "b") + token[1:]


@pytest.mark.parametrize("headers", [JSON, HTML])
def test_a_wrong_token_is_gone(owner: User, item: OrderItem, headers: dict[str, str]) -> None:
    # R4t; a session does not help a wrong token.
    other = make_offer(customer=owner, number="other")
    token = signed(item)
    wrong = [
        signed(item, REJECTED), signed(other), token[:-1], token[1:], _flipped(token), token + "a",
        token.replace(":", "%00", 1), "", "a", "a:b:c", ".a:b:c", "%FF", "ş:1:2", "x" * 5000,
        token.partition(":")[0],
    ]  # fmt: skip

    clients = (HttpClient(), factories.client_of(owner))

    with nothing_written():
        for client in clients:
            for text in wrong:
                gone(client.get(path(item, token=text), headers=headers))
        for text in wrong:
            gone(HttpClient().post(path(item, token=text)))
        referred = headers | {"Referer": "http://testserver" + path(item, token=token)}
        refused(HttpClient().get(path(item), headers=referred), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(days=14), 200), (timedelta(days=14, seconds=1), 404)]
)
def test_a_token_ends(item: OrderItem, age: timedelta, status: int) -> None:
    # R4t
    token = signed(item)

    with time_machine.travel(factories.NOW + age, tick=False):
        assert HttpClient().get(path(item, token=token), headers=JSON).status_code == status


def test_a_token_holds_for_the_amount_that_was_mailed(item: OrderItem) -> None:
    token = signed(item)
    customer = CustomerIn(email=factories.CUSTOMER, user_type="registered")
    later = factories.NOW + timedelta(hours=1)
    factories.ingest(
        factories.order_input(customer=customer, items=[offered_item("1.00")]), now=later
    )

    gone(HttpClient().get(path(item, token=token), headers=JSON))
    assert HttpClient().get(path(item, token=signed(item)), headers=JSON).status_code == 200
    assert answers() == [(item.pk, APPROVED, 100, "guest")]


LOOKS: dict[str, tuple[str, dict[str, str]]] = {
    "browser": ("GET", HTML),
    "browser that takes JSON": ("GET", {"Accept": "text/html, application/json"}),
    "head": ("HEAD", JSON),
    "options": ("OPTIONS", JSON),
    "purpose": ("GET", JSON | {"Purpose": "prefetch"}),
    "sec-purpose": ("GET", JSON | {"Sec-Purpose": "prefetch;prerender"}),
    "x-moz": ("GET", JSON | {"X-Moz": "prefetch"}),
    "foreign page": ("GET", JSON | {"Sec-Fetch-Site": "cross-site"}),
    "foreign fetch": ("GET", {"Accept": "*/*", "Sec-Fetch-Site": "cross-site"}),
    "picture": ("GET", {"Accept": "image/avif,image/webp,*/*;q=0.8"}),
    "script": ("GET", {"Accept": "*/*", "Sec-Fetch-Dest": "script"}),
    "frame": ("GET", JSON | {"Sec-Fetch-Dest": "iframe"}),
    "typed address": ("GET", JSON | {"Sec-Fetch-Dest": "document"}),
}
SCANS: dict[str, tuple[str, dict[str, str]]] = {
    "scanner": ("GET", {}),
    "scanner of anything": ("GET", {"Accept": "*/*"}),
    "scanner of text": ("GET", {"Accept": "text/plain, */*;q=0.1"}),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("decision", Decision)
def test_looking_with_a_session_changes_nothing(
    owner: User, item: OrderItem, decision: Decision, look: str
) -> None:
    # R2t, R5t
    client, (method, headers) = factories.client_of(owner), LOOKS[look]

    with nothing_written():
        for _ in range(2):
            answer = client.generic(method, path(item, decision), headers=headers)
            assert answer.status_code == 200


@pytest.mark.parametrize("look", LOOKS | SCANS)
@pytest.mark.parametrize("decision", Decision)
def test_looking_with_a_token_changes_nothing(
    item: OrderItem, decision: Decision, look: str
) -> None:
    # R2t: from three addresses, twice each
    method, headers = (LOOKS | SCANS)[look]
    link = path(item, decision, signed(item, decision))

    with nothing_written():
        for address in ("127.0.0.1", "203.0.113.1", "203.0.113.2") * 2:
            answer = HttpClient().generic(method, link, headers=headers, REMOTE_ADDR=address)
            assert answer.status_code == 200
            assert answer["Cache-Control"] == "no-store"


def _page(answer: Any) -> str:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    return str(answer.content.decode())


def _address_of_form(page: str) -> str:
    [address] = re.findall(r'<form method="post" action="([^"]+)">', page)
    return str(address)


@pytest.mark.parametrize("decision", Decision)
def test_a_page_asks_and_its_button_answers(item: OrderItem, decision: Decision) -> None:
    client, link = HttpClient(), path(item, decision, signed(item, decision))
    page = _page(client.get(link, headers=HTML))
    assert "120.50 TRY" in page
    assert factories.NUMBER in page
    assert _address_of_form(page) == link.removeprefix(path(item, decision))

    done = _page(client.post(link, headers=HTML))

    assert SENTENCES[decision] in done
    assert "<form" not in done
    assert answers() == [(item.pk, decision, 12050, "guest")]
    assert "<form" not in _page(client.get(link, headers=HTML))


def test_the_owner_s_page_answers_to_the_amount_that_it_shows(owner: User, item: OrderItem) -> None:
    client = factories.client_of(owner)
    token = _address_of_form(_page(client.get(path(item), headers=HTML)))
    headers = HTML | token_of(client)

    form = "application/x-www-form-urlencoded"
    done = client.post(path(item) + token, content_type=form, headers=headers)

    assert SENTENCES[APPROVED] in _page(done)
    assert answers() == [(item.pk, APPROVED, 12050, "customer")]


def test_the_form_carries_the_token_that_a_session_needs(owner: User, item: OrderItem) -> None:
    client = factories.client_of(owner)
    page = _page(client.get(path(item), headers=HTML))
    [csrf] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    other = "x" if csrf[-1] != "x" else "y"
    link, form = path(item) + _address_of_form(page), "application/x-www-form-urlencoded"

    with nothing_written():
        for wrong in ("", "csrfmiddlewaretoken=x", f"csrfmiddlewaretoken={csrf[:-1]}{other}"):
            refused(client.post(link, wrong, form, headers=HTML), 403, "csrf_failed")
        for origin in ("null", "https://evil.example"):
            answer = client.post(
                link, f"csrfmiddlewaretoken={csrf}", form, headers=HTML | {"Origin": origin}
            )
            refused(answer, 403, "csrf_failed")
    own = HTML | {"Origin": "http://testserver"}
    assert client.post(link, f"csrfmiddlewaretoken={csrf}", form, headers=own).status_code == 200
    assert answers() == [(item.pk, APPROVED, 12050, "customer")]


def test_the_page_loads_nothing_foreign_and_tells_nobody_its_address(item: OrderItem) -> None:
    answer = HttpClient().get(path(item, token=signed(item)), headers=HTML)

    policy = set(answer["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'",
        "form-action 'self'", "frame-ancestors 'none'",
    }  # fmt: skip
    assert answer["Referrer-Policy"] == "strict-origin"
    page = _page(answer)
    assert not [sign for sign in ("<style", "<script", " style=", "://") if sign in page]


def test_other_methods_are_refused(owner: User, item: OrderItem) -> None:
    client = factories.client_of(owner)

    with nothing_written():
        for method in ("PUT", "PATCH", "DELETE"):
            refused(
                client.generic(method, path(item), headers=token_of(client)),
                405,
                "method_not_allowed",
            )
