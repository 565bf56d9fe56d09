"""Guest look-up with invalid fields, and with pairs that almost match."""

from typing import Any

import pytest

from takeback.orders.models import Order
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    LOOK_UP,
    assert_field_errors,
    assert_refused,
    look_up,
    nothing_written,
    post,
)

pytestmark = pytest.mark.django_db

NUMBER, EMAIL = "AbC-2745403029312170", "kate.strauss@example.com"
LOOKUP_FAILED = {
    "non_field_errors": "We could not find an order with this number and e-mail address.",
    "error_code": "order_lookup_100_1",
}


def look_up_body(**changes: Any) -> dict[str, Any]:
    """The matching body with these changes; `...` removes a key."""
    body = {"number": NUMBER, "email": EMAIL} | changes
    return {key: value for key, value in body.items() if value is not ...}


def assert_look_up_failed(response: Any) -> None:
    """The response to all mismatches."""
    assert (response.status_code, response.json()) == (400, LOOKUP_FAILED), response.content


@pytest.fixture(autouse=True)
def order() -> Order:
    """The order of the matching body."""
    return factories.create_order(number=NUMBER, guest=EMAIL)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"number": "0"}, id="unknown number"),
        pytest.param({"email": "other@example.com"}, id="other e-mail"),
        pytest.param({"email": "\u212aate.strauss@example.com"}, id="Kelvin sign"),
        pytest.param({"email": "kate.\u017ftrauss@example.com"}, id="long s"),
        pytest.param({"email": "kate.strau\u00df@example.com"}, id="sharp s"),
        pytest.param({"email": "kate.strauss@ex\u0131mple.com"}, id="dotless i"),
        pytest.param({"email": "kate.strauss@xn--exmple-cua.com"}, id="punycode"),
        pytest.param({"email": "katestrauss@example.com"}, id="dot removed"),
        pytest.param({"email": "kate.strauss+x@example.com"}, id="plus tag"),
        pytest.param({"number": "AbC2745403029312170"}, id="dash left out"),
        pytest.param({"number": NUMBER.replace("b", "\u0432")}, id="Cyrillic letter"),
        pytest.param({"number": "\u0661\u0662"}, id="Arabic digits"),
        pytest.param({"number": "#"}, id="prefix alone"),
        pytest.param({"number": "%"}, id="per cent"),
        pytest.param({"number": "_" * len(NUMBER)}, id="underscores"),
        pytest.param({"number": "*"}, id="star"),
        pytest.param({"number": ".*"}, id="pattern"),
        pytest.param({"number": "1' OR '1'='1"}, id="quote"),
        pytest.param({"number": "1);--"}, id="comment"),
        pytest.param({"number": "\\"}, id="backslash"),
    ],
)
def test_inexact_match_fails(changes: dict[str, Any]) -> None:
    with nothing_written():
        assert_look_up_failed(post(HttpClient(), LOOK_UP, look_up_body(**changes)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"number": ...}, "number", id="neither number nor order"),
        pytest.param({"order": "other"}, "number", id="number and order differ"),
        pytest.param({"email": ...}, "email", id="missing"),
        pytest.param({"email": ""}, "email", id="empty"),
        pytest.param({"email": "   "}, "email", id="blank"),
        pytest.param({"email": None}, "email", id="null"),
        pytest.param({"email": [EMAIL]}, "email", id="list"),
        pytest.param({"email": "example.com"}, "email", id="no at"),
        pytest.param({"email": "a@b@example.com"}, "email", id="two ats"),
        pytest.param({"email": "a@example"}, "email", id="no dot"),
        pytest.param({"email": "x" * 60 + "@" + "y" * 190 + ".com"}, "email", id="255 long"),
        pytest.param({"email": "x" * 65 + "@example.com"}, "email", id="local part of 65"),
        pytest.param({"email": "a b@example.com"}, "email", id="space inside"),
        pytest.param({"email": "a@b.co, c@d.co"}, "email", id="two addresses"),
        pytest.param({"email": "a@b.co%0abcc:"}, "email", id="header inside"),
        pytest.param({"email": EMAIL + "\n"}, "email", id="line feed"),
        pytest.param({"email": EMAIL + "\u200b"}, "email", id="zero width space"),
        pytest.param({"email": EMAIL + "\u00a0"}, "email", id="no-break space"),
        pytest.param({"email": "\u202e" + EMAIL}, "email", id="bidirectional mark"),
        pytest.param({"number": {"$ne": None}}, "number", id="object"),
        pytest.param({"number": ["a"]}, "number", id="list"),
        pytest.param({"number": 2745}, "number", id="number"),
        pytest.param({"number": "1" * 129}, "number", id="129 long"),
        pytest.param({"number": "1\n2"}, "number", id="line break inside"),
        pytest.param({"number": "1\x1b2"}, "number", id="control inside"),
        pytest.param({"number": "\u200b \u202e"}, "number", id="invisible"),
        pytest.param({"number": "1\u0662"}, "number", id="digits of two scripts"),
        pytest.param({"number": "\u0661\u06f2"}, "number", id="two kinds of Arabic digits"),
        pytest.param({"number": ""}, "number", id="empty"),
    ],
)
def test_invalid_number_or_e_mail_is_a_field_error_in_both_dialects(
    changes: dict[str, Any], field: str
) -> None:
    for dialect, kind in (("classic", str), ("v3", list)):
        with nothing_written():
            response = post(
                HttpClient(),
                LOOK_UP,
                look_up_body(**changes),
                headers={"X-Takeback-Dialect": dialect},
            )
        assert_field_errors(response, field)
        assert isinstance(response.json()[field], kind)


def test_invalid_order_field_is_reported_as_order() -> None:
    assert_field_errors(post(HttpClient(), LOOK_UP, {"email": EMAIL, "order": [1]}), "order")


def test_number_of_one_mebibyte_exceeds_the_body_size() -> None:
    assert_refused(
        post(HttpClient(), LOOK_UP, look_up_body(number="1" * 2**20)), 413, "payload_too_large"
    )


def test_nul_is_malformed_json() -> None:
    body = b'{"number": "1\\u0000", "email": "a@example.com"}'

    assert_refused(post(HttpClient(), LOOK_UP, body), 400, "malformed_json")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"order": NUMBER}, id="number and order are equal"),
        pytest.param({"email": EMAIL.upper()}, id="upper case"),
        pytest.param({"email": f"  {EMAIL} "}, id="spaces around"),
        pytest.param({"number": f" {NUMBER}  "}, id="spaces around"),
    ],
)
def test_case_of_e_mail_and_outer_spaces_are_irrelevant(
    changes: dict[str, Any], order: Order
) -> None:
    response = post(HttpClient(), LOOK_UP, look_up_body(**changes))

    assert [row["id"] for row in response.json()] == [order.pk]


def test_e_mail_with_non_ascii_letters_matches_exactly() -> None:
    # The stored letters match, and no others.
    factories.create_order(number="8", guest="\u212aate@b\u00fccher.example")

    assert look_up(number="8", email="\u212aATE@b\u00fccher.example").status_code == 200
    assert_look_up_failed(look_up(number="8", email="kate@b\u00fccher.example"))


@pytest.mark.parametrize(
    "query",
    ["format=json", "limit=999", "user=1", "email=else@example.com", "number=1", "order__gt=0"],
)
def test_query_parameters_are_ignored(query: str, order: Order) -> None:
    response = post(HttpClient(), f"{LOOK_UP}?{query}", look_up_body())

    assert [row["id"] for row in response.json()] == [order.pk]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_other_methods_are_refused(method: str) -> None:
    with nothing_written():
        response = HttpClient().generic(method, f"{LOOK_UP}?number={NUMBER}&email={EMAIL}")

    assert response.status_code == 405
    assert response["Allow"] == "POST, OPTIONS"


def test_query_parameters_of_a_refused_get_are_not_logged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    HttpClient().get(f"{LOOK_UP}?number={NUMBER}&email={EMAIL}")

    logged = "".join(capfd.readouterr())
    assert '"status":405' in logged
    assert NUMBER not in logged
    assert EMAIL not in logged


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (f"email={EMAIL}&number={NUMBER}", 200),
        (f"email={EMAIL}&order={NUMBER}", 200),
        (f"email={EMAIL}&number=1", 400),
        (f"email={EMAIL}&email=x@example.com&number={NUMBER}", 400),
        (f"email={EMAIL}&number[]={NUMBER}", 400),
        (f"email={EMAIL}&number[a][b]={NUMBER}", 400),
        ("&".join(f"k{n}=1" for n in range(5_000)), 400),
        ("email=%ff&number=%00", 400),
        ("x=" + "y" * 65_536, 413),
    ],
    ids=lambda value: str(value)[:60],
)
def test_html_forms_are_accepted(form: str, status: int) -> None:
    response = HttpClient().generic("POST", LOOK_UP, form, "application/x-www-form-urlencoded")

    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")


def test_order_of_500_items_is_returned_in_full() -> None:
    factories.create_order(
        number="500",
        guest=EMAIL,
        items=[factories.item_input(remote_id=str(number)) for number in range(500)],
    )
    response = look_up(number="500", email=EMAIL)

    assert len(response.json()[0]["orderitem_set"]) == 500
