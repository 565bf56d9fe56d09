"""The OpenAPI document: complete, valid and reproducible."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema

from takeback.api import openapi
from tests.factories import HttpClient


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


@pytest.mark.thorough
def test_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.1"
    validate_schema(document)


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
