"""Pictures of cases, for those who may see the case."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from takeback.cancellations.pictures.serving import is_ours, picture_file
from takeback.cancellations.queries import order_of_picture
from takeback.core import problems
from takeback.core.problems import Refused
from takeback.storefront.callers import Caller
from takeback.storefront.handling import StorefrontView


class MediaFile(StorefrontView):
    """A picture, for the customer whose case it belongs to, or the guest who proved its order."""

    @extend_schema(
        operation_id="case_picture",
        tags=["storefront: cases"],
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)],
        responses={(200, "image/*"): OpenApiTypes.BINARY},
    )
    def get(self, call: Request, name: str) -> FileResponse:
        if not is_ours(name) or not self._may_see(name):
            raise Refused(problems.NOT_FOUND)
        return picture_file(name)

    def _may_see(self, name: str) -> bool:
        found, caller = order_of_picture(name), self.request.user
        if found is None or not isinstance(caller, Caller):
            return False
        order_id, user_id = found
        if caller.account:
            return caller.account.id == user_id
        return order_id in caller.proven_orders
