"""The images of a channel's cases: look-ups, documents and views in one small module."""

from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.api.fields import StrictInteger
from takeback.api.image_response import image_response
from takeback.api.openapi import Operation, PageOf
from takeback.cancellations.models import CancellationRequestImage
from takeback.channel.auth import path_id
from takeback.channel.base import ChannelListView, ChannelView, row_or_404
from takeback.channel.documents import Object
from takeback.channel.filters import LAST_CHANGED, Filter, by_id, no_rows, text
from takeback.channel.openapi import CASES
from takeback.core.db.compiled_query import RowQuery

_BUYER = "cancellation_request__order_item__order__user_id"


class ImageRow(NamedTuple):
    """An image; `buyer` is the customer of the case."""

    id: int
    cancellation_request_id: int
    image: str
    description: str | None
    is_uploaded_by_user: bool
    buyer: int
    created_date: datetime
    modified_date: datetime


def _images_in_channel(channel_id: int) -> "QuerySet[CancellationRequestImage]":
    images = CancellationRequestImage.objects.filter(
        cancellation_request__channel_id=channel_id, cancellation_request__is_hidden=False
    )
    return images.annotate(buyer=F(_BUYER))


_image_rows = RowQuery(ImageRow)


class ChannelCaseImage(TypedDict):
    """An image of a case; the same key may fetch the URL in `image`."""

    id: int
    pk: int
    cancellation_request: int
    image: str
    description: str | None
    attributes: Object
    uploaded_by: int | None
    is_uploaded_by_user: bool
    created_date: datetime
    modified_date: datetime


def image_document(row: ImageRow, channel_id: int) -> ChannelCaseImage:
    path = f"api/v1/channel/{channel_id}/cancellation_request_images/{row.id}/file/"
    return {
        "id": row.id,
        "pk": row.id,
        "cancellation_request": row.cancellation_request_id,
        "image": f"{settings.SITE_URL}/{path}",
        "description": row.description,
        "attributes": {},
        "uploaded_by": row.buyer if row.is_uploaded_by_user else None,
        "is_uploaded_by_user": row.is_uploaded_by_user,
        "created_date": row.created_date,
        "modified_date": row.modified_date,
    }


class ImageList(ChannelListView):
    """The images of the channel's cases, newest first."""

    filters = {
        "cancellation_request": by_id("cancellation_request_id"),
        "uploaded_by": Filter(
            StrictInteger(required=False),
            lambda user_id: Q(is_uploaded_by_user=True) & Q((_BUYER, user_id)),
        ),
        # Images have no attributes.
        "attributes": Filter(text(), no_rows),
    }
    rows = _image_rows
    operations = {
        "get": Operation(
            "channel_cancellation_request_images",
            CASES,
            PageOf(ChannelCaseImage),
            summary="List images of requests.",
        )
    }

    def queryset(self) -> "QuerySet[Any, Any]":
        return _images_in_channel(self.client.channel_id)

    def to_documents(self, rows: list[Any]) -> list[Any]:
        return [image_document(row, self.client.channel_id) for row in rows]


class ImageUpdates(ImageList):
    """The images of the channel's cases as a bare list, the latest change first."""

    has_envelope = False
    ordering = LAST_CHANGED
    operations = {
        "get": Operation(
            "channel_cancellation_request_image_updates",
            CASES,
            list[ChannelCaseImage],
            summary="List images by their latest change.",
        )
    }


class BaseImageView(ChannelView):
    """Finds the image of a route."""

    def row(self, pk: str) -> ImageRow:
        images = _images_in_channel(self.client.channel_id).filter(pk=path_id(pk))
        return row_or_404(_image_rows.first(images))


class ImageView(BaseImageView):
    """One image."""

    operations = {
        "get": Operation(
            "channel_cancellation_request_image",
            CASES,
            ChannelCaseImage,
            summary="Read an image's data.",
        )
    }

    def get(self, request: Request, channel_id: str, pk: str) -> Response:
        return Response(image_document(self.row(pk), self.client.channel_id))


class ImageFileView(BaseImageView):
    """The file of an image."""

    operations = {
        "get": Operation(
            "channel_cancellation_request_image_file",
            CASES,
            OpenApiResponse(OpenApiTypes.BINARY),
            media_type="image/*",
            summary="Download an image.",
        )
    }

    def get(self, request: Request, channel_id: str, pk: str) -> FileResponse:
        return image_response(self.row(pk).image)
