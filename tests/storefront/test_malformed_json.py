"""Bodies that are not JSON, too large, or no object, on all routes with a body."""

from typing import Any

import pytest

from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, LOOK_UP, assert_refused, nothing_written, post, token_of

pytestmark = pytest.mark.django_db

ROUTES = {"look-up": ("POST", LOOK_UP), "login": ("POST", LOGIN), "add": ("POST", "/address/")}
MALFORMED, NOT_AN_OBJECT, DUPLICATE, TOO_LARGE = (
    (400, "malformed_json"),
    (400, "object_expected"),
    (400, "duplicate_key"),
    (413, "payload_too_large"),
)
DIGITS = b"9" * 5_000
LIMIT = 65_536

BODIES: dict[str, tuple[bytes, tuple[int, str]]] = {
    "empty": (b"", MALFORMED),
    "blank": (b" \n\t", MALFORMED),
    "unfinished": (b'{"a":', MALFORMED),
    "two values": (b"{} {}", MALFORMED),
    "trailing comma": (b'{"a": 1,}', MALFORMED),
    "single quotes": (b"{'a': 1}", MALFORMED),
    "comment": (b'{"a": 1 /* one */}', MALFORMED),
    "null": (b"null", NOT_AN_OBJECT),
    "array": (b"[]", NOT_AN_OBJECT),
    "string": (b'"x"', NOT_AN_OBJECT),
    "number": (b"1", NOT_AN_OBJECT),
    "true": (b"true", NOT_AN_OBJECT),
    "byte order mark": (b"\xef\xbb\xbf{}", MALFORMED),
    "invalid UTF-8": (b'{"a": "\xff\xfe"}', MALFORMED),
    "overlong NUL": (b'{"a": "\xc0\x80"}', MALFORMED),
    "CESU-8": (b'{"a": "\xed\xa0\x80"}', MALFORMED),
    "UTF-16": ('{"a": "b"}'.encode("utf-16"), MALFORMED),
    "UTF-32": ('{"a": "b"}'.encode("utf-32"), MALFORMED),
    "NaN": (b'{"a": NaN}', MALFORMED),
    "Infinity": (b'{"a": [Infinity]}', MALFORMED),
    "minus Infinity, deep": (b'{"a": {"b": {"c": -Infinity}}}', MALFORMED),
    "1e400": (b'{"a": 1e400}', MALFORMED),
    "minus zero": (b'{"a": -0}', MALFORMED),
    "huge exponent": (b'{"a": 1E+999999}', MALFORMED),
    "5,000 digits": (b'{"a": ' + DIGITS + b"}", MALFORMED),
    "10,000 decimals": (b'{"a": 0.' + b"0" * 10_000 + b"}", MALFORMED),
    "a key twice": (b'{"number": "A", "number": "B"}', DUPLICATE),
    "a key twice, escaped": (b'{"number": "A", "num\\u0062er": "B"}', DUPLICATE),
    "a key twice, deep": (b'{"a": {"b": 1, "b": 1}}', DUPLICATE),
    "deep arrays": (b"[" * 30_000 + b"]" * 30_000, MALFORMED),
    "deep inside a value": (b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", MALFORMED),
    "unclosed": (b"[" * 60_000, MALFORMED),
    "a string without its end, full of quotes": (b'{"a":' + b'"\\' * 32_000, MALFORMED),
    "too deep for any limit of ours": (b"[" * 100_000 + b"]" * 100_000, TOO_LARGE),
    "deep objects": (b'{"a":' * 3_000 + b"1" + b"}" * 3_000, MALFORMED),
    "NUL in a value": (b'{"email": "a\\u0000@example.com"}', MALFORMED),
    "NUL in a key": (b'{"e\\u0000mail": "a@example.com"}', MALFORMED),
    "lone surrogate": (b'{"email": "\\ud800"}', MALFORMED),
    "reversed pair": (b'{"email": "\\udc00\\ud800"}', MALFORMED),
    "in a list": (b'{"a": [["\\ud800"]]}', MALFORMED),
    "30,000 values": (b'{"a": [' + b"1," * 29_999 + b"1]}", MALFORMED),
    "a million values": (b'{"a": [' + b"1," * 999_999 + b"1]}", TOO_LARGE),
    "100,000 keys": (
        b"{" + b",".join(b'"%d": 1' % n for n in range(100_000)) + b"}",
        TOO_LARGE,
    ),
    "one byte too many": (b'{"a": "' + b"x" * (LIMIT - 8) + b'"}', TOO_LARGE),
    "a string of 10 MiB": (b'{"description": "' + b"x" * 10_485_760 + b'"}', TOO_LARGE),
}


def _client(route: str) -> tuple[HttpClient, dict[str, str]]:
    if route != "add":
        return HttpClient(), {}
    client = factories.client_of(factories.create_customer())
    return client, token_of(client)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_malformed_body_is_refused_and_writes_nothing(name: str, route: str) -> None:
    (body, (status, code)), (method, path) = BODIES[name], ROUTES[route]
    client, headers = _client(route)

    with nothing_written():
        response = client.generic(method, path, body, "application/json", headers=headers)

    assert_refused(response, status, code)


def test_body_of_exactly_the_maximum_size_is_parsed() -> None:
    factories.create_order()
    start = b'{"number": "%s", "email": "%s", "a": "' % (
        factories.NUMBER.encode(),
        factories.GUEST.encode(),
    )
    body = start + b"x" * (LIMIT - len(start) - 2) + b'"}'

    assert len(body) == LIMIT
    assert HttpClient().generic("POST", LOOK_UP, body, "application/json").status_code == 200


@pytest.mark.parametrize(("depth", "status"), [(20, 200), (21, 400)])
def test_body_may_be_twenty_levels_deep(depth: int, status: int) -> None:
    factories.create_order()
    deep = "[" * (depth - 1) + "]" * (depth - 1)
    body = f'{{"number": "{factories.NUMBER}", "email": "{factories.GUEST}", "a": {deep}}}'

    assert post(HttpClient(), LOOK_UP, body).status_code == status


@pytest.mark.parametrize(("values", "status"), [(9_990, 200), (10_001, 400)])
def test_body_may_have_ten_thousand_values(values: int, status: int) -> None:
    factories.create_order()
    many = "[" + "1," * (values - 1) + "1]"
    body = f'{{"number": "{factories.NUMBER}", "email": "{factories.GUEST}", "a": {many}}}'

    assert post(HttpClient(), LOOK_UP, body).status_code == status


def test_colliding_keys_are_refused_before_they_are_parsed() -> None:
    # More keys than the limit, whose hashes collide.
    body = b"{" + b",".join(b'"%x":0' % (n * (2**61 - 1)) for n in range(2_400)) + b"}"

    assert_refused(HttpClient().generic("POST", LOOK_UP, body * 5, "application/json"), *TOO_LARGE)


@pytest.mark.parametrize("key", ["id", "return_policy", "remote_id", "__proto__", "constructor"])
def test_unknown_key_is_ignored(key: str) -> None:
    factories.create_order()
    body: dict[str, Any] = {
        "number": factories.NUMBER,
        "email": factories.GUEST,
        key: {"any": ["thing"]},
    }

    response = HttpClient().post(LOOK_UP, body, content_type="application/json")

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_body_of_a_method_without_one_is_ignored(method: str) -> None:
    user = factories.create_customer()
    address = factories.create_address(user=user)
    client = factories.client_of(user)

    response = client.generic(
        method,
        f"/address/{address.pk}/",
        b"{broken",
        "application/json",
        headers=token_of(client),
    )

    assert response.status_code == (204 if method == "DELETE" else 200)
