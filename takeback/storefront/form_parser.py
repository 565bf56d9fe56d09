"""HTML forms as request bodies."""

from io import BytesIO
from typing import Any

from django.conf import settings
from rest_framework.parsers import FormParser

from takeback.api.json_parser import read_body


class BoundedFormParser(FormParser):
    """HTML forms, up to the same size as JSON bodies."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = read_body(stream, settings.MAX_BODY_BYTES, parser_context["request"].headers)
        return super().parse(BytesIO(body), media_type, parser_context)


def single_values(data: Any) -> dict[str, Any]:
    """The fields of a form or JSON body; a repeated form field is a list, which is refused."""
    if not hasattr(data, "lists"):
        return dict(data)
    return {key: values[0] if len(values) == 1 else values for key, values in data.lists()}
