"""Bodies that are no JSON, too much JSON or JSON of another kind, on every route that takes one."""

from typing import Any

import pytest

from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import LOGIN, LOOK_UP, nothing_written, post, refused, token_of

pytestmark = pytest.mark.django_db

ROUTES = {"look-up": ("POST", LOOK_UP), "login": ("POST", LOGIN), "add": ("POST", "/address/")}
MALFORMED, OBJECT, TWICE, TOO_LARGE = (
    (400, "malformed_json"),
    (400, "object_expected"),
    (400, "duplicate_key"),
    (413, "payload_too_large"),
)
DIGITS = b"9" * 5_000
LIMIT = 65_536

BODIES: dict[str, tuple[bytes, tuple[int, str]]] = {
    "J1 empty": (b"", MALFORMED),
    "J1 blank": (b" \n\t", MALFORMED),
    "J1 unfinished": (b'{"a":', MALFORMED),
    "J1 two values": (b"{} {}", MALFORMED),
    "J1 trailing comma": (b'{"a": 1,}', MALFORMED),
    "J1 single quotes": (b"{'a': 1}", MALFORMED),
    "J1 comment": (b'{"a": 1 /* one */}', MALFORMED),
    "J2 null": (b"null", OBJECT),
    "J2 array": (b"[]", OBJECT),
    "J2 string": (b'"x"', OBJECT),
    "J2 number": (b"1", OBJECT),
    "J2 true": (b"true", OBJECT),
    "J3 byte order mark": (b"\xef\xbb\xbf{}", MALFORMED),
    "J4 invalid UTF-8": (b'{"a": "\xff\xfe"}', MALFORMED),
    "J4 overlong NUL": (b'{"a": "\xc0\x80"}', MALFORMED),
    "J4 CESU-8": (b'{"a": "\xed\xa0\x80"}', MALFORMED),
    "J5 UTF-16": ('{"a": "b"}'.encode("utf-16"), MALFORMED),
    "J5 UTF-32": ('{"a": "b"}'.encode("utf-32"), MALFORMED),
    "J6 NaN": (b'{"a": NaN}', MALFORMED),
    "J6 Infinity": (b'{"a": [Infinity]}', MALFORMED),
    "J6 minus Infinity, deep": (b'{"a": {"b": {"c": -Infinity}}}', MALFORMED),
    "J7 1e400": (b'{"a": 1e400}', MALFORMED),
    "J7 minus zero": (b'{"a": -0}', MALFORMED),
    "J7 huge exponent": (b'{"a": 1E+999999}', MALFORMED),
    "J7 5,000 digits": (b'{"a": ' + DIGITS + b"}", MALFORMED),
    "J7 10,000 decimals": (b'{"a": 0.' + b"0" * 10_000 + b"}", MALFORMED),
    "J8 a key twice": (b'{"number": "A", "number": "B"}', TWICE),
    "J8 a key twice, escaped": (b'{"number": "A", "num\\u0062er": "B"}', TWICE),
    "J8 a key twice, deep": (b'{"a": {"b": 1, "b": 1}}', TWICE),
    "J9 deep arrays": (b"[" * 30_000 + b"]" * 30_000, MALFORMED),
    "J9 deep inside a value": (b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", MALFORMED),
    "J9 unclosed": (b"[" * 60_000, MALFORMED),
    "J9 a string without its end, full of quotes": (b'{"a":' + b'"\\' * 32_000, MALFORMED),
    "J9 too deep for any limit of ours": (b"[" * 100_000 + b"]" * 100_000, TOO_LARGE),
    "J10 deep objects": (b'{"a":' * 3_000 + b"1" + b"}" * 3_000, MALFORMED),
    "J11 NUL in a value": (b'{"email": "a\\u0000@example.com"}', MALFORMED),
    "J11 NUL in a key": (b'{"e\\u0000mail": "a@example.com"}', MALFORMED),
    "J12 lone surrogate": (b'{"email": "\\ud800"}', MALFORMED),
    "J12 reversed pair": (b'{"email": "\\udc00\\ud800"}', MALFORMED),
    "J12 in a list": (b'{"a": [["\\ud800"]]}', MALFORMED),
    "J13 30,000 values": (b'{"a": [' + b"1," * 29_999 + b"1]}", MALFORMED),
    "J13 a million values": (b'{"a": [' + b"1," * 999_999 + b"1]}", TOO_LARGE),
    "J13 100,000 keys": (
        b"{" + b",".join(b'"%d": 1' % n for n in range(100_000)) + b"}",
        TOO_LARGE,
    ),
    "J15 one byte too many": (b'{"a": "' + b"x" * (LIMIT - 8) + b'"}', TOO_LARGE),
    "J16 a string of 10 MiB": (b'{"description": "' + b"x" * 10_485_760 + b'"}', TOO_LARGE),
}


def _client(route: str) -> tuple[HttpClient, dict[str, str]]:
    if route != "add":
        return HttpClient(), {}
    client = factories.client_of(factories.create_customer())
    return client, token_of(client)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_read_is_refused_and_leaves_nothing(name: str, route: str) -> None:
    (body, (status, code)), (method, path) = BODIES[name], ROUTES[route]
    client, headers = _client(route)

    with nothing_written():
        answer = client.generic(method, path, body, "application/json", headers=headers)

    refused(answer, status, code)


def test_a_body_of_exactly_the_limit_is_read() -> None:
    factories.create_order()
    told = b'{"number": "%s", "email": "%s", "a": "' % (
        factories.NUMBER.encode(),
        factories.GUEST.encode(),
    )
    body = told + b"x" * (LIMIT - len(told) - 2) + b'"}'

    assert len(body) == LIMIT
    assert HttpClient().generic("POST", LOOK_UP, body, "application/json").status_code == 200


@pytest.mark.parametrize(("depth", "status"), [(20, 200), (21, 400)])
def test_a_body_may_be_twenty_levels_deep(depth: int, status: int) -> None:
    factories.create_order()
    deep = "[" * (depth - 1) + "]" * (depth - 1)
    body = f'{{"number": "{factories.NUMBER}", "email": "{factories.GUEST}", "a": {deep}}}'

    assert post(HttpClient(), LOOK_UP, body).status_code == status


@pytest.mark.parametrize(("values", "status"), [(9_990, 200), (10_001, 400)])
def test_a_body_may_hold_ten_thousand_values(values: int, status: int) -> None:
    factories.create_order()
    many = "[" + "1," * (values - 1) + "1]"
    body = f'{{"number": "{factories.NUMBER}", "email": "{factories.GUEST}", "a": {many}}}'

    assert post(HttpClient(), LOOK_UP, body).status_code == status


def test_keys_that_collide_are_refused_before_they_are_put_into_a_table() -> None:
    # J14: far more keys than are allowed, whatever their hashes are.
    body = b"{" + b",".join(b'"%x":0' % (n * (2**61 - 1)) for n in range(2_400)) + b"}"

    refused(HttpClient().generic("POST", LOOK_UP, body * 5, "application/json"), *TOO_LARGE)


@pytest.mark.parametrize("key", ["id", "return_policy", "remote_id", "__proto__", "constructor"])
def test_an_unknown_key_is_ignored(key: str) -> None:
    factories.create_order()
    body: dict[str, Any] = {
        "number": factories.NUMBER,
        "email": factories.GUEST,
        key: {"any": ["thing"]},
    }

    answer = HttpClient().post(LOOK_UP, body, content_type="application/json")

    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_a_body_where_none_belongs_is_ignored(method: str) -> None:
    # J27
    user = factories.create_customer()
    kept = factories.create_address(user=user)
    client = factories.client_of(user)

    answer = client.generic(
        method,
        f"/address/{kept.pk}/",
        b"{broken",
        "application/json",
        headers=token_of(client),
    )

    assert answer.status_code == (204 if method == "DELETE" else 200)
