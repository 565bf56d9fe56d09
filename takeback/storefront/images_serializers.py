"""Pictures that come with an ask: read from the body, then kept as clean copies."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from takeback.api.fields import StrictText
from takeback.api.json_parser import StrictJSONParser
from takeback.cancellations import errors
from takeback.cancellations.inputs import NewImage
from takeback.core.errors import Refused
from takeback.images.decode import ImageTooLarge, NotAnImage, decode_image
from takeback.images.store import discard_images, store_images


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
        "invalid": errors.NOT_AN_IMAGE,
        "too_large": errors.IMAGE_TOO_LARGE,
    }

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return decode_image(data)
        except ImageTooLarge:
            self.fail("too_large", max=settings.MAX_PICTURE_BYTES // 1024)
        except NotAnImage:
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
            raise serializers.ValidationError([errors.NOT_AN_IMAGE])
        return [self._photo(told) for told in data]

    def _photo(self, told: Any) -> Photo:
        try:
            found = self.child.run_validation(told)
        except serializers.ValidationError as error:
            faults: Any = error.detail if isinstance(error.detail, dict) else {}
            named = faults.get("image") or faults.get("description")
            raise serializers.ValidationError(named or [errors.NOT_AN_IMAGE]) from error
        return Photo(found["image"], found.get("description") or None)


def kept(photos_of_items: Sequence[Sequence[Photo]]) -> list[list[NewImage]]:
    """Each item's pictures where they are kept now.

    Raises Refused, and keeps none, with the `position` of the item that has too many pictures or
    one that cannot be read, and as `store` does.
    """
    most = settings.CANCELLATION_REQUEST_MAX_IMAGE_COUNT_PER_ORDER_ITEM
    owners: list[int] = []
    for position, photos in enumerate(photos_of_items):
        if len(photos) > most:
            raise Refused(errors.TOO_MANY_IMAGES.with_values(max=most), position=position)
        owners += [position] * len(photos)
    files = store_images([photo.raw for photos in photos_of_items for photo in photos])
    whole = [file for file in files if file]
    if len(whole) < len(files):
        discard_images(file.name for file in whole)
        raise Refused(errors.UNREADABLE_IMAGE, position=owners[files.index(None)])
    left = iter(whole)
    return [
        [NewImage(*next(left), photo.description) for photo in photos] for photos in photos_of_items
    ]
