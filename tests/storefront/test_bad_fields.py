"""Values that are not what a field takes: every field of the look-up, the login and an address."""

from typing import Any

import pytest

from takeback.addresses.models import Address
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, LOOK_UP, field_refused, nothing_written, post, token_of

pytestmark = pytest.mark.django_db

KINDS: dict[str, Any] = {
    "null": None,
    "a boolean": True,
    "a number": 7,
    "a fraction": 7.5,
    "text": "text",
    "a list": ["a"],
    "an object": {"$ne": None},
}
TEXTS = (
    "title", "first_name", "last_name", "phone_number", "line", "postcode", "notes",
    "company_name", "tax_office", "tax_no", "identity_number",
)  # fmt: skip
PLACES = ("country", "city", "township", "district")
SWITCHES = ("e_bill_taxpayer", "is_corporate", "primary")
MAY_BE_NULL = ("email", "district", "postcode", "notes", "identity_number")


def _new(user: Any) -> dict[str, Any]:
    """A complete entry, in the place of an address that is there already."""
    kept = factories.create_address(user=user)
    return {
        "title": "Work",
        "first_name": "Ayla",
        "last_name": "Ray",
        "phone_number": "05550000001",
        "line": "Short Street 2",
        **{name: getattr(kept, f"{name}_id") for name in PLACES},
    }


def _swaps() -> list[tuple[str, str]]:
    """Every (field, kind) that must be refused."""
    fields = [*TEXTS, "email", *PLACES, *SWITCHES]
    return [(f, kind) for f in fields for kind in KINDS if not _is_fine(f, kind)]


def _is_fine(field: str, kind: str) -> bool:
    if kind == "null":
        return field in MAY_BE_NULL
    if kind == "text":
        # Too short for a telephone, and no number, address or truth.
        return field in TEXTS and field != "phone_number"
    return kind == "a boolean" and field in SWITCHES


@pytest.mark.parametrize(("field", "kind"), _swaps())
def test_an_address_field_of_another_type_is_refused(field: str, kind: str) -> None:
    # J19
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)
    headers = token_of(client)

    if (field, kind) in {(place, "a number") for place in PLACES}:
        body[field] = 10**9  # a number, but of no place
    else:
        body[field] = KINDS[kind]
    with nothing_written():
        answer = post(client, "/address/", body, headers=headers)

    field_refused(answer, field)


NO_NUMBERS = [
    "\uff11\uff12", "\u0967\u0968", "1_0",
    " 12 ", "+12", "12.0", 12.0, "0x10", "1e3", True, "", "-1",
]  # fmt: skip
OUT_OF_RANGE = [0, -1, 2**31, 2**63 - 1, 2**63, 10**39, str(2**63)]


@pytest.mark.parametrize("field", ["country", "city", "township", "district"])
@pytest.mark.parametrize("value", [*NO_NUMBERS, *OUT_OF_RANGE], ids=repr)
def test_a_place_that_is_no_number_or_not_there_is_refused(value: Any, field: str) -> None:
    # J21, J22
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)
    headers = token_of(client)

    with nothing_written():
        answer = post(client, "/address/", body | {field: value}, headers=headers)

    field_refused(answer, field)
    if value in OUT_OF_RANGE:
        assert answer.json()[field] == "This place is unknown. Choose one from the list of places."


def test_a_place_may_be_told_in_digits() -> None:
    # J20
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)
    told = body | {name: str(body[name]) for name in PLACES}

    answer = post(client, "/address/", told, headers=token_of(client))

    assert answer.status_code == 201
    assert answer.json()["city"] == body["city"]


@pytest.mark.parametrize("value", ["yes", "on", 1, 0, 1.0, "TRUE", "True", "1", "", None, []])
def test_only_true_and_false_are_truths(value: Any) -> None:
    # J23
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)
    headers = token_of(client)

    with nothing_written():
        answer = post(client, "/address/", body | {"is_corporate": value}, headers=headers)

    field_refused(answer, "is_corporate")


@pytest.mark.parametrize(("value", "meant"), [("true", True), ("false", False), (True, True)])
def test_true_and_false_may_be_words(value: Any, meant: bool) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)

    answer = post(client, "/address/", body | {"is_corporate": value}, headers=token_of(client))

    assert answer.json()["is_corporate"] is meant


HIDDEN = {
    "right to left override": "a\u202eb",
    "zero width space": "a\u200bb",
    "tag characters": "a\U000e0041b",
    "escape": "a\x1b[31mb",
    "carriage return, log line": 'a\r{"event": "request"}',
    "line feed, log line": 'a\n{"event": "request"}',
    "soft hyphen": "a\u00adb",
    "byte order mark": "a\ufeffb",
    "next line": "a\x85b",
    "paragraph separator": "a\u2029b",
}


@pytest.mark.parametrize("value", HIDDEN.values(), ids=HIDDEN)
def test_text_that_hides_something_is_refused(value: str) -> None:
    # J24, J26
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)
    headers = token_of(client)

    with nothing_written():
        answer = post(client, "/address/", body | {"title": value}, headers=headers)

    field_refused(answer, "title")


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "%n%s%x",
        "'; DROP TABLE orders_order; --",
        '=HYPERLINK("http://x")',
        "e" + "\u0301" * 100,
        "Ünïcödé 漢字 😀",
    ],
)
def test_text_is_kept_and_shown_letter_by_letter(value: str) -> None:
    # J25
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)

    answer = post(client, "/address/", body | {"title": value}, headers=token_of(client))

    assert answer.status_code == 201, answer.content
    assert answer.json()["title"] == value
    assert Address.objects.get(pk=answer.json()["pk"]).title == value


@pytest.mark.parametrize(
    ("field", "most"),
    [("title", 128), ("first_name", 255), ("line", 255), ("notes", 512), ("tax_no", 20)],
)
def test_text_of_exactly_the_limit_is_taken_and_one_more_is_not(field: str, most: int) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)
    headers = token_of(client)

    too_long = post(client, "/address/", body | {field: "x" * (most + 1)}, headers=headers)
    fits = post(client, "/address/", body | {field: "😀" * most}, headers=headers)

    field_refused(too_long, field)
    assert fits.status_code == 201
    assert fits.json()[field] == "😀" * most


@pytest.mark.parametrize(
    "told",
    [{"id": 1}, {"user": 999}, {"hash_data": "0" * 32}, {"created_date": "2001-01-01"},
     {"is_copy": True}, {"is_active": False}, {"remote_id": "x"}, {"address_type": "store"}],
    ids=str,
)  # fmt: skip
def test_what_is_not_for_shoppers_to_say_is_ignored(told: dict[str, Any]) -> None:
    # J18
    user = factories.create_customer()
    client, body = factories.client_of(user), _new(user)

    answer = post(client, "/address/", body | told, headers=token_of(client))

    assert answer.status_code == 201
    kept = Address.objects.get(pk=answer.json()["pk"])
    assert (kept.user_id, kept.is_copy, kept.is_active) == (user.pk, False, True)
    assert (kept.remote_id, kept.address_type) == (None, "customer")
    assert kept.created_date.year >= 2026


def test_all_fields_at_fault_are_named_at_once() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)

    answer = post(client, "/address/", {}, headers=token_of(client))

    field_refused(
        answer, "title", "first_name", "last_name", "phone_number", "line", "country", "city",
        "township",
    )  # fmt: skip


LOGIN_BODY = {"email": factories.CUSTOMER, "password": factories.PASSWORD}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
@pytest.mark.parametrize("field", ["email", "password"])
def test_a_login_field_of_another_type_is_refused_with_a_list(field: str, kind: str) -> None:
    factories.create_customer()

    with nothing_written():
        answer = post(HttpClient(), LOGIN, LOGIN_BODY | {field: KINDS[kind]})

    field_refused(answer, field)
    assert isinstance(answer.json()[field], list)
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
@pytest.mark.parametrize("field", ["email", "number", "order"])
def test_a_look_up_field_of_another_type_is_refused(field: str, kind: str) -> None:
    factories.create_order()
    body = {"email": factories.GUEST, "number" if field == "number" else "order": factories.NUMBER}

    with nothing_written():
        answer = post(HttpClient(), LOOK_UP, body | {field: KINDS[kind]})

    field_refused(answer, field)
