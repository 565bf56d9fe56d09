"""A mailed code opens a guest's order, whatever strangers have done to the limits."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from takeback.accounts.models import OneTimeSecret
from takeback.orders.models import Order
from takeback.outbox.models import Message
from tests import factories
from tests.factories import GUEST, NUMBER, HttpClient
from tests.rigs.races import Clients
from tests.storefront.api import (
    assert_look_up_blocked,
    assert_refused,
    look_up,
    nothing_written,
    post,
    token_of,
    verify_order,
)
from tests.storefront.routes import GUEST_OPEN_CASE
from tests.storefront.test_confirm_registration import deliver
from tests.storefront.test_lookup_mismatches import bare, visible_parts

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.allow_repeated_queries("each test sends several commands"),
]

REQUEST = "/users/orders/anonymous/code/"
CONFIRM = "/users/orders/anonymous/code/confirm/"
SENT = {
    "detail": "If there is an order with this number, a code is on its way to the order's e-mail "
    "address. It is valid for an hour."
}
WRONG = {
    "non_field_errors": "This code is wrong or has expired. Use the code or the link of the latest "
    "e-mail, or request a new code.",
    "error_code": "order_code_100_1",
}
BLOCKED = {
    "detail": "Too many wrong codes. Open the link in the e-mail, or try again later.",
    "code": "too_many_requests",
}
CODE = re.compile(r"^([0-9]{6})$", re.MULTILINE)
LINK = re.compile(r"^http://[^/]+(/users/orders/anonymous/link/\S+/)$", re.MULTILINE)
STRANGER = "203.0.113.7"


def request_code(number: str = NUMBER, address: str = "192.0.2.1", **options: Any) -> Any:
    """The request for a code."""
    return post(HttpClient(), REQUEST, {"number": number}, REMOTE_ADDR=address, **options)


def open_with(
    code: Any, number: str = NUMBER, address: str = "192.0.2.1", client: HttpClient | None = None
) -> Any:
    """The request with a code."""
    body = {"number": number, "code": code}
    return post(client or HttpClient(), CONFIRM, body, REMOTE_ADDR=address)


@pytest.fixture
def order() -> Order:
    """A guest's order."""
    return factories.create_order()


@pytest.fixture
def mailed_code(mailoutbox: Any) -> Callable[[], str]:
    """Requests a code, delivers the mail and returns its code."""

    def code() -> str:
        assert (response := request_code()).status_code == 202, response.content
        deliver()
        match = CODE.search(mailoutbox[-1].body)
        assert match, mailoutbox[-1].body
        return match[1]

    return code


def wrong(code: str, by: int = 1) -> str:
    """Another code."""
    return f"{(int(code) + by) % 1_000_000:06}"


def fail_number(times: int = 6) -> None:
    """A stranger's wrong e-mail addresses for the number, each from another network."""
    for n in range(times):
        look_up(email=f"e{n}@example.com", address=f"198.51.100.{n}")


def test_code_of_the_mail_opens_the_order(order: Order, mailed_code: Any, mailoutbox: Any) -> None:
    client = HttpClient()
    response = open_with(mailed_code(), client=client)

    assert response.status_code == 200
    assert response.content == look_up().content
    assert client.get(f"/users/orders/{order.pk}/").json()["number"] == NUMBER
    assert [mail.to for mail in mailoutbox] == [[GUEST]]
    assert mailoutbox[0].subject == f"Your code for order {NUMBER}"


def test_owner_blocked_by_wrong_addresses_opens_with_a_code(order: Order, mailed_code: Any) -> None:
    """Five wrong e-mail addresses for a number."""
    fail_number()

    assert_look_up_blocked(look_up())
    assert open_with(mailed_code()).status_code == 200


def test_owner_blocked_by_wrong_numbers_opens_with_a_code(order: Order, mailed_code: Any) -> None:
    """Ten wrong numbers for an e-mail address."""
    for n in range(10):
        look_up(number=f"n{n}", address=f"198.51.100.{n}")

    assert_look_up_blocked(look_up())
    assert open_with(mailed_code()).status_code == 200


def test_owner_opens_with_a_code_above_the_limit_of_the_shop(
    order: Order, mailed_code: Any, settings: Any
) -> None:
    settings.LOOKUP_FAILURES_PER_SHOP = 1
    look_up(number="x", email="x@example.com", address=STRANGER)

    assert_look_up_blocked(look_up())
    assert open_with(mailed_code()).status_code == 200


def test_right_pairs_use_up_no_budget_of_their_address() -> None:
    """A mobile network shares one address."""
    for n in range(45):
        factories.create_order(number=f"m{n}", guest=f"m{n}@example.com")

    returned = [
        look_up(number=f"m{n}", email=f"m{n}@example.com", address=STRANGER).status_code
        for n in range(45)
    ]

    assert returned == [200] * 45


@pytest.mark.parametrize("blocked_by", ["number", "address", "shop"])
def test_guest_with_access_is_served_above_every_limit(
    order: Order, settings: Any, blocked_by: str
) -> None:
    client = HttpClient()
    verify_order(client)
    if blocked_by == "number":
        fail_number()
    elif blocked_by == "address":
        for n in range(10):
            look_up(number=f"n{n}", email=f"e{n}@example.com")
    else:
        settings.LOOKUP_FAILURES_PER_SHOP = 1
        look_up(number="x", email="x@example.com", address=STRANGER)

    assert_look_up_blocked(look_up())
    assert look_up(client, headers=token_of(client)).status_code == 200


def test_access_to_one_order_opens_no_other_above_a_limit(order: Order) -> None:
    factories.create_order(number="2", guest="two@example.com")
    client = HttpClient()
    verify_order(client)
    for n in range(6):
        look_up(number="2", email=f"e{n}@example.com", address=f"198.51.100.{n}")

    right = look_up(client, number="2", email="two@example.com", headers=token_of(client))
    assert_look_up_blocked(right)
    other = look_up(client, number="2", email=GUEST, headers=token_of(client))
    assert_look_up_blocked(other)


def open_case(item: int, client: HttpClient | None = None, **changes: Any) -> Any:
    """A guest's request that names number and e-mail address."""
    body = {"number": NUMBER, "email": GUEST, "order_item": item, "cancellation_type": "cancel"}
    client = client or HttpClient()
    headers = token_of(client) if "osessionid" in client.cookies else {}
    body |= {"reason": factories.create_reason().pk} | changes
    return post(client, GUEST_OPEN_CASE, body, headers=headers)


def test_wrong_requests_use_up_no_requests_of_the_owner(order: Order, settings: Any) -> None:
    settings.REQUESTS_PER_HOUR = 10
    settings.STOREFRONT_SERVERS = ["127.0.0.1"]
    item = factories.items_of(order)[0].pk
    for n in range(14):
        open_case(item, email=f"e{n}@example.com")

    assert_look_up_blocked(open_case(item))
    with time_machine.travel(factories.NOW + timedelta(minutes=15), tick=False):
        assert open_case(item).status_code == 201


def test_request_of_a_guest_with_access_is_served_above_every_limit(order: Order) -> None:
    client = HttpClient()
    verify_order(client)
    fail_number()
    item = factories.items_of(order)[0].pk

    assert_look_up_blocked(open_case(item))
    assert open_case(item, client).status_code == 201


def test_body_with_order_gets_a_page(order: Order, mailed_code: Any) -> None:
    body = {"order": NUMBER, "code": mailed_code()}
    response = post(HttpClient(), CONFIRM, body)
    assert (response.status_code, response.json()["count"]) == (200, 1)


def test_form_is_accepted(order: Order, mailoutbox: Any) -> None:
    form = "application/x-www-form-urlencoded"
    assert HttpClient().post(REQUEST, f"number={NUMBER}", content_type=form).status_code == 202
    deliver()
    code = CODE.findall(mailoutbox[0].body)[0]
    body = f"number={NUMBER}&code={code}"
    response = HttpClient().post(CONFIRM, body, content_type=form)
    assert (response.status_code, len(response.json())) == (200, 1)


def test_code_goes_to_no_typed_address(order: Order, mailoutbox: Any) -> None:
    body = {"number": NUMBER, "email": "thief@example.com"}
    assert post(HttpClient(), REQUEST, body).status_code == 202
    deliver()
    assert [mail.to for mail in mailoutbox] == [[GUEST]]


@pytest.mark.parametrize("kind", ["unknown", "registered", "other shop", "no address"])
def test_request_responds_alike_for_every_number(kind: str, order: Order, mailoutbox: Any) -> None:
    if kind == "registered":
        factories.create_order(number="9", customer=factories.create_customer())
    elif kind == "other shop":
        factories.create_order(number="9", channel_id=2)
    elif kind == "no address":
        other = factories.create_order(number="9")
        Order.objects.filter(pk=other.pk).update(is_finalized=False)
        Order.objects.filter(pk=other.pk).update(email_key="", user_email="")

    def statements(number: str) -> tuple[Any, list[str]]:
        with CaptureQueriesContext(connection) as queries:
            response = request_code(number, address=f"192.0.2.{len(number)}")
        assert (response.status_code, response.json()) == (202, SENT)
        return visible_parts(response), [bare(query["sql"]) for query in queries.captured_queries]

    assert statements("9") == statements(NUMBER)
    deliver()
    assert [mail.to for mail in mailoutbox] == [[GUEST]]


def test_confirmation_runs_the_same_statements_for_every_number(
    order: Order, mailed_code: Any
) -> None:
    code = mailed_code()
    request_code("9")
    deliver()

    def statements(number: str) -> tuple[Any, list[str]]:
        with CaptureQueriesContext(connection) as queries:
            response = open_with(wrong(code), number)
        assert (response.status_code, response.json()) == (400, WRONG)
        return visible_parts(response), [bare(query["sql"]) for query in queries.captured_queries]

    assert statements("9") == statements(NUMBER)


def test_code_of_an_unknown_number_opens_nothing(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_code("9")
    monkeypatch.setattr("secrets.choice", lambda _: "7")
    deliver()
    assert OneTimeSecret.objects.count() == 1
    assert open_with("777777", "9").json() == WRONG


def test_code_works_once(order: Order, mailed_code: Any) -> None:
    code = mailed_code()
    assert open_with(code).status_code == 200
    response = open_with(code)
    assert (response.status_code, response.json()) == (400, WRONG)


def test_code_expires_after_an_hour(order: Order, mailed_code: Any) -> None:
    code = mailed_code()
    with time_machine.travel(factories.NOW + timedelta(minutes=60), tick=False):
        assert open_with(code).json() == WRONG
    with time_machine.travel(factories.NOW + timedelta(minutes=59, seconds=59), tick=False):
        assert open_with(code).status_code == 200


def test_code_of_another_order_opens_nothing(order: Order, mailed_code: Any) -> None:
    factories.create_order(number="2")
    code = mailed_code()
    assert open_with(code, "2").json() == WRONG
    assert open_with(code).status_code == 200


def test_code_ends_when_the_order_gets_another_address(order: Order, mailed_code: Any) -> None:
    code = mailed_code()
    Order.objects.filter(pk=order.pk).update(email_key="new@example.com")
    assert open_with(code).json() == WRONG


def test_request_before_a_change_of_address_mails_nothing(order: Order, mailoutbox: Any) -> None:
    request_code()
    Order.objects.filter(pk=order.pk).update(email_key="new@example.com")
    deliver()
    assert mailoutbox == []


def test_request_that_waited_an_hour_mails_nothing(order: Order, mailoutbox: Any) -> None:
    request_code()
    with time_machine.travel(factories.NOW + timedelta(hours=1), tick=False):
        deliver()
    assert mailoutbox == []


def test_order_gets_three_mails_an_hour(order: Order, mailoutbox: Any) -> None:
    returned = [request_code(address=f"192.0.2.{n}") for n in range(10)]
    assert [(response.status_code, response.json()) for response in returned] == [(202, SENT)] * 10
    deliver()
    assert len(mailoutbox) == 3
    with time_machine.travel(factories.NOW + timedelta(hours=1), tick=False):
        request_code()
        deliver()
    assert len(mailoutbox) == 4


def test_codes_of_all_mails_of_an_hour_are_valid(order: Order, mailoutbox: Any) -> None:
    """A stranger's requests end no code of the owner."""
    for n in range(10):
        request_code(address=f"203.0.113.{n}")
    deliver()
    codes = [CODE.findall(mail.body)[0] for mail in mailoutbox]
    assert [open_with(code).status_code for code in codes] == [200] * 3


def test_owner_finds_a_live_code_after_a_flood_of_requests(order: Order, mailoutbox: Any) -> None:
    for n in range(10):
        request_code(address=f"203.0.113.{n}")
    deliver()
    with time_machine.travel(factories.NOW + timedelta(minutes=59), tick=False):
        request_code()
        deliver()
        assert len(mailoutbox) == 3
        assert open_with(CODE.findall(mailoutbox[0].body)[0]).status_code == 200


def test_five_wrong_codes_of_a_network_end_its_tries(order: Order, mailed_code: Any) -> None:
    code = mailed_code()
    assert [open_with(wrong(code, n)).json() for n in range(1, 6)] == [WRONG] * 5
    response = open_with(code)
    assert (response.status_code, response.json()) == (429, BLOCKED)
    assert response["Retry-After"] == "3600"


def test_wrong_codes_of_a_stranger_leave_the_owner_their_tries(
    order: Order, mailed_code: Any
) -> None:
    code = mailed_code()
    for n in range(1, 200):
        open_with(wrong(code, n), address=STRANGER)
    assert open_with(wrong(code)).json() == WRONG
    assert open_with(code).status_code == 200


def test_twenty_wrong_codes_of_all_networks_end_the_day(
    order: Order, mailed_code: Any, mailoutbox: Any
) -> None:
    code = mailed_code()
    returned = [
        open_with(wrong(code, n), address=f"203.0.113.{n}").status_code for n in range(1, 26)
    ]
    assert returned == [400] * 20 + [429] * 5
    assert open_with(code).json() == BLOCKED

    client = HttpClient()
    link = LINK.findall(mailoutbox[0].body)[0]
    assert client.post(link).status_code == 200
    assert client.get(f"/users/orders/{order.pk}/").status_code == 200


def test_link_opens_the_order_once(order: Order, mailed_code: Any, mailoutbox: Any) -> None:
    code, client = mailed_code(), HttpClient()
    link = LINK.findall(mailoutbox[0].body)[0]
    with nothing_written():
        page = client.get(link)
    assert (page.status_code, "Open your order in this browser?" in page.text) == (200, True)
    assert "osessionid" not in client.cookies
    assert "Your order is open in this browser." in client.post(link).text
    assert client.get("/users/orders/").json()["count"] == 1
    assert HttpClient().post(link).status_code == 400
    assert open_with(code).json() == WRONG


def test_link_is_refused_from_a_page_of_another_site(
    order: Order, mailed_code: Any, mailoutbox: Any
) -> None:
    mailed_code()
    link = LINK.findall(mailoutbox[0].body)[0]
    refused = HttpClient().post(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert HttpClient().post(link).status_code == 200


@pytest.mark.parametrize("change", ["letter", "order", "mail", "late", "address", "customer"])
def test_invalid_link_opens_nothing(
    change: str, order: Order, mailed_code: Any, mailoutbox: Any
) -> None:
    other = factories.create_order(number="2")
    mailed_code()
    link = LINK.findall(mailoutbox[0].body)[0]
    later = factories.NOW
    if change == "letter":
        link = link[:-2] + ("a" if link[-2] != "a" else "b") + "/"
    elif change == "order":
        link = link.replace(f"/{order.pk}-", f"/{other.pk}-")
    elif change == "mail":
        link = link.replace(f"/{order.pk}-0", f"/{order.pk}-1")
    elif change == "late":
        later += timedelta(hours=1, seconds=1)
    elif change == "address":
        Order.objects.filter(pk=order.pk).update(email_key="new@example.com")
    else:
        Order.objects.filter(pk=order.pk).update(user_type="registered")
    with time_machine.travel(later, tick=False):
        assert [HttpClient().get(link).status_code, HttpClient().post(link).status_code] == [
            400,
            400,
        ]


@pytest.mark.parametrize(
    ("form", "is_accepted"),
    [
        ("{0}{1}{2} {3}{4}{5}", True),
        (" {0}{1}{2}-{3}{4}{5} ", True),
        ("{0}{1}{2}\u00a0{3}{4}{5}", True),
        ("{0}{1}{2}{3}{4}", False),
        ("{0}{1}{2}{3}{4}{5}0", False),
        ("{0}{1}{2}{3}{4}a", False),
        ("+{0}{1}{2}{3}{4}{5}", False),
        ("{0}{1}{2}{3}{4}\u00b2", False),
    ],
)
def test_forms_of_a_code(form: str, is_accepted: bool, order: Order, mailed_code: Any) -> None:
    response = open_with(form.format(*mailed_code()))
    if is_accepted:
        assert response.status_code == 200
    else:
        assert (response.status_code, response.json()) == (
            400,
            {"code": ["Enter the six digits of the code."]},
        )


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0xFF10], ids=["Arabic", "Persian", "full-width"])
def test_digits_of_every_script_are_accepted(zero: int, order: Order, mailed_code: Any) -> None:
    code = "".join(chr(zero + int(digit)) for digit in mailed_code())
    assert open_with(code).status_code == 200


def test_code_in_a_wrong_form_uses_up_no_try(order: Order, mailed_code: Any) -> None:
    code = mailed_code()
    for _ in range(7):
        assert open_with("12345").status_code == 400
    assert open_with(code).status_code == 200


@pytest.mark.parametrize("path", [REQUEST, CONFIRM])
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"number"}),
        ({"number": None}, {"number"}),
        ({"number": 1000}, {"number"}),
        ({"number": "1\u0661"}, {"number"}),
        ({"number": "1", "order": "2"}, {"number"}),
        ({"number": ["1"]}, {"number"}),
        ({"order": {}}, {"order"}),
        ({"number": "x" * 129}, {"number"}),
        ({"number": "\u200b"}, {"number"}),
    ],
)
def test_invalid_number_is_a_field_error(path: str, body: Any, fields: set[str]) -> None:
    body = body if path == REQUEST else body | {"code": "123456"}
    with nothing_written():
        response = post(HttpClient(), path, body, headers={"X-Takeback-Dialect": "v3"})
    assert (response.status_code, set(response.json())) == (400, fields)


@pytest.mark.parametrize("code", [None, 123456, ["123456"], {}, True, "", "\u200b", "1" * 33])
def test_invalid_code_is_a_field_error(code: Any) -> None:
    response = open_with(code)
    assert (response.status_code, set(response.json())) == (400, {"code"})


@pytest.mark.parametrize("path", [REQUEST, CONFIRM])
def test_other_methods_and_bodies_are_refused(path: str) -> None:
    for method in ("get", "put", "patch", "delete"):
        response = getattr(HttpClient(), method)(path)
        assert_refused(response, 405, "method_not_allowed")
    text = HttpClient().post(path, "number=1", content_type="text/plain")
    assert_refused(text, 415, "unsupported_media_type")
    assert post(HttpClient(), path, "[]").status_code == 400
    assert post(HttpClient(), path, "{").status_code == 400
    assert post(HttpClient(), path, "null").status_code == 400


@pytest.mark.parametrize("path", [REQUEST, CONFIRM])
def test_request_with_a_session_needs_the_csrf_token(
    path: str, order: Order, mailed_code: Any
) -> None:
    body = {"number": NUMBER, "code": mailed_code()}
    client = HttpClient()
    verify_order(client)
    assert_refused(post(client, path, body), 403, "csrf_failed")
    assert post(client, path, body, headers=token_of(client)).status_code in {200, 202}


def test_address_is_limited_in_requests_without_a_right_code(
    order: Order, mailed_code: Any, settings: Any
) -> None:
    settings.LOOKUP_PER_HOUR = 3
    assert open_with(mailed_code()).status_code == 200
    assert [request_code(f"n{n}").status_code for n in range(4)] == [202] * 3 + [429]
    assert request_code().status_code == 429
    client = HttpClient()
    verify_order(client, address=STRANGER)
    response = post(
        client, REQUEST, {"number": NUMBER}, headers=token_of(client), REMOTE_ADDR="192.0.2.1"
    )
    assert response.status_code == 202


def test_message_holds_no_personal_data(order: Order) -> None:
    request_code()
    payload = str(Message.objects.get().payload)
    assert NUMBER not in payload
    assert GUEST not in payload


@pytest.mark.django_db(transaction=True)
def test_wrong_codes_of_many_networks_at_once_are_counted_exactly(order: Order) -> None:
    def guess(n: int) -> bool:
        checked.append(open_with("123456", address=f"203.0.113.{n}").status_code)
        return True

    checked: list[int] = []
    with Clients(8) as clients:
        for start in range(0, 48, 8):
            clients.race([partial(guess, n) for n in range(start, start + 8)])
    assert sorted(checked) == [400] * 20 + [429] * 28


@pytest.mark.django_db(transaction=True)
def test_code_used_twice_at_once_opens_once(order: Order, mailed_code: Any) -> None:
    def act() -> None:
        statuses.append(open_with(code).status_code)

    code = mailed_code()
    statuses: list[int] = []
    with Clients(2) as clients:
        clients.race([act, act])
    assert sorted(statuses) == [200, 400]
