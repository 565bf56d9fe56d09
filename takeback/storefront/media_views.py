"""Pictures of cases, for those who may see the case."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from takeback.api.image_response import image_response, is_image_name
from takeback.cancellations.queries import order_of_image
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.storefront.auth import Caller
from takeback.storefront.base import StorefrontView


class MediaFile(StorefrontView):
    """A picture, for the customer whose case it belongs to, or the guest who proved its order."""

    @extend_schema(
        operation_id="case_image",
        tags=["storefront: cases"],
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)],
        responses={(200, "image/*"): OpenApiTypes.BINARY},
    )
    def get(self, call: Request, name: str) -> FileResponse:
        if not is_image_name(name) or not self._may_see(name):
            raise Refused(errors.NOT_FOUND)
        return image_response(name)

    def _may_see(self, name: str) -> bool:
        found, caller = order_of_image(name), self.request.user
        if found is None or not isinstance(caller, Caller):
            return False
        order_id, user_id = found
        if caller.account:
            return caller.account.id == user_id
        return order_id in caller.proven_orders
