"""Pictures that come with an ask: read from the body, then kept as clean copies."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.cancellations import errors
from takeback.cancellations.asks import Picture
from takeback.cancellations.pictures.commands import discard, store
from takeback.cancellations.pictures.reading import NotAPicture, TooLarge, picture_bytes
from takeback.core.fields import StrictText
from takeback.core.problems import Refused
from takeback.core.strict_json import StrictJSONParser


class PhotoParser(StrictJSONParser):
    """Bodies that may hold pictures."""

    def limit(self) -> int:
        return int(settings.MAX_PICTURE_BODY_BYTES)


class Photo(NamedTuple):
    """What claims to be a picture, and the shopper's words to it."""

    raw: bytes
    description: str | None


@extend_schema_field({"type": "string", "contentEncoding": "base64"})
class PhotoField(serializers.Field[bytes, Any, Any, Any]):
    """Base64, with or without a data URI in front."""

    default_error_messages = {
        "invalid": errors.NOT_A_PICTURE,
        "too_large": errors.PICTURE_TOO_LARGE,
    }

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return picture_bytes(data)
        except TooLarge:
            self.fail("too_large")
        except NotAPicture:
            self.fail("invalid")


class PhotoBody(serializers.Serializer[Any]):
    """A picture of an item."""

    image = PhotoField()
    description = StrictText(max_length=255, required=False, allow_null=True, allow_blank=True)


@extend_schema_field(PhotoBody(many=True))
class PhotosField(serializers.ListField):
    """The pictures of an item; whichever is at fault, the whole field is."""

    child = PhotoBody()

    def to_internal_value(self, data: Any) -> list[Photo]:
        if not isinstance(data, list):
            raise serializers.ValidationError([errors.NOT_A_PICTURE])
        return [self._photo(told) for told in data]

    def _photo(self, told: Any) -> Photo:
        try:
            found = self.child.run_validation(told)
        except serializers.ValidationError as error:
            faults: Any = error.detail if isinstance(error.detail, dict) else {}
            named = faults.get("image") or faults.get("description")
            raise serializers.ValidationError(named or [errors.NOT_A_PICTURE]) from error
        return Photo(found["image"], found.get("description") or None)


def kept(photos_of_items: Sequence[Sequence[Photo]]) -> list[list[Picture]]:
    """Each item's pictures where they are kept now.

    Raises Refused, and keeps none, with the `position` of the item that has too many pictures or
    one that cannot be read, and as `store` does.
    """
    most = settings.CANCELLATION_REQUEST_MAX_IMAGE_COUNT_PER_ORDER_ITEM
    owners: list[int] = []
    for position, photos in enumerate(photos_of_items):
        if len(photos) > most:
            raise Refused(errors.TOO_MANY_PICTURES, position=position)
        owners += [position] * len(photos)
    files = store([photo.raw for photos in photos_of_items for photo in photos])
    whole = [file for file in files if file]
    if len(whole) < len(files):
        discard(file.name for file in whole)
        raise Refused(errors.UNREADABLE_PICTURE, position=owners[files.index(None)])
    left = iter(whole)
    return [
        [Picture(*next(left), photo.description) for photo in photos] for photos in photos_of_items
    ]
