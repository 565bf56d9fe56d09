"""Trade-in links (promise P22): who can decide, which requests decide, which show a page."""

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
from tests.storefront.api import (
    assert_common_headers,
    assert_refused,
    nothing_written,
    token_of,
    verify_order,
)
from tests.trade_in.factories import make_offer, offered_item, the_offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

APPROVED, REJECTED = Decision.APPROVED, Decision.REJECTED
JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SENTENCES = {APPROVED: "Your approval has been sent.", REJECTED: "Your rejection has been sent."}
MISSING = {"detail": "Not found.", "code": "not_found"}


def path(item: Any, decision: Decision = APPROVED, token: str | None = None) -> str:
    """The path of the link, with its token if there is one."""
    pk = getattr(item, "pk", item)
    query = "" if token is None else f"?token={token}"
    return f"/users/order_item/{pk}/tradein_{decision}/{query}"


def token_for(item: OrderItem, decision: Decision = APPROVED) -> str:
    """The token of the mailed link."""
    return make_token(the_offer(item), decision)


def decisions() -> list[tuple[Any, ...]]:
    """All decisions."""
    rows = TradeIn.objects.order_by("pk")
    return list(rows.values_list("order_item_id", "decision", "amount_minor", "decided_by"))


def assert_missing(response: Any) -> None:
    """The refusal of all offers that this visitor cannot decide on; a page for a browser."""
    if response.wsgi_request.headers.get("Accept") == HTML["Accept"]:
        assert response.status_code == 404
        assert "This link has expired or was already used." in response.content.decode()
        return
    assert_refused(response, 404, "not_found")
    assert response.json() == MISSING


@pytest.fixture
def owner() -> User:
    """The customer of the offer."""
    return factories.create_customer()


@pytest.fixture
def item(owner: User) -> OrderItem:
    """The item with the offer."""
    return make_offer(customer=owner)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize(
    "accept", [JSON, {}, {"Accept": "*/*"}, {"Accept": "application/json, text/plain, */*"}]
)
@pytest.mark.parametrize("slash", ["/", ""])
def test_session_of_the_owner_decides_at_once(
    owner: User, item: OrderItem, slash: str, accept: dict[str, str], decision: Decision
) -> None:
    url = path(item, decision).removesuffix("/") + slash
    response = factories.client_of(owner).get(url, headers=accept)

    assert (response.status_code, response.json()) == (200, SENTENCES[decision])
    assert_common_headers(response)
    assert decisions() == [(item.pk, decision, 12050, "customer")]
    assert TradeIn.objects.get().decided_at == factories.NOW


@pytest.mark.parametrize("decision", Decision)
def test_signed_link_decides_for_programs_that_accept_json(
    item: OrderItem, decision: Decision
) -> None:
    response = HttpClient().get(path(item, decision, token_for(item, decision)), headers=JSON)

    assert (response.status_code, response.json()) == (200, SENTENCES[decision])
    assert decisions() == [(item.pk, decision, 12050, "guest")]


def test_signed_link_in_the_owner_s_browser_is_the_customer_s_decision(
    owner: User, item: OrderItem
) -> None:
    factories.client_of(owner).get(path(item, token=token_for(item)), headers=JSON)

    assert decisions() == [(item.pk, APPROVED, 12050, "customer")]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("tr", "Onaylama isleminiz gönderilmiştir."), ("de", "Ihre Zustimmung wurde gesendet."),
        ("ar", "تم إرسال موافقتك."), ("undefined", SENTENCES[APPROVED]),
    ],
)  # fmt: skip
def test_confirmation_is_in_the_language_of_the_request(
    owner: User, item: OrderItem, language: str, sentence: str
) -> None:
    response = factories.client_of(owner).get(path(item), headers={"Accept-Language": language})

    assert response.json() == sentence


def test_same_decision_repeats_and_the_other_is_refused(owner: User, item: OrderItem) -> None:
    client, by_link = factories.client_of(owner), path(item, token=token_for(item))
    reject = path(item, REJECTED, token_for(item, REJECTED))
    client.get(path(item))

    with nothing_written():
        again = [
            client.get(path(item)),
            HttpClient().get(by_link, headers=JSON),
            HttpClient().post(by_link),
        ]
        for response in (
            client.get(path(item, REJECTED)),
            HttpClient().get(reject, headers=JSON),
            HttpClient().get(reject, headers=HTML),
            HttpClient().post(reject),
        ):
            assert_missing(response)

    assert [response.json() for response in again] == [SENTENCES[APPROVED]] * 3
    assert decisions() == [(item.pk, APPROVED, 12050, "customer")]


def test_foreign_and_missing_offers_get_the_same_refusal(owner: User, item: OrderItem) -> None:
    stranger = factories.client_of(factories.create_customer(email="else@example.com"))
    bare = factories.items_of(factories.create_order(customer=owner, number="bare"))[0]
    broken = factories.create_order(customer=owner, number="broken", items=[offered_item("many")])
    client = factories.client_of(owner)

    with nothing_written():
        assert_missing(stranger.get(path(item)))
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
            assert_missing(client.get(path(pk)))
            assert_missing(client.get(path(pk), headers=HTML))
            assert_missing(HttpClient().get(path(pk, token=token_for(item)), headers=JSON))


def test_link_without_session_or_token_requires_a_login(item: OrderItem) -> None:
    factories.create_order(number="guest")
    guest = HttpClient()
    verify_order(guest, number="guest")

    with nothing_written():
        for headers in (JSON, {}):
            assert_refused(HttpClient().get(path(item), headers=headers), 401, "not_authenticated")
            assert_refused(
                HttpClient().get(path(999_999), headers=headers), 401, "not_authenticated"
            )
            assert_refused(guest.get(path(item), headers=headers), 401, "not_authenticated")
        assert_refused(HttpClient().post(path(item)), 401, "not_authenticated")


def _flipped(token: str) -> str:
    return ("a" if token[0] != "a" else "b") + token[1:]


@pytest.mark.parametrize("headers", [JSON, HTML])
def test_wrong_token_is_refused(owner: User, item: OrderItem, headers: dict[str, str]) -> None:
    # A session does not make up for a wrong token.
    other = make_offer(customer=owner, number="other")
    token = token_for(item)
    wrong = [
        token_for(item, REJECTED), token_for(other), token[:-1], token[1:], _flipped(token),
        token + "a", token.replace(":", "%00", 1), "", "a", "a:b:c", ".a:b:c", "%FF", "ş:1:2",
        "x" * 5000, token.partition(":")[0],
    ]  # fmt: skip

    clients = (HttpClient(), factories.client_of(owner))

    with nothing_written():
        for client in clients:
            for text in wrong:
                assert_missing(client.get(path(item, token=text), headers=headers))
        for text in wrong:
            assert_missing(HttpClient().post(path(item, token=text)))
        referred = JSON | {"Referer": "http://testserver" + path(item, token=token)}
        assert_refused(HttpClient().get(path(item), headers=referred), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(days=14), 200), (timedelta(days=14, seconds=1), 404)]
)
def test_token_expires(item: OrderItem, age: timedelta, status: int) -> None:
    token = token_for(item)

    with time_machine.travel(factories.NOW + age, tick=False):
        assert HttpClient().get(path(item, token=token), headers=JSON).status_code == status


def test_token_is_bound_to_the_mailed_amount(item: OrderItem) -> None:
    token = token_for(item)
    customer = CustomerIn(email=factories.CUSTOMER, user_type="registered")
    later = factories.NOW + timedelta(hours=1)
    factories.ingest(
        factories.order_input(customer=customer, items=[offered_item("1.00")]), now=later
    )

    assert_missing(HttpClient().get(path(item, token=token), headers=JSON))
    assert HttpClient().get(path(item, token=token_for(item)), headers=JSON).status_code == 200
    assert decisions() == [(item.pk, APPROVED, 100, "guest")]


PREVIEWS: dict[str, tuple[str, dict[str, str]]] = {
    "browser": ("GET", HTML),
    "browser that takes JSON": ("GET", {"Accept": "text/html, application/json"}),
    "head": ("HEAD", JSON),
    "options": ("OPTIONS", JSON),
    "purpose": ("GET", JSON | {"Purpose": "prefetch"}),
    "sec-purpose": ("GET", JSON | {"Sec-Purpose": "prefetch;prerender"}),
    "x-moz": ("GET", JSON | {"X-Moz": "prefetch"}),
    "foreign page": ("GET", JSON | {"Sec-Fetch-Site": "cross-site"}),
    "foreign fetch": ("GET", {"Accept": "*/*", "Sec-Fetch-Site": "cross-site"}),
    "image": ("GET", {"Accept": "image/avif,image/webp,*/*;q=0.8"}),
    "script": ("GET", {"Accept": "*/*", "Sec-Fetch-Dest": "script"}),
    "frame": ("GET", JSON | {"Sec-Fetch-Dest": "iframe"}),
    "typed address": ("GET", JSON | {"Sec-Fetch-Dest": "document"}),
}
SCANNERS: dict[str, tuple[str, dict[str, str]]] = {
    "scanner": ("GET", {}),
    "scanner of anything": ("GET", {"Accept": "*/*"}),
    "scanner of text": ("GET", {"Accept": "text/plain, */*;q=0.1"}),
}


@pytest.mark.parametrize("name", PREVIEWS)
@pytest.mark.parametrize("decision", Decision)
def test_preview_with_a_session_changes_nothing(
    owner: User, item: OrderItem, decision: Decision, name: str
) -> None:
    client, (method, headers) = factories.client_of(owner), PREVIEWS[name]

    with nothing_written():
        for _ in range(2):
            response = client.generic(method, path(item, decision), headers=headers)
            assert response.status_code == 200


@pytest.mark.parametrize("name", PREVIEWS | SCANNERS)
@pytest.mark.parametrize("decision", Decision)
def test_preview_with_a_token_changes_nothing(
    item: OrderItem, decision: Decision, name: str
) -> None:
    # From three addresses, twice each.
    method, headers = (PREVIEWS | SCANNERS)[name]
    link = path(item, decision, token_for(item, decision))

    with nothing_written():
        for address in ("127.0.0.1", "203.0.113.1", "203.0.113.2") * 2:
            response = HttpClient().generic(method, link, headers=headers, REMOTE_ADDR=address)
            assert response.status_code == 200
            assert response["Cache-Control"] == "no-store"


def _page(response: Any) -> str:
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    return str(response.content.decode())


def _address_of_form(page: str) -> str:
    [address] = re.findall(r'<form method="post" action="([^"]+)">', page)
    return str(address)


@pytest.mark.parametrize("decision", Decision)
def test_button_of_the_page_decides(item: OrderItem, decision: Decision) -> None:
    client, link = HttpClient(), path(item, decision, token_for(item, decision))
    page = _page(client.get(link, headers=HTML))
    assert "TRY\u00a0120.50" in page
    assert factories.NUMBER in page
    assert _address_of_form(page) == link.removeprefix(path(item, decision))

    done = _page(client.post(link, headers=HTML))

    assert SENTENCES[decision] in done
    assert "<form" not in done
    assert decisions() == [(item.pk, decision, 12050, "guest")]
    assert "<form" not in _page(client.get(link, headers=HTML))


def test_page_of_the_owner_decides_on_the_amount_it_shows(owner: User, item: OrderItem) -> None:
    client = factories.client_of(owner)
    token = _address_of_form(_page(client.get(path(item), headers=HTML)))
    headers = HTML | token_of(client)

    form = "application/x-www-form-urlencoded"
    done = client.post(path(item) + token, content_type=form, headers=headers)

    assert SENTENCES[APPROVED] in _page(done)
    assert decisions() == [(item.pk, APPROVED, 12050, "customer")]


def test_form_contains_the_csrf_token(owner: User, item: OrderItem) -> None:
    client = factories.client_of(owner)
    page = _page(client.get(path(item), headers=HTML))
    [csrf] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    other = "x" if csrf[-1] != "x" else "y"
    link, form = path(item) + _address_of_form(page), "application/x-www-form-urlencoded"

    with nothing_written():
        for wrong in ("", "csrfmiddlewaretoken=x", f"csrfmiddlewaretoken={csrf[:-1]}{other}"):
            assert client.post(link, wrong, form, headers=HTML).status_code == 403
        for origin in ("null", "https://evil.example"):
            response = client.post(
                link, f"csrfmiddlewaretoken={csrf}", form, headers=HTML | {"Origin": origin}
            )
            assert response.status_code == 403
    own = HTML | {"Origin": "http://testserver"}
    assert client.post(link, f"csrfmiddlewaretoken={csrf}", form, headers=own).status_code == 200
    assert decisions() == [(item.pk, APPROVED, 12050, "customer")]


def test_page_loads_nothing_foreign_and_sends_no_path_as_referrer(item: OrderItem) -> None:
    response = HttpClient().get(path(item, token=token_for(item)), headers=HTML)

    policy = set(response["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'",
        "form-action 'self'", "frame-ancestors 'none'",
    }  # fmt: skip
    assert response["Referrer-Policy"] == "strict-origin"
    page = _page(response)
    assert not [sign for sign in ("<style", "<script", " style=", "://") if sign in page]


def test_other_methods_are_refused(owner: User, item: OrderItem) -> None:
    client = factories.client_of(owner)

    with nothing_written():
        for method in ("PUT", "PATCH", "DELETE"):
            assert_refused(
                client.generic(method, path(item), headers=token_of(client)),
                405,
                "method_not_allowed",
            )


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (APPROVED, "Onaylama isleminiz gönderilmiştir."),
        (REJECTED, "Reddetme işleminiz gönderilmiştir."),
    ],
)
def test_turkish_sentence_is_the_documented_one(decision: Decision, sentence: str) -> None:
    owner = factories.create_customer()
    item = make_offer(customer=owner)
    headers = {"Accept-Language": "tr", "Accept": "application/json"}

    response = factories.client_of(owner).get(path(item, decision), headers=headers)

    assert (response.status_code, response.json()) == (200, sentence)
