"""What the API document's generator cannot see by itself: our documents, fields and callers."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, is_typeddict

import msgspec
from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema


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
        if is_shape(shape) and shape.__module__ == module.__name__
    ]


def is_shape(kind: Any) -> bool:
    """Whether this is how we declare documents: a typed dict, or a struct where there are many."""
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


class IntegerSchema(OpenApiSerializerFieldExtension):
    """A bounded whole number."""

    target_class = "takeback.api.fields.StrictInteger"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: object) -> dict[str, Any]:
        field = self.target
        return {"type": "integer", "minimum": field.minimum, "maximum": field.maximum}


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
