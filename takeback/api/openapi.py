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
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.parsers import FormParser
from rest_framework.serializers import Serializer

from takeback.api import openapi_parts as parts
from takeback.api.fields import StrictInteger, StrictText
from takeback.api.openapi_guide import GUIDE, TAGS
from takeback.api.openapi_parts import JSONSchema

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of documents, or of objects with a JSON schema, in the contract's envelope."""

    document: type | JSONSchema


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several responses."""

    responses: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """A request body with the fields of several serializers."""

    serializers: tuple[type[Serializer[Any]], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a view, as the API page describes it.

    `response` is a document type (TypedDict or Struct), `list[type]`, `PageOf(type)`, a JSON
    schema, `AnyOf`, an OpenApiResponse, or None for an empty body. `refusals` maps other statuses
    to their responses. Without a description the response has the phrase of its status.
    `summary` says in one line what the operation does. With `has_page` browsers get pages.
    """

    id: str
    tag: str
    response: Any = None
    request: Any = None
    status: int = 200
    description: str = ""
    parameters: tuple[OpenApiParameter | type, ...] = ()
    refusals: Mapping[int, OpenApiResponse] = field(default_factory=dict)
    media_type: str = JSON
    summary: str = ""
    is_idempotent: bool = False
    has_version: bool = False
    has_page: bool = False
    headers: Mapping[str, JSONSchema] = field(default_factory=dict)
    """Headers of the successful responses that no other operation has."""


class Schema(AutoSchema):
    """Reads `view.operations`, a mapping of lower-case methods to operations.

    Other methods, and views without operations, are not documented. A route can replace the
    operations of its view: `as_view(operations=...)`.
    """

    components: Mapping[str, JSONSchema] = parts.COMPONENTS
    """Schemas of refusals, by their names."""

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

    def get_summary(self) -> str | None:
        return self.operation.summary or None

    def get_operation(self, *args: Any, **kwargs: Any) -> JSONSchema | None:
        operation: JSONSchema | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        for name, schema in self.components.items():
            component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, name)
            self.registry.register_on_missing(component)
        if "requestBody" in operation:
            for media_type in operation["requestBody"]["content"].values():
                media_type["example"] = self.example()
            if isinstance(self.operation.request, AllOf):
                operation["requestBody"]["required"] = True
        for status, response in operation["responses"].items():
            response["headers"] = self.response_headers(int(status))
            if self.operation.has_page:
                response["content"]["text/html"] = {"schema": {"type": "string"}}
        return operation

    def response_headers(self, status: int) -> JSONSchema:
        """The headers of the operation's responses with this status."""
        headers = parts.response_headers(status)
        if status >= HTTPStatus.BAD_REQUEST:
            return headers
        headers |= self.operation.headers
        if self.operation.is_idempotent:  # of a stored response only status and body exist
            return headers | parts.REPLAYED
        return headers | parts.ETAG if self.operation.has_version else headers

    def get_override_parameters(self) -> list[Any]:
        operation = self.operation
        conditional = {
            parts.IDEMPOTENCY_KEY: operation.is_idempotent,
            parts.IF_MATCH: operation.has_version and parts.is_unsafe(self.method),
        }
        headers = [header for header, is_read in conditional.items() if is_read]
        return [*operation.parameters, *headers, *parts.REQUEST_HEADERS]

    def implied_refusals(self) -> dict[int, OpenApiResponse]:
        """The refusals that follow from the method and the other facts of the operation."""
        statuses = [400, 503]
        if parts.has_body(self.method):
            statuses.append(413)
        if parts.is_unsafe(self.method):
            statuses += [409, 415]
        if self.operation.is_idempotent:
            statuses.append(422)
        if self.operation.has_version and parts.is_unsafe(self.method):
            statuses.append(412)
        return {status: parts.refusal(parts.PROBLEM, status) for status in statuses}

    def get_auth(self) -> list[Any]:
        """Operations without authentication say so: otherwise a reader cannot tell."""
        auth: list[Any] = super().get_auth()
        return auth or [{}]

    def map_parsers(self) -> list[str]:
        """JSON; `get_request_serializer` adds the form of a route that reads one."""
        return [JSON]

    def get_request_serializer(self) -> Any:
        request = self.operation.request
        if self.method == "PUT":
            return request(partial=True)  # PUT changes the fields that it names, like PATCH
        if isinstance(request, AllOf):
            references = [self._component(serializer).ref for serializer in request.serializers]
            return {JSON: {"allOf": references}}
        if request and self._reads_forms():
            component = self._component(request)
            return {JSON: component.ref, FORM: self._form(component).ref}
        return request

    def _reads_forms(self) -> bool:
        return any(issubclass(parser, FormParser) for parser in self.view.parser_classes)

    def _component(self, serializer: type[Serializer[Any]]) -> ResolvedComponent:
        component: ResolvedComponent = self.resolve_serializer(serializer, "request")
        return component

    def _form(self, component: ResolvedComponent) -> ResolvedComponent:
        """The same fields under a name of their own.

        Generated clients tell the bodies of an operation apart by their types.
        """
        name = f"{component.name}Form"
        schema = dict(component.schema)
        form = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, name)
        self.registry.register_on_missing(form)
        return form

    def example(self) -> JSONSchema:
        """A request body: the examples of its serializers, which are attributes of theirs."""
        request = self.operation.request
        forms: tuple[Any, ...] = request.serializers if isinstance(request, AllOf) else (request,)
        return {key: value for form in forms for key, value in form.example.items()}

    def get_response_serializers(self) -> Any:
        operation = self.operation
        refusals = {**self.implied_refusals(), **operation.refusals}
        return {
            (operation.status, operation.media_type): _response(operation),
            **dict(sorted(refusals.items())),
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
    if isinstance(response, AnyOf):
        return {"anyOf": [response_schema(inner) for inner in response.responses]}
    if get_origin(response) is list:
        return {"type": "array", "items": response_schema(get_args(response)[0])}
    if isinstance(response, dict):
        return response
    return {"$ref": f"#/components/schemas/{response.__name__}"}


def document_types(response: Any) -> list[type]:
    """The documents that a response refers to."""
    if isinstance(response, PageOf):
        return document_types(response.document)
    if isinstance(response, AnyOf):
        return [document for inner in response.responses for document in document_types(inner)]
    if get_origin(response) is list:
        return document_types(get_args(response)[0])
    return [response] if is_document(response) else []


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of all APIs."""
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    generated["servers"] = [{"url": settings.SITE_URL}]
    generated["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    generated["info"]["description"] = GUIDE.replace("https://SHOP", settings.SITE_URL)
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
    _show_decimals_as_numbers(schemas)
    components = result.setdefault("components", {})
    components["schemas"] = dict(sorted((components.get("schemas", {}) | schemas).items()))
    _add_items(result)
    return result


def _show_decimals_as_numbers(node: Any) -> None:
    """Decimals of documents are numbers, as our encoder writes them; msgspec's default is text."""
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            del node["format"]
            node["type"] = "number"
        for value in node.values():
            _show_decimals_as_numbers(value)
    elif isinstance(node, list):
        for value in node:
            _show_decimals_as_numbers(value)


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
