"""The OpenAPI document: views describe their operations as data, one AutoSchema reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, get_args, get_origin, is_typeddict

import msgspec
from django.conf import settings
from drf_spectacular.drainage import has_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from takeback.api.fields import StrictInteger, StrictText

JSONSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of documents in the contract's envelope."""

    document: type


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a view, as the API page describes it.

    `response` is a document type (TypedDict or Struct), `list[type]`, `PageOf(type)`, a JSON
    schema, an OpenApiResponse, or None for an empty body. `refusals` maps other statuses to
    their responses. Without a description the response has the phrase of its status.
    """

    id: str
    tag: str
    response: Any = None
    request: Any = None
    status: int = 200
    description: str = ""
    parameters: tuple[OpenApiParameter | type, ...] = ()
    refusals: Mapping[int, OpenApiResponse] = field(default_factory=dict)
    media_type: str = "application/json"


class Schema(AutoSchema):
    """Reads `view.operations`, a mapping of lower-case methods to operations.

    Other methods, and views without operations, are not documented. A route can replace the
    operations of its view: `as_view(operations=...)`.
    """

    @property
    def operation(self) -> Operation:
        """The operation of a documented method."""
        operations: Mapping[str, Operation] = getattr(self.view, "operations", {})
        return operations[self.method.lower()]

    def is_excluded(self) -> bool:
        return self.method.lower() not in getattr(self.view, "operations", {})

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_tags(self) -> list[str]:
        return [self.operation.tag]

    def get_override_parameters(self) -> list[Any]:
        return list(self.operation.parameters)

    def map_parsers(self) -> list[str]:
        """JSON only. Some routes read forms as well, but a generated client has one body type."""
        return ["application/json"]

    def get_request_serializer(self) -> Any:
        return self.operation.request

    def get_response_serializers(self) -> Any:
        operation = self.operation
        return {
            (operation.status, operation.media_type): _response(operation),
            **operation.refusals,
        }

    def _map_serializer_field(
        self,
        field: Any,
        direction: Any,
        bypass_extensions: bool = False,  # noqa: FBT001, FBT002 - drf-spectacular's signature
    ) -> JSONSchema | None:
        """Adds the limits of our fields, which check them without DRF's validators."""
        schema: JSONSchema | None = super()._map_serializer_field(  # type: ignore[no-untyped-call]  # not annotated
            field, direction, bypass_extensions
        )
        if schema is None or has_override(field, "field"):
            return schema
        if isinstance(field, StrictInteger):
            schema.pop("format", None)
        elif isinstance(field, StrictText):
            schema |= {"minLength": 1, "maxLength": field.max_length}
        return schema


def _response(operation: Operation) -> Any:
    if operation.response is None or isinstance(operation.response, OpenApiResponse):
        return operation.response
    description = operation.description or HTTPStatus(operation.status).phrase
    return OpenApiResponse(response=response_schema(operation.response), description=description)


def response_schema(response: Any) -> JSONSchema:
    """The JSON schema of a response type; documents are references to components."""
    if isinstance(response, PageOf):
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "properties": {
                "count": {"type": "integer"},
                "next": link,
                "previous": link,
                "results": {"type": "array", "items": response_schema(response.document)},
            },
            "required": ["count", "next", "previous", "results"],
        }
    if get_origin(response) is list:
        return {"type": "array", "items": response_schema(get_args(response)[0])}
    if isinstance(response, dict):
        return response
    return {"$ref": f"#/components/schemas/{response.__name__}"}


def document_types(response: Any) -> list[type]:
    """The documents that a response refers to."""
    if isinstance(response, PageOf):
        return [response.document]
    if get_origin(response) is list:
        return document_types(get_args(response)[0])
    return [response] if is_document(response) else []


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of all APIs."""
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return generated


def add_documents(
    result: dict[str, Any],
    generator: SchemaGenerator,
    request: object,
    public: bool,  # noqa: FBT001 - drf-spectacular's signature
) -> dict[str, Any]:
    """Add the documents of all operations to the components."""
    endpoints: list[Any] = list(generator.endpoints or [])
    declared = [
        document
        for *_, view in endpoints
        for operation in _operations_of(view).values()
        for document in document_types(operation.response)
    ]
    _, schemas = msgspec.json.schema_components(
        dict.fromkeys(declared), ref_template="#/components/schemas/{name}"
    )
    components = result.setdefault("components", {})
    components["schemas"] = dict(sorted((components.get("schemas", {}) | schemas).items()))
    _add_items(result)
    return result


def _add_items(node: Any) -> None:
    """Give each array of any values its `items`, which generators of clients require."""
    if isinstance(node, dict):
        if node.get("type") == "array":
            node.setdefault("items", {})
        for value in node.values():
            _add_items(value)
    elif isinstance(node, list):
        for value in node:
            _add_items(value)


def _operations_of(view: Any) -> Mapping[str, Operation]:
    """The operations of the route, else of its view class."""
    operations: Mapping[str, Operation] = view.initkwargs.get(
        "operations", getattr(view.cls, "operations", {})
    )
    return operations


def is_document(kind: Any) -> bool:
    """Whether this type is a document: a TypedDict, or a Struct where a list repeats it."""
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


class CallerSchema(OpenApiAuthenticationExtension):
    """Describes our authentication classes: a session cookie or an Authorization header."""

    target_class = "rest_framework.authentication.BaseAuthentication"
    match_subclasses = True

    @property
    def name(self) -> str:  # type: ignore[override]  # per instance, not per class
        """The scheme in the WWW-Authenticate header of a 401."""
        return str(self.target.authenticate_header(None))

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        if self.name == "Session":
            return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
        description = f"`{self.name} <key>`"
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": description,
        }
