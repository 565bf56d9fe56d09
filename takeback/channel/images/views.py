"""Pictures of cases as other systems list and fetch them."""

from django.conf import settings
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.models import ApiKey
from takeback.api.fields import StrictInteger
from takeback.api.image_response import image_response
from takeback.api.paginator import envelope
from takeback.channel import openapi
from takeback.channel.auth import number_of
from takeback.channel.base import ChannelView
from takeback.channel.filters import text, validated_filters
from takeback.channel.images import queries, shapes
from takeback.channel.routes import DOCUMENTED
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.core.paging import Page

SHAPE = "ChannelCaseImage"


class ImageFilters(serializers.Serializer[object]):
    """Which pictures are listed."""

    cancellation_request = StrictInteger(required=False)
    uploaded_by = StrictInteger(required=False)
    attributes = text()


class _Images(ChannelView):
    """Who reads a case may see its pictures."""

    scopes = {"GET": ApiKey.READ, "HEAD": ApiKey.READ}

    def row(self, pk: str) -> queries.ImageRow:
        """A picture; another channel's is as absent as none."""
        row = queries.image(self.caller.channel_id, number_of(pk))
        if row is None:
            raise Refused(errors.NOT_FOUND)
        return row

    def shown(self, row: queries.ImageRow) -> shapes.ChannelCaseImage:
        """A picture with the address under which this caller may fetch it."""
        place = f"channel/{self.caller.channel_id}/cancellation_request_images/{row.id}/file/"
        return {
            "id": row.id,
            "pk": row.id,
            "cancellation_request": row.cancellation_request_id,
            "image": f"{settings.SITE_URL}/{DOCUMENTED}/{place}",
            "description": row.description,
            "attributes": {},
            "uploaded_by": row.buyer if row.is_uploaded_by_user else None,
            "is_uploaded_by_user": row.is_uploaded_by_user,
            "created_date": row.created_date,
            "modified_date": row.modified_date,
        }


class Images(_Images):
    """The pictures of a channel's cases, newest first."""

    @extend_schema(
        operation_id="channel_cancellation_request_images",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, ImageFilters, *openapi.page_parameters()],
        responses={200: openapi.page_of(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        query = call.query_params.dict()
        page, told = Page.of(query), validated_filters(call, ImageFilters)
        total, rows = queries.images(self.caller.channel_id, told, page)
        documents = [self.shown(row) for row in rows]
        return Response(envelope(call.path, query, page, total, documents))


class ImageUpdates(_Images):
    """The same as a bare list, the last changed first."""

    @extend_schema(
        operation_id="channel_cancellation_request_image_updates",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, ImageFilters, *openapi.page_parameters()],
        responses={200: openapi.documents(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        page, told = Page.of(call.query_params.dict()), validated_filters(call, ImageFilters)
        rows = queries.changed(self.caller.channel_id, told, page)
        return Response([self.shown(row) for row in rows])


class ImageInsertsOrUpdates(ImageUpdates):
    """Another name of the same list."""

    @extend_schema(
        operation_id="channel_cancellation_request_image_inserts_or_updates",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, ImageFilters, *openapi.page_parameters()],
        responses={200: openapi.documents(SHAPE)} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str) -> Response:
        return super().get(call, channel_id)


class Image(_Images):
    """One picture."""

    @extend_schema(
        operation_id="channel_cancellation_request_image",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={200: openapi.document(SHAPE, "Found.")} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> Response:
        return Response(self.shown(self.row(pk)))


class ImageFile(_Images):
    """The picture itself."""

    @extend_schema(
        operation_id="channel_cancellation_request_image_file",
        tags=[openapi.CASES],
        parameters=[openapi.CHANNEL_ID, openapi.PK],
        responses={(200, "image/*"): OpenApiTypes.BINARY} | openapi.REFUSALS,
    )
    def get(self, call: Request, channel_id: str, pk: str) -> FileResponse:
        return image_response(self.row(pk).image)
