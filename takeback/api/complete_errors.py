"""Serializers that name all problems of an input at once."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError


class CompleteErrors(serializers.Serializer[Any]):
    """A serializer with fields that are required depending on others.

    `validate` refuses an input without them, but it runs only if each field is valid. So they are
    named together with the invalid fields.
    """

    def missing(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The errors of missing fields of an input that has other errors; nothing is validated."""
        raise NotImplementedError

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(data, Mapping):
                raise
            details: Any = error.detail
            raise ValidationError(self.missing(data) | details) from error
