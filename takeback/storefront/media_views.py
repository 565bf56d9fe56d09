"""Serves the images of cases to their requesters, and logos to anyone."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from takeback.api.image_response import image_response, is_image_name, logo_response
from takeback.api.openapi import Operation
from takeback.cancellations.queries import order_of_image
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.storefront import openapi
from takeback.storefront.base import StorefrontView


class LogoView(StorefrontView):
    """The logo of a shop, which mailed pages show to anyone."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request, name: str) -> FileResponse:
        return logo_response(name)


class CaseImageView(StorefrontView):
    """An image, for the customer of its case or the guest who verified its order."""

    operations = {
        "get": Operation(
            "case_image",
            openapi.CASES,
            response=OpenApiResponse(OpenApiTypes.BINARY, description="The image."),
            parameters=(OpenApiParameter("name", str, OpenApiParameter.PATH),),
            media_type="image/*",
            summary="Download an image of a request.",
        )
    }

    def get(self, request: Request, name: str) -> FileResponse:
        if not is_image_name(name) or not self._may_read(name):
            raise Refused(errors.NOT_FOUND)
        return image_response(name)

    def _may_read(self, name: str) -> bool:
        ids, caller = order_of_image(name), self.caller
        if ids is None:
            return False
        order_id, user_id = ids
        if caller.account:
            return caller.account.id == user_id
        return order_id in caller.granted_orders
