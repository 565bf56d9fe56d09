"""Access to the routes of batches, actions and reports, and their invalid input."""

from typing import Any

import pytest

from tests.channel import shop, sync
from tests.channel.sync import batch_object, change_batch, error_report, open_batch, send
from tests.channel.test_access import ABSENT, WRONG, forbidden, unsigned
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

KIND = "cancellationrequest"
IN_CHANNEL = [
    ("GET", "batch_requests/"),
    ("POST", "batch_requests/"),
    ("GET", "batch_requests/1/"),
    ("PATCH", "batch_requests/1/"),
    ("GET", "integration_actions/"),
    ("GET", "error_reports/"),
    ("POST", "error_reports/"),
]
KEY_ROUTES = [
    ("GET", "/api/v1/channels/"),
    ("GET", "/api/v1/channels/1/"),
    ("GET", "/api/v1/content_types/"),
]
ALL = IN_CHANNEL + KEY_ROUTES


def _body(method: str, path: str) -> Any:
    if method == "GET":
        return None
    return error_report() if "error" in path else {}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("method", "path"), [*ALL, ("GET", "/api/v1/active_user/")])
def test_every_wrong_key_gets_the_response_of_its_form(wrong: str, method: str, path: str) -> None:
    header = WRONG[wrong](shop.key())
    headers = {} if header is None else {"authorization": header.encode().decode("latin-1")}
    before = shop.row_counts()

    response = send(HttpClient(headers=headers), method, path, _body(method, path))

    assert (response.status_code, response.json()) == (401, unsigned(wrong))
    assert shop.row_counts() == before


@pytest.mark.parametrize("channel", [0, -1, "abc", 10**40, 2**63, "%D9%A1", "1%00", shop.OTHER, 77])
@pytest.mark.parametrize(("method", "path"), IN_CHANNEL)
def test_other_channel_is_reported_like_a_missing_one(channel: Any, method: str, path: str) -> None:
    caller = shop.client()
    shop.key(channels=[shop.OTHER])
    before = shop.row_counts()

    where = f"/api/v1/channel/{channel}/{path}"
    response = send(caller, method, where, _body(method, path))

    assert (response.status_code, response.json()) == (404, ABSENT)
    assert shop.row_counts() == before


@pytest.mark.parametrize("scope", ["read", "decide", "money", "pii"])
@pytest.mark.parametrize(("method", "path"), ALL)
def test_each_route_needs_its_scope(scope: str, method: str, path: str) -> None:
    number = open_batch(shop.client())["pk"]
    caller = shop.client(shop.key(scopes=[scope]))
    before = shop.row_counts()

    where = path.replace("batch_requests/1", f"batch_requests/{number}")
    response = send(caller, method, where, _body(method, path))

    if scope == ("read" if method == "GET" else "decide"):
        assert response.status_code == (201 if method == "POST" else 200)
    else:
        needed = "read" if method == "GET" else "decide"
        assert (response.status_code, response.json()) == (403, forbidden(needed))
        assert shop.row_counts() == before


@pytest.mark.parametrize(("method", "path"), ALL)
@pytest.mark.parametrize("prefix", shop.PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_all_prefixes_serve_the_same_routes(
    method: str, path: str, prefix: str, slash: str
) -> None:
    caller = shop.client()
    number = open_batch(caller)["pk"]
    where = path if path.startswith("/") else sync.BASE + path
    where = where.replace("/api/v1", prefix).removesuffix("/") + slash
    where = where.replace("batch_requests/1", f"batch_requests/{number}")

    response = send(caller, method, where, _body(method, path))

    assert response.status_code == (201 if method == "POST" else 200)


@pytest.mark.parametrize(("method", "path"), ALL)
def test_unsupported_methods_are_refused(method: str, path: str) -> None:
    caller = shop.client()
    supported = {verb for verb, route in ALL if route == path}
    if path == "/api/v1/channels/1/":
        supported.add("PATCH")  # needs another scope: test_channel_settings

    for other in {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - supported:
        response = send(caller, other, path, {})
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed"), other


@pytest.mark.parametrize("pk", [0, -1, "abc", 10**40, 2**63, "%D9%A1", "1%00", 77, "foreign"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_batch_of_other_channel_is_reported_like_a_missing_one(pk: Any, method: str) -> None:
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    where = f"/api/v1/channel/{shop.OTHER}/batch_requests/"
    theirs = send(stranger, "POST", where, {}).json()
    number = theirs["pk"] if pk == "foreign" else pk

    response = send(shop.client(), method, f"batch_requests/{number}/", {"status": "fail"})

    assert (response.status_code, response.json()) == (404, ABSENT)
    assert send(stranger, "GET", f"{where}{theirs['pk']}/").json() == theirs


def test_lists_show_nothing_of_other_channels() -> None:
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    base = f"/api/v1/channel/{shop.OTHER}/"
    batch = send(stranger, "POST", f"{base}batch_requests/", {}).json()
    body = {"status": "commit", "content_type": "product", "objects": [batch_object(7, "product")]}
    send(stranger, "PATCH", f"{base}batch_requests/{batch['pk']}/", body)
    about = {"action_object_id": shop.OTHER, "target_object_id": shop.OTHER}
    send(stranger, "POST", f"{base}error_reports/", error_report(**about))

    for route in ("batch_requests/", "integration_actions/", "error_reports/"):
        assert send(stranger, "GET", base + route).json()["count"] == 1
        assert send(shop.client(), "GET", route).json()["count"] == 0


@pytest.mark.parametrize("kind", ["order", "orderitem", KIND, "batchrequest", "integrationaction"])
@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_object_of_other_channel_is_reported_like_a_missing_one(kind: str, whose: str) -> None:
    theirs = sync.case(channel_id=shop.OTHER)
    stranger = shop.client(shop.key(channels=[shop.OTHER]))
    where = f"/api/v1/channel/{shop.OTHER}/batch_requests/"
    batch = send(stranger, "POST", where, {}).json()
    body = {"status": "commit", "content_type": "product", "objects": [batch_object(7, "product")]}
    send(stranger, "PATCH", f"{where}{batch['pk']}/", body)
    actions = send(stranger, "GET", where.replace("batch_requests", "integration_actions")).json()
    numbers = {
        "order": theirs.order_item.order_id,
        "orderitem": theirs.order_item_id,
        KIND: theirs.pk,
        "batchrequest": batch["pk"],
        "integrationaction": actions["results"][0]["pk"],
    }
    number = numbers[kind] if whose == "another's" else 2**62
    caller = shop.client()
    own = open_batch(caller)
    before = shop.row_counts()

    objects = [batch_object(number, kind)]
    response = change_batch(caller, own, "commit", content_type=kind, objects=objects)
    kinds = {name: n for n, name in enumerate(["order", "orderitem", KIND], start=1)}
    kinds |= {"batchrequest": 5, "integrationaction": 6}
    body = error_report(action_content_type=kinds[kind], action_object_id=number)
    reported = send(caller, "POST", "error_reports/", body)

    texts = ["There is no such object in this channel."]
    assert (response.status_code, response.json()) == (400, {"objects": texts, "code": "invalid"})
    assert reported.status_code == 400
    assert reported.json() == {"action_object_id": texts, "code": "invalid"}
    assert shop.row_counts() == before


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("batch_requests/", {"channel": shop.OTHER}, "channel"),
        ("batch_requests/1/", {"channel": shop.OTHER}, "channel"),
        ("error_reports/", error_report(target_object_id=shop.OTHER), "target_object_id"),
        ("error_reports/", error_report(action_object_id=shop.OTHER), "action_object_id"),
    ],
)
def test_other_channel_in_the_body_is_refused(path: str, body: Any, field: str) -> None:
    caller = shop.client(shop.key(channels=[shop.SHOP, shop.OTHER]))
    batch = open_batch(caller)
    before = shop.row_counts()

    method = "PATCH" if "/1/" in path else "POST"
    response = send(caller, method, path.replace("/1/", f"/{batch['pk']}/"), body)

    assert (response.status_code, set(response.json())) == (400, {field, "code"})
    assert shop.row_counts() == before


BATCHES: list[tuple[dict[str, Any], str]] = [
    ({"channel": "x"}, "channel"),
    ({"channel": True}, "channel"),
    ({"channel": 0}, "channel"),
    ({"channel": 10**39}, "channel"),
    ({"status": "Commit"}, "status"),
    ({"status": ""}, "status"),
    ({"status": None}, "status"),
    ({"status": 1}, "status"),
    ({"status": ["commit"]}, "status"),
    ({"content_type": "user"}, "content_type"),
    ({"content_type": 3}, "content_type"),
    ({"content_type": "x" * 65}, "content_type"),
    ({"remote_batch_id": "x" * 256}, "remote_batch_id"),
    ({"remote_batch_id": "a\u200bb"}, "remote_batch_id"),
    ({"remote_batch_id": ""}, "remote_batch_id"),
    ({"remote_batch_id": {}}, "remote_batch_id"),
    ({"remote_batch_id": True}, "remote_batch_id"),
    ({"remote_batch_id": 1.5}, "remote_batch_id"),
    ({"objects": {}}, "objects"),
    ({"objects": "x"}, "objects"),
    ({"objects": 1}, "objects"),
    ({"objects": [1]}, "objects.0"),
    ({"objects": [None]}, "objects.0"),
    ({"objects": [[]]}, "objects.0"),
    ({"objects": [{"content_type": "order"}]}, "objects.0.pk"),
    ({"objects": [{"pk": 1}]}, "objects.0.content_type"),
    ({"objects": [batch_object(1, "product"), batch_object(0, "product")]}, "objects.1.pk"),
    ({"objects": [batch_object(2**63, "product")]}, "objects.0.pk"),
    ({"objects": [batch_object(1, "product") | {"pk": "\u0661"}]}, "objects.0.pk"),
    ({"objects": [batch_object(1, "product") | {"pk": 1.0}]}, "objects.0.pk"),
    ({"objects": [batch_object(1, "user")]}, "objects.0.content_type"),
    ({"objects": [batch_object(1, "product", remote_id="x" * 256)]}, "objects.0.remote_id"),
    ({"objects": [batch_object(1, "product", remote_id=[])]}, "objects.0.remote_id"),
    ({"objects": [batch_object(1, "product", version_date="soon")]}, "objects.0.version_date"),
    (
        {"objects": [batch_object(1, "product", version_date="9999-12-31T23:59:59-14:00")]},
        "objects.0.ve",
    ),
    ({"objects": [batch_object(1, "product", version_date=5)]}, "objects.0.version_date"),
    (
        {"objects": [batch_object(1, "product", failed_reason_type="x")]},
        "objects.0.failed_reason_type",
    ),
    ({"objects": [batch_object(1, "product")] * 10_001}, "objects"),
]


@pytest.mark.parametrize(("body", "field"), BATCHES)
def test_invalid_field_of_a_batch_is_named(body: dict[str, Any], field: str) -> None:
    caller = shop.client()
    batch = open_batch(caller)
    before = shop.row_counts()

    data = {"status": "commit", "content_type": "product"} | body
    response = send(caller, "PATCH", f"batch_requests/{batch['pk']}/", data)

    assert response.status_code == 400
    (error,) = set(response.json()) - {"code"}
    assert error.startswith(field)
    assert all(isinstance(text, str) for text in response.json()[error])
    assert shop.row_counts() == before
    assert send(caller, "GET", f"batch_requests/{batch['pk']}/").json() == batch


REPORTS: list[tuple[str, list[Any]]] = [
    ("action_content_type", [None, "x", 0, -1, 14, 10**39, True, [], 1.5]),
    ("action_object_id", [None, "x", 0, -1, 2**63, True, {}]),
    ("target_content_type", [None, "x", 0, 14]),
    ("target_object_id", [None, "x", 0, "-1", 2**63]),
    ("obj_modified_date", ["x", 5, "2026-13-01", True, "2026-03-10 12:00:00" + " " * 40]),
    ("error_code", [None, "", 5, "x" * 256, "a\u202eb"]),
    ("error_desc", [None, "", 5, "x" * 2001, "a\u202eb"]),
    ("raw_request", [5, [], {}, True]),
    ("raw_response", [5, [], {}, True]),
    ("is_ok", [None, "yes", 1, []]),
]


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in REPORTS for value in values]
)
def test_invalid_field_of_a_report_is_named(field: str, value: Any) -> None:
    caller = shop.client()
    before = shop.row_counts()

    response = send(caller, "POST", "error_reports/", error_report(**{field: value}))

    assert (response.status_code, set(response.json())) == (400, {field, "code"})
    assert shop.row_counts() == before


BODIES: list[tuple[bytes, str]] = [
    (b"", "malformed_json"),
    (b"null", "object_expected"),
    (b"[]", "object_expected"),
    (b'{"channel": 1,}', "malformed_json"),
    (b'{"error_code": "\\u0000"}', "malformed_json"),
    (b'{"raw_request": "\\ud800"}', "malformed_json"),
    (b'{"raw_request": "\xff"}', "malformed_json"),
    (b'{"channel": NaN}', "malformed_json"),
    (b'{"channel": ' + b"9" * 5000 + b"}", "malformed_json"),
    (b'{"channel": 1, "channel": 1}', "duplicate_key"),
    (b'{"objects": ' + b"[" * 30 + b"]" * 30 + b"}", "malformed_json"),
]


@pytest.mark.parametrize(("body", "code"), BODIES)
@pytest.mark.parametrize(
    ("method", "path"), [row for row in IN_CHANNEL if row[0] in {"POST", "PATCH"}]
)
def test_body_that_is_no_json_object_is_refused(
    method: str, path: str, body: bytes, code: str
) -> None:
    caller = shop.client()
    batch = open_batch(caller)
    before = shop.row_counts()

    response = send(caller, method, path.replace("/1/", f"/{batch['pk']}/"), body)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert shop.row_counts() == before


def test_body_above_the_limit_is_too_large() -> None:
    response = send(shop.client(), "POST", "error_reports/", b" " * (4 * 2**20 + 1))

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


QUERIES: list[tuple[str, str, str]] = [
    ("integration_actions/", "object_id=x", "object_id"),
    ("integration_actions/", "object_id=0", "object_id"),
    ("integration_actions/", "object_id=99999999999999999999", "object_id"),
    ("integration_actions/", "object_id=1&object_id=2", "object_id"),
    ("integration_actions/", "object_id__in=1,x", "object_id__in"),
    ("integration_actions/", "object_id__in=,", "object_id__in"),
    ("integration_actions/", "object_id__in=", "object_id__in"),
    ("integration_actions/", f"object_id__in={'1,' * 1000}1", "object_id__in"),
    ("integration_actions/", f"remote_id__in={'1,' * 1000}1", "remote_id__in"),
    ("integration_actions/", "remote_id__exact=%00", "remote_id__exact"),
    ("integration_actions/", f"remote_id__exact={'x' * 256}", "remote_id__exact"),
    ("integration_actions/", "content_type_name=a%E2%80%8Bb", "content_type_name"),
    ("integration_actions/", "local_batch_id=7", "local_batch_id"),
    ("integration_actions/", "status=lost", "status"),
    ("integration_actions/", "sort=remote_id", "sort"),
    ("integration_actions/", "channel=x", "channel"),
    ("batch_requests/", "status=lost", "status"),
    ("batch_requests/", "status=done&status=%00", "status"),
    ("batch_requests/", "local_batch_id=x", "local_batch_id"),
    ("batch_requests/", "sort=-pk", "sort"),
    ("error_reports/", "is_ok=yes", "is_ok"),
    ("error_reports/", "action_object_id=-1", "action_object_id"),
    ("/api/v1/content_types/", "model=%00", "model"),
]


@pytest.mark.parametrize(("path", "query", "field"), QUERIES)
def test_invalid_filter_is_named(path: str, query: str, field: str) -> None:
    response = send(shop.client(), "GET", f"{path}?{query}")

    assert (response.status_code, set(response.json())) == (400, {field, "code"})


@pytest.mark.parametrize(
    "path", [where for method, where in ALL if method == "GET" and "/1/" not in where]
)
@pytest.mark.parametrize("page", ["0", "-1", "x", "2", "99999999999999999999", "%00"])
def test_missing_page_is_not_found(path: str, page: str) -> None:
    response = send(shop.client(), "GET", f"{path}?page={page}&limit=100")

    assert (response.status_code, response.json()) == (404, ABSENT)
