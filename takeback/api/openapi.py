"""The OpenAPI document: views describe their operations as data, one AutoSchema reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args, get_origin, is_typeddict

import msgspec
from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

JSONSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of documents in the contract's envelope."""

    document: type


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a view, as the API page describes it.

    `response` is a document type (TypedDict or Struct), `list[type]`, `PageOf(type)`, a JSON
    schema, an OpenApiResponse, or None for an empty body. `refusals` maps further statuses to
    their responses.
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

    A view with `operations` shows these methods and no others.
    """

    @property
    def operation(self) -> Operation | None:
        operations: Mapping[str, Operation] = getattr(self.view, "operations", {})
        return operations.get(self.method.lower())

    def is_excluded(self) -> bool:
        if hasattr(self.view, "operations"):
            return self.operation is None
        return bool(super().is_excluded())

    def get_operation_id(self) -> str:
        return self.operation.id if self.operation else str(super().get_operation_id())

    def get_tags(self) -> list[str]:
        return [self.operation.tag] if self.operation else list(super().get_tags())

    def get_override_parameters(self) -> list[Any]:
        if self.operation:
            return list(self.operation.parameters)
        return list(super().get_override_parameters())

    def get_request_serializer(self) -> Any:
        return self.operation.request if self.operation else super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        operation = self.operation
        if operation is None:
            return super().get_response_serializers()
        return {
            (operation.status, operation.media_type): _response(operation),
            **operation.refusals,
        }


def _response(operation: Operation) -> Any:
    if operation.response is None or isinstance(operation.response, OpenApiResponse):
        return operation.response
    return OpenApiResponse(
        response=response_schema(operation.response), description=operation.description
    )


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
    """The API as an OpenAPI 3.1 document, in the caller's language."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def add_documents(
    result: dict[str, Any],
    generator: SchemaGenerator,
    request: object,
    public: bool,  # noqa: FBT001 - drf-spectacular's signature
) -> dict[str, Any]:
    """Put the shapes of the rooms whose routes are documented among the components, by name."""
    endpoints: list[Any] = list(generator.endpoints or [])
    rooms = sorted({view.__module__.rpartition(".")[0] for *_, view in endpoints})
    declared = [shape for room in rooms for shape in shapes_of(room)]
    declared += [
        document
        for *_, view in endpoints
        for operation in getattr(view.cls, "operations", {}).values()
        for document in document_types(operation.response)
        if document not in declared
    ]
    _, schemas = msgspec.json.schema_components(
        declared, ref_template="#/components/schemas/{name}"
    )
    components = result.setdefault("components", {})
    components["schemas"] = dict(sorted((components.get("schemas", {}) | schemas).items()))
    return result


def shapes_of(room: str) -> list[type]:
    """The documents in the room's modules named `...shapes`, without those they import."""
    found = iter_modules(import_module(room).__path__)
    names = sorted(module.name for module in found if module.name.endswith("shapes"))
    modules = [import_module(f"{room}.{name}") for name in names]
    return [
        shape
        for module in modules
        for shape in vars(module).values()
        if is_document(shape) and shape.__module__ == module.__name__
    ]


def is_document(kind: Any) -> bool:
    """Whether this is how we declare documents: a typed dict, or a struct where there are many."""
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


class IntegerSchema(OpenApiSerializerFieldExtension):
    """A bounded whole number."""

    target_class = "takeback.api.fields.StrictInteger"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: object) -> dict[str, Any]:
        field = self.target
        return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}


class BooleanSchema(OpenApiSerializerFieldExtension):
    """True or false."""

    target_class = "takeback.api.fields.StrictBoolean"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: object) -> dict[str, Any]:
        return {"type": "boolean"}


class TextSchema(OpenApiSerializerFieldExtension):
    """Bounded text."""

    target_class = "takeback.api.fields.StrictText"
    match_subclasses = True
    more: dict[str, Any] = {}

    def map_serializer_field(self, auto_schema: AutoSchema, direction: object) -> dict[str, Any]:
        # Where a blank is allowed the generator adds it as the other possibility.
        return {"type": "string", "minLength": 1, "maxLength": self.target.max_length, **self.more}


class EmailSchema(TextSchema):
    """An e-mail address."""

    target_class = "takeback.api.fields.StrictEmail"
    match_subclasses = True
    priority = 1  # before the text it is a kind of
    more = {"format": "email"}


class DateSchema(OpenApiSerializerFieldExtension):
    """A day."""

    target_class = "takeback.api.fields.StrictDate"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: object) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


class MomentSchema(OpenApiSerializerFieldExtension):
    """A moment."""

    target_class = "takeback.api.fields.StrictMoment"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: object) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class CallerSchema(OpenApiAuthenticationExtension):
    """How a caller is known: by the session cookie, or by what the Authorization header holds."""

    target_class = "rest_framework.authentication.BaseAuthentication"
    match_subclasses = True

    @property
    def name(self) -> str:  # type: ignore[override]  # known per caller, not per class
        """The scheme that a 401 names."""
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
