"""The requester of a storefront request."""

from takeback.core import clock
from takeback.core.client_ip import client_address
from takeback.shoppers.requester import (
    Requester,
    customer_requester,
    granted_requester,
    lookup_requester,
)
from takeback.storefront.base import StorefrontView
from takeback.storefront.serializers import guest_lookup


def customer_of(view: StorefrontView) -> Requester:
    """The signed-in customer."""
    return customer_requester(view.account, view.channel_id, clock.now())


def guest_of(view: StorefrontView) -> Requester:
    """A guest who names number and e-mail address, or has access to orders by a grant."""
    channel_id, now = view.channel_id, clock.now()
    if {"number", "order", "email"}.isdisjoint(view.body):
        return granted_requester(channel_id, view.caller.granted_orders, now)
    body = guest_lookup.run_validation(view.body)
    number, address = body.get("number") or body["order"], client_address(view.django_request)
    return lookup_requester(channel_id, number, body["email"], address=address, now=now)
