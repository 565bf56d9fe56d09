"""Invalid values in all fields of look-up, login and address."""

from typing import Any

import pytest

from takeback.addresses.models import Address
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import (
    LOGIN,
    LOOK_UP,
    assert_field_errors,
    nothing_written,
    post,
    token_of,
)

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
BOOLEANS = ("e_bill_taxpayer", "is_corporate", "primary")
NULLABLE = ("email", "district", "postcode", "notes", "identity_number")


def _entry(user: Any) -> dict[str, Any]:
    """A complete entry with the places of an existing address."""
    entry = factories.create_address(user=user)
    return {
        "title": "Work",
        "first_name": "Ayla",
        "last_name": "Ray",
        "phone_number": "05550000001",
        "line": "Short Street 2",
        **{name: getattr(entry, f"{name}_id") for name in PLACES},
    }


def _invalid_types() -> list[tuple[str, str]]:
    """All pairs of field and type that must be refused."""
    fields = [*TEXTS, "email", *PLACES, *BOOLEANS]
    return [(f, kind) for f in fields for kind in KINDS if not _is_valid(f, kind)]


def _is_valid(field: str, kind: str) -> bool:
    if kind == "null":
        return field in NULLABLE
    if kind == "text":
        # Too short for a phone number, and no id, e-mail address or boolean.
        return field in TEXTS and field != "phone_number"
    return kind == "a boolean" and field in BOOLEANS


@pytest.mark.parametrize(("field", "kind"), _invalid_types())
def test_address_field_of_another_type_is_refused(field: str, kind: str) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)
    headers = token_of(client)

    if (field, kind) in {(place, "a number") for place in PLACES}:
        body[field] = 10**9  # an id that no place has
    else:
        body[field] = KINDS[kind]
    with nothing_written():
        response = post(client, "/address/", body, headers=headers)

    assert_field_errors(response, field)


INVALID_NUMBERS = [
    "\uff11\uff12", "\u0967\u0968", "1_0",
    " 12 ", "+12", "12.0", 12.0, "0x10", "1e3", True, "", "-1",
]  # fmt: skip
OUT_OF_RANGE = [0, -1, 2**31, 2**63 - 1, 2**63, 10**39, str(2**63)]


@pytest.mark.parametrize("field", ["country", "city", "township", "district"])
@pytest.mark.parametrize("value", [*INVALID_NUMBERS, *OUT_OF_RANGE], ids=repr)
def test_invalid_or_unknown_place_is_refused(value: Any, field: str) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)
    headers = token_of(client)

    with nothing_written():
        response = post(client, "/address/", body | {field: value}, headers=headers)

    assert_field_errors(response, field)
    if value in OUT_OF_RANGE:
        assert (
            response.json()[field] == "This place is unknown. Choose one from the list of places."
        )


def test_place_may_be_digits_in_a_string() -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)
    data = body | {name: str(body[name]) for name in PLACES}

    response = post(client, "/address/", data, headers=token_of(client))

    assert response.status_code == 201
    assert response.json()["city"] == body["city"]


@pytest.mark.parametrize("value", ["yes", "on", 1, 0, 1.0, "TRUE", "True", "1", "", None, []])
def test_only_true_and_false_are_booleans(value: Any) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)
    headers = token_of(client)

    with nothing_written():
        response = post(client, "/address/", body | {"is_corporate": value}, headers=headers)

    assert_field_errors(response, "is_corporate")


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), (True, True)])
def test_booleans_may_be_strings(value: Any, expected: bool) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)

    response = post(client, "/address/", body | {"is_corporate": value}, headers=token_of(client))

    assert response.json()["is_corporate"] is expected


INVISIBLE = {
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


@pytest.mark.parametrize("value", INVISIBLE.values(), ids=INVISIBLE)
def test_invisible_characters_are_refused(value: str) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)
    headers = token_of(client)

    with nothing_written():
        response = post(client, "/address/", body | {"title": value}, headers=headers)

    assert_field_errors(response, "title")


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
def test_text_is_stored_unchanged(value: str) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)

    response = post(client, "/address/", body | {"title": value}, headers=token_of(client))

    assert response.status_code == 201, response.content
    assert response.json()["title"] == value
    assert Address.objects.get(pk=response.json()["pk"]).title == value


@pytest.mark.parametrize(
    ("field", "limit"),
    [("title", 128), ("first_name", 255), ("line", 255), ("notes", 512), ("tax_no", 20)],
)
def test_text_may_have_exactly_the_maximum_length(field: str, limit: int) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)
    headers = token_of(client)

    too_long = post(client, "/address/", body | {field: "x" * (limit + 1)}, headers=headers)
    fits = post(client, "/address/", body | {field: "😀" * limit}, headers=headers)

    assert_field_errors(too_long, field)
    assert fits.status_code == 201
    assert fits.json()[field] == "😀" * limit


@pytest.mark.parametrize(
    "data",
    [{"id": 1}, {"user": 999}, {"hash_data": "0" * 32}, {"created_date": "2001-01-01"},
     {"is_copy": True}, {"is_active": False}, {"remote_id": "x"}, {"address_type": "store"}],
    ids=str,
)  # fmt: skip
def test_unknown_and_internal_fields_are_ignored(data: dict[str, Any]) -> None:
    user = factories.create_customer()
    client, body = factories.client_of(user), _entry(user)

    response = post(client, "/address/", body | data, headers=token_of(client))

    assert response.status_code == 201
    entry = Address.objects.get(pk=response.json()["pk"])
    assert (entry.user_id, entry.is_copy, entry.is_active) == (user.pk, False, True)
    assert (entry.remote_id, entry.address_type) == (None, "customer")
    assert entry.created_date.year >= 2026


def test_all_invalid_fields_are_reported_at_once() -> None:
    user = factories.create_customer()
    client = factories.client_of(user)

    response = post(client, "/address/", {}, headers=token_of(client))

    assert_field_errors(
        response, "title", "first_name", "last_name", "phone_number", "line", "country", "city",
        "township",
    )  # fmt: skip


LOGIN_BODY = {"email": factories.CUSTOMER, "password": factories.PASSWORD}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
@pytest.mark.parametrize("field", ["email", "password"])
def test_login_field_of_another_type_is_refused_with_a_list(field: str, kind: str) -> None:
    factories.create_customer()

    with nothing_written():
        response = post(HttpClient(), LOGIN, LOGIN_BODY | {field: KINDS[kind]})

    assert_field_errors(response, field)
    assert isinstance(response.json()[field], list)
    assert "Set-Cookie" not in response


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
@pytest.mark.parametrize("field", ["email", "number", "order"])
def test_look_up_field_of_another_type_is_refused(field: str, kind: str) -> None:
    factories.create_order()
    body = {"email": factories.GUEST, "number" if field == "number" else "order": factories.NUMBER}

    with nothing_written():
        response = post(HttpClient(), LOOK_UP, body | {field: KINDS[kind]})

    assert_field_errors(response, field)
