"""A guest's look-up: what is no pair, no number, no address, and pairs that only nearly match."""

import time
from typing import Any

import pytest

from takeback.orders.models import Order
from tests import factories
from tests.factories import Visitor
from tests.storefront.api import LOOK_UP, field_refused, look_up, nothing_written, post, refused

pytestmark = pytest.mark.django_db

NUMBER, EMAIL = "AbC-2745403029312170", "kate.strauss@example.com"
NOT_FOUND = {
    "non_field_errors": "We could not find an order with this number and e-mail address.",
    "error_code": "order_lookup_100_1",
}


def told(**changed: Any) -> dict[str, Any]:
    """A look-up of the known pair with these values instead; `...` leaves a key out."""
    body = {"number": NUMBER, "email": EMAIL} | changed
    return {key: value for key, value in body.items() if value is not ...}


def silent(answer: Any) -> None:
    """The one answer to whatever does not match."""
    assert (answer.status_code, answer.json()) == (400, NOT_FOUND), answer.content


@pytest.fixture(autouse=True)
def order() -> Order:
    """The pair that is known."""
    return factories.make_order(number=NUMBER, guest=EMAIL)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"number": "0"}, id="L1 unknown number"),
        pytest.param({"email": "other@example.com"}, id="L2 other e-mail"),
        pytest.param({"email": "\u212aate.strauss@example.com"}, id="L12 Kelvin sign"),
        pytest.param({"email": "kate.\u017ftrauss@example.com"}, id="L12 long s"),
        pytest.param({"email": "kate.strau\u00df@example.com"}, id="L12 sharp s"),
        pytest.param({"email": "kate.strauss@ex\u0131mple.com"}, id="L12 dotless i"),
        pytest.param({"email": "kate.strauss@xn--exmple-cua.com"}, id="L14 punycode"),
        pytest.param({"email": "katestrauss@example.com"}, id="L15 dot removed"),
        pytest.param({"email": "kate.strauss+x@example.com"}, id="L15 plus tag"),
        pytest.param({"number": "AbC-274540 3029312170"}, id="L16 space inside"),
        pytest.param({"number": "AbC2745403029312170"}, id="L16 dash left out"),
        pytest.param({"number": NUMBER.lower()}, id="L17 lower case"),
        pytest.param({"number": NUMBER.upper()}, id="L17 upper case"),
        pytest.param({"number": "%"}, id="L18 per cent"),
        pytest.param({"number": "_" * len(NUMBER)}, id="L18 underscores"),
        pytest.param({"number": "*"}, id="L18 star"),
        pytest.param({"number": ".*"}, id="L18 pattern"),
        pytest.param({"number": "1' OR '1'='1"}, id="L18 quote"),
        pytest.param({"number": "1);--"}, id="L18 comment"),
        pytest.param({"number": "\\"}, id="L18 backslash"),
    ],
)
def test_what_does_not_match_exactly_is_not_found(changed: dict[str, Any]) -> None:
    with nothing_written():
        silent(post(Visitor(), LOOK_UP, told(**changed)))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        pytest.param({"number": ...}, "number", id="L7 neither number nor order"),
        pytest.param({"order": "other"}, "number", id="L8 number and order differ"),
        pytest.param({"email": ...}, "email", id="L9 missing"),
        pytest.param({"email": ""}, "email", id="L9 empty"),
        pytest.param({"email": "   "}, "email", id="L9 blank"),
        pytest.param({"email": None}, "email", id="L9 null"),
        pytest.param({"email": [EMAIL]}, "email", id="L9 list"),
        pytest.param({"email": "example.com"}, "email", id="L10 no at"),
        pytest.param({"email": "a@b@example.com"}, "email", id="L10 two ats"),
        pytest.param({"email": "a@example"}, "email", id="L10 no dot"),
        pytest.param({"email": "x" * 60 + "@" + "y" * 190 + ".com"}, "email", id="L10 255 long"),
        pytest.param({"email": "x" * 65 + "@example.com"}, "email", id="L10 local part of 65"),
        pytest.param({"email": "a b@example.com"}, "email", id="L10 space inside"),
        pytest.param({"email": "a@b.co, c@d.co"}, "email", id="L10 two addresses"),
        pytest.param({"email": "a@b.co%0abcc:"}, "email", id="L10 header inside"),
        pytest.param({"email": EMAIL + "\n"}, "email", id="L13 line feed"),
        pytest.param({"email": EMAIL + "\u200b"}, "email", id="L13 zero width space"),
        pytest.param({"email": EMAIL + "\u00a0"}, "email", id="L13 no-break space"),
        pytest.param({"email": "\u202e" + EMAIL}, "email", id="L13 bidirectional mark"),
        pytest.param({"number": {"$ne": None}}, "number", id="L19 object"),
        pytest.param({"number": ["a"]}, "number", id="L19 list"),
        pytest.param({"number": 2745}, "number", id="L19 number"),
        pytest.param({"number": "1" * 129}, "number", id="L20 129 long"),
        pytest.param({"number": NUMBER + "\r\n"}, "number", id="L21 line break"),
        pytest.param({"number": NUMBER + "\t"}, "number", id="L21 tab"),
        pytest.param({"number": NUMBER + "\u200b"}, "number", id="L21 zero width space"),
        pytest.param({"number": "\uff11\uff12"}, "number", id="L21 fullwidth digits"),
        pytest.param({"number": "\u0661\u0662"}, "number", id="L21 Arabic digits"),
        pytest.param({"number": ""}, "number", id="L21 empty"),
    ],
)
def test_what_cannot_be_a_number_or_an_address_is_a_field_error_of_either_dialect(
    changed: dict[str, Any], field: str
) -> None:
    for dialect, kind in (("classic", str), ("v3", list)):
        with nothing_written():
            answer = post(
                Visitor(), LOOK_UP, told(**changed), headers={"X-Takeback-Dialect": dialect}
            )
        field_refused(answer, field)
        assert isinstance(answer.json()[field], kind)


def test_the_order_field_alone_is_named_when_it_is_wrong() -> None:
    field_refused(post(Visitor(), LOOK_UP, {"email": EMAIL, "order": [1]}), "order")


def test_a_number_of_a_mebibyte_is_too_large_a_body() -> None:
    # L20
    refused(post(Visitor(), LOOK_UP, told(number="1" * 2**20)), 413, "payload_too_large")


def test_a_nul_is_no_json_text() -> None:
    # L21
    body = b'{"number": "1\\u0000", "email": "a@example.com"}'

    refused(post(Visitor(), LOOK_UP, body), 400, "malformed_json")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"order": NUMBER}, id="L8 number and order are equal"),
        pytest.param({"email": EMAIL.upper()}, id="L11 upper case"),
        pytest.param({"email": f"  {EMAIL} "}, id="L13 spaces around"),
        pytest.param({"number": f" {NUMBER}  "}, id="L16 spaces around"),
    ],
)
def test_what_a_shopper_may_write_differently_is_found(
    changed: dict[str, Any], order: Order
) -> None:
    answer = post(Visitor(), LOOK_UP, told(**changed))

    assert [row["id"] for row in answer.json()] == [order.pk]


def test_an_address_of_another_alphabet_is_found_when_the_order_has_it() -> None:
    # L14, L12: the same letters as were stored, and only those.
    factories.make_order(number="8", guest="\u212aate@b\u00fccher.example")

    assert look_up(number="8", email="\u212aATE@b\u00fccher.example").status_code == 200
    silent(look_up(number="8", email="kate@b\u00fccher.example"))


@pytest.mark.parametrize(
    "query",
    ["format=json", "limit=999", "user=1", "email=else@example.com", "number=1", "order__gt=0"],
)
def test_parameters_of_the_address_are_ignored(query: str, order: Order) -> None:
    # L30
    answer = post(Visitor(), f"{LOOK_UP}?{query}", told())

    assert [row["id"] for row in answer.json()] == [order.pk]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_only_post_looks_up(method: str) -> None:
    # L28
    with nothing_written():
        answer = Visitor().generic(method, f"{LOOK_UP}?number={NUMBER}&email={EMAIL}")

    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"


def test_parameters_of_a_refused_get_are_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    # L28
    Visitor().get(f"{LOOK_UP}?number={NUMBER}&email={EMAIL}")

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
def test_a_form_is_taken_as_storefronts_post_it(form: str, status: int) -> None:
    # T31, T32, L19
    started = time.process_time()
    answer = Visitor().generic("POST", LOOK_UP, form, "application/x-www-form-urlencoded")

    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/json")
    assert time.process_time() - started < 2


def test_an_order_of_five_hundred_lines_is_shown_whole_within_a_second() -> None:
    # L29
    factories.make_order(
        number="500",
        guest=EMAIL,
        items=[factories.item_in(remote_id=str(number)) for number in range(500)],
    )
    look_up(number="unknown")

    started = time.process_time()
    answer = look_up(number="500", email=EMAIL)

    assert len(answer.json()[0]["orderitem_set"]) == 500
    assert time.process_time() - started < 1
