"""Views that open a guest's order with a mailed code, or with the link of the same mail."""

from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from takeback.accounts.channels import channel_id_of_host
from takeback.api.openapi import AnyOf, Operation, PageOf
from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.core.errors import CSRF_FAILED, Refused
from takeback.shoppers import guest_access
from takeback.shoppers.commands.order_codes import (
    accept_code,
    accept_token,
    order_of_token,
    request_code,
)
from takeback.storefront import openapi
from takeback.storefront.link_pages import LinkPage, LinkTexts
from takeback.storefront.orders_documents import Order
from takeback.storefront.orders_views import ORDER_FORMS, GuestOrderView, single_values
from takeback.storefront.serializers import NumberedOrder, OrderCode

CODE_SENT = _(
    "If there is an order with this number, a code is on its way to the order's e-mail address. It "
    "is valid for an hour."
)


class OrderCodeRequest(GuestOrderView):
    """Mails a code to the address of a guest's order; the response is the same for all numbers.

    An `email` in the body is ignored: no code goes to an address that somebody types.
    """

    operations = {
        "post": Operation(
            "guest_order_code",
            openapi.GUESTS,
            request=NumberedOrder,
            response={"type": "object", "properties": {"detail": {"type": "string"}}},
            status=202,
            description="At most three mails an hour go to the address of an order.",
            summary="Mail a code that opens a guest's order.",
        )
    }

    def post(self, request: Request) -> Response:
        body = NumberedOrder().run_validation(single_values(self.body))
        request_code(
            self.channel_id,
            body.get("number") or body["order"],
            language=get_language() or "",
            address=client_address(self.django_request),
            granted=self.caller.granted_orders,
            now=clock.now(),
        )
        return Response({"detail": CODE_SENT}, status=202)


class OrderCodeConfirmation(GuestOrderView):
    """Opens a guest's order with the code from the mail, whatever the limits of the look-up say."""

    operations = {
        "post": Operation(
            "guest_order_by_code",
            openapi.GUESTS,
            request=OrderCode,
            response=AnyOf((list[Order], PageOf(Order))),
            description=ORDER_FORMS,
            summary="Open a guest's order with a mailed code.",
        )
    }

    def post(self, request: Request) -> Response:
        body, now = OrderCode().run_validation(single_values(self.body)), clock.now()
        row = accept_code(
            self.channel_id,
            body.get("number") or body["order"],
            body["code"],
            address=client_address(self.django_request),
            now=now,
        )
        return self.open_order(row, body, now)


class OrderLinkPage(LinkPage):
    """Opens a guest's order in the browser of the mailed link.

    Only the button acts, and not on a page of another site: otherwise a site could open an order
    of its own in a visitor's browser.
    """

    acts_on_get = False
    texts = LinkTexts(
        title=_("Your order"),
        question=_("Open your order in this browser?"),
        explanation="",
        button=_("Open the order"),
        done=_("Your order is open in this browser. Go back to the shop to see it."),
        next_step=_("Request a new code in the shop."),
    )

    def is_valid(self, token: str, now: datetime) -> bool:
        return order_of_token(self._channel_id, token, now) is not None

    def act(self, token: str, now: datetime) -> bool:
        if self.django_request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise Refused(CSRF_FAILED)
        order_id = accept_token(self._channel_id, token, now)
        if order_id is not None:
            guest_access.grant(self.request.session, order_id, now)
        return order_id is not None

    @property
    def _channel_id(self) -> int:
        return channel_id_of_host(self.django_request.get_host())
