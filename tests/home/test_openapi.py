"""The OpenAPI document: complete, valid and reproducible."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from takeback.api import openapi
from takeback.api.order_payload.serializers import OrderDocument
from takeback.storefront.serializers import GuestLookup
from tests.channel import shop
from tests.factories import HttpClient

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def document() -> Any:
    return openapi.document()


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _arrays(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        if node.get("type") == "array":
            yield node
        for value in node.values():
            yield from _arrays(value)
    elif isinstance(node, list):
        for value in node:
            yield from _arrays(value)


def test_document_is_valid_openapi_3_1(client: HttpClient) -> None:
    served = json.loads(client.get("/api/schema/").content)
    assert served["openapi"] == "3.1.1"
    errors = OpenAPIV31SpecValidator(served).iter_errors()
    assert [f"{list(error.absolute_path)}: {error.message}" for error in errors] == []


def test_path_parameters_are_those_of_the_path(document: Any) -> None:
    for path, operation in _operations(document):
        parameters = operation.get("parameters", [])
        names = [parameter["name"] for parameter in parameters if parameter["in"] == "path"]
        assert sorted(names) == sorted(re.findall(r"{(\w+)}", path)), path


def test_arrays_describe_their_items(document: Any) -> None:
    arrays = list(_arrays(document))
    assert len(arrays) > 50
    assert [array for array in arrays if "items" not in array] == []


def test_each_operation_has_its_own_id(document: Any) -> None:
    ids = [operation["operationId"] for _, operation in _operations(document)]
    assert len(ids) == len(set(ids))


def test_forms_are_documented_where_they_are_read(document: Any) -> None:
    bodies = {
        operation["operationId"]: dict(operation["requestBody"]["content"])
        for _, operation in _operations(document)
        if "requestBody" in operation
    }
    assert len(bodies) > 30
    forms = {name: body.pop(FORM) for name, body in bodies.items() if FORM in body}
    assert forms.keys() == {
        "guest_order",
        "guest_order_code",
        "guest_order_by_code",
        "registration",
        "password_set",
    }
    assert all(body.keys() == {JSON} for body in bodies.values())
    schemas = document["components"]["schemas"]
    for name, form in forms.items():
        # Generated clients tell two bodies apart by the names of their types.
        reference, other = form["schema"]["$ref"], bodies[name][JSON]["schema"]["$ref"]
        assert reference == f"{other}Form"
        assert schemas[reference.rpartition("/")[2]] == schemas[other.rpartition("/")[2]]


def test_references_point_to_components(document: Any) -> None:
    schemas = document["components"]["schemas"]
    references = set(_references(document))
    assert len(references) > 5
    assert {ref for ref in references if ref.rpartition("/")[2] not in schemas} == set()


def test_components_are_sorted_and_reproducible(document: Any) -> None:
    names = list(document["components"]["schemas"])
    assert names == sorted(names)
    assert json.dumps(openapi.document(), default=str) == json.dumps(document, default=str)


def test_document_is_generated_without_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    openapi.document()
    assert capfd.readouterr().err == ""


def test_documents_of_the_rooms_are_components(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert {"Order", "OldOrder", "Address", "ChannelOrder"} <= schemas.keys()
    assert schemas["Choice"]["required"] == ["label", "value"]


def test_fields_are_described_by_their_limits(document: Any) -> None:
    lookup = document["components"]["schemas"]["GuestLookup"]["properties"]
    assert lookup["number"] == {"type": "string", "minLength": 1, "maxLength": 128}
    assert lookup["email"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 254,
        "format": "email",
    }


def test_authentication_schemes_are_described(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["Session"] == {"type": "apiKey", "in": "cookie", "name": "osessionid"}
    assert (schemes["Token"]["in"], schemes["Token"]["name"]) == ("header", "Authorization")


def test_document_is_served_with_and_without_slash(client: HttpClient, document: Any) -> None:
    for path in ("/api/schema", "/api/schema/"):
        response = client.get(path)
        assert response.status_code == 200
        assert json.loads(response.content)["paths"].keys() == document["paths"].keys()
    assert {"/health/live/", "/health/ready/"} <= document["paths"].keys()
    hidden = ("/metrics", "/api/docs", "/api/schema")
    assert not {path for path in document["paths"] if path == "/" or path.startswith(hidden)}


def test_operations_have_a_summary_and_a_described_tag(document: Any) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for path, operation in _operations(document):
        assert re.fullmatch(r"[A-Z][^.]{3,70}\.", operation["summary"]), path
        assert set(operation["tags"]) <= tags


def test_groups_stand_in_the_order_of_a_first_use(document: Any) -> None:
    names = [tag["name"] for tag in document["tags"]]
    assert names[0] == "Storefront: guests"
    assert names[-1] == "Operations"
    assert "## Getting started" in document["info"]["description"]


def test_examples_of_request_bodies_fit_their_schemas(document: Any) -> None:
    bodies = {
        operation["operationId"]: operation["requestBody"]["content"]["application/json"]
        for _, operation in _operations(document)
        if "requestBody" in operation
    }
    assert len(bodies) > 40
    components = json.loads(json.dumps(document["components"], default=str))
    for name, body in bodies.items():
        schema = body["schema"] | {"components": components}
        errors = jsonschema_rs.Draft202012Validator(schema).iter_errors(body["example"])
        assert [error.message for error in errors] == [], name


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/users/orders/anonymous/", "post", "200"),
        ("/users/orders/cancellation_requests/", "post", "201"),
        ("/users/orders/cancellation_requests/", "post", "406"),
        ("/users/orders/anonymous/bulk_cancellation_requests/", "post", "406"),
        ("/users/orders/anonymous/cancellation_requests/", "post", "415"),
        ("/users/login/", "post", "429"),
        ("/health/ready/", "get", "503"),
    ],
)
def test_statuses_of_the_contract_are_documented(
    document: Any, path: str, method: str, status: str
) -> None:
    assert status in document["paths"][path][method]["responses"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/users/orders/cancellation_requests/", {"X-CSRFToken", "X-Takeback-Dialect"}),
        ("/users/orders/anonymous/cancellation_requests/", {"Idempotency-Key", "Accept-Language"}),
        (
            "/api/v1/channel/{channel_id}/cancellation_requests/{id}/approve/",
            {"If-Match", "Idempotency-Key", "X-Request-Id"},
        ),
    ],
)
def test_request_headers_are_documented(document: Any, path: str, names: set[str]) -> None:
    parameters = document["paths"][path]["post"]["parameters"]
    headers = {parameter["name"] for parameter in parameters if parameter["in"] == "header"}
    assert headers >= names


def test_responses_name_their_headers(document: Any) -> None:
    responses = document["paths"]["/users/orders/cancellation_requests/"]["post"]["responses"]
    assert {"Idempotent-Replayed", "X-Request-Id"} <= responses["201"]["headers"].keys()
    assert "Retry-After" in responses["429"]["headers"]
    assert "WWW-Authenticate" in responses["401"]["headers"]


def test_guest_bodies_name_the_order(document: Any) -> None:
    for kind in ("", "bulk_"):
        path = f"/users/orders/anonymous/{kind}cancellation_requests/"
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        names = [part["$ref"].rpartition("/")[2] for part in body["schema"]["allOf"]]
        lookup = document["components"]["schemas"][names[0]]
        assert lookup["properties"].keys() == {"number", "order", "email"}
        assert "required" not in lookup  # a session that has looked up the order sends none


def test_amounts_of_the_channel_are_numbers(document: Any) -> None:
    order = document["components"]["schemas"]["ChannelOrder"]["properties"]
    assert order["amount"] == {"type": "number"}
    text = json.dumps(document["components"]["schemas"]["ChannelOrderItem"], default=str)
    assert '"decimal"' not in text


def test_server_of_the_document_is_the_host_of_the_request(client: HttpClient) -> None:
    served = json.loads(client.get("/api/schema/", HTTP_HOST="localhost").content)
    assert served["servers"] == [{"url": "http://localhost"}]


@pytest.mark.django_db
def test_examples_of_import_and_look_up_work(client: HttpClient) -> None:
    assert shop.create_order(shop.client(), OrderDocument.example).status_code == 201
    rows = client.post(
        "/users/orders/anonymous/", json.dumps(GuestLookup.example), content_type=JSON
    )
    assert rows.status_code == 200
    assert rows.json()[0]["number"] == "1000100"
