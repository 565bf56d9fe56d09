"""Pictures of cases, for those who may see the case."""

import re

from django.conf import settings
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from takeback.cancellations.queries import order_of_picture
from takeback.core import problems
from takeback.core.problems import Refused
from takeback.storefront.callers import Caller
from takeback.storefront.handling import StorefrontView

# Our own names only: whatever else a path may say, it is not looked for on the disk.
_NAME = re.compile(r"cases/([0-9a-f]{2})/\1[0-9a-f]{30}\.(jpg|png)", re.ASCII)
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_INERT = "default-src 'none'; sandbox"


class MediaFile(StorefrontView):
    """A picture, for the customer whose case it belongs to, or the guest who proved its order."""

    @extend_schema(
        operation_id="case_picture",
        tags=["storefront: cases"],
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)],
        responses={(200, "image/*"): OpenApiTypes.BINARY},
    )
    def get(self, call: Request, name: str) -> FileResponse:
        fits = _NAME.fullmatch(name)
        if not fits or not self._may_see(name):
            raise Refused(problems.NOT_FOUND)
        try:
            file = (settings.MEDIA_ROOT / name).open("rb")
        except FileNotFoundError as error:
            raise Refused(problems.NOT_FOUND) from error
        answer = FileResponse(file, content_type=_TYPES[fits[2]])
        answer["Content-Disposition"] = "inline"
        answer["Cache-Control"] = "private, no-store"
        answer["Content-Security-Policy"] = _INERT
        return answer

    def _may_see(self, name: str) -> bool:
        found, caller = order_of_picture(name), self.request.user
        if found is None or not isinstance(caller, Caller):
            return False
        order_id, user_id = found
        if caller.account:
            return caller.account.id == user_id
        return order_id in caller.proven_orders
