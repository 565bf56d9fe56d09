"""The story of a guest's request, by a client that a program generated from our document.

One process: `python FILE`, with the package `takeback_client` in its path. The environment
variable `STORY` names the server, the key and the order; the result is printed as JSON.
"""

import json
import os
import sys
from typing import Any

from takeback_client import AuthenticatedClient
from takeback_client.api.channel_requests import (
    channel_cancellation_request_approve,
    channel_cancellation_request_confirm,
    channel_cancellation_requests,
)
from takeback_client.api.storefront_accounts import login
from takeback_client.api.storefront_guests import guest_open_case, guest_order
from takeback_client.api.storefront_orders import orders
from takeback_client.models import (
    CancellationRequest,
    ChannelCancellationRequest,
    ChannelCancellationRequestsResponse200,
    GuestLookup,
    GuestOpenCaseBody,
    Login,
    NewCaseBodyCancellationType,
    OrdersResponse200,
    Remarks,
    RuleRefusal,
)

STORY: dict[str, Any] = json.loads(os.environ["STORY"])


def _client(token: str = "none") -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=STORY["url"], token=token, prefix="Token", raise_on_unexpected_status=True
    )


def guest() -> dict[str, Any]:
    """Finds the order, opens a request, and is refused a second one."""
    lookup = GuestLookup(number=STORY["number"], email=STORY["guest"])
    rows = guest_order.sync(client=_client(), body=lookup)
    assert isinstance(rows, list)
    body = GuestOpenCaseBody(
        number=STORY["number"],
        email=STORY["guest"],
        order_item=rows[0].orderitem_set[0].pk,
        reason=STORY["reason"],
        cancellation_type=NewCaseBodyCancellationType.CANCEL,
    )
    opened = guest_open_case.sync_detailed(client=_client(), body=body, idempotency_key="once")
    again = guest_open_case.sync_detailed(client=_client(), body=body)
    assert isinstance(opened.parsed, CancellationRequest)
    assert isinstance(again.parsed, RuleRefusal)
    statuses = [opened.status_code, again.status_code]
    return {"number": rows[0].number, "statuses": statuses, "code": again.parsed.error_code}


def channel() -> dict[str, Any]:
    """Finds the request in the list, confirms it and approves it."""
    client = _client(STORY["key"])
    listed = channel_cancellation_requests.sync(STORY["channel"], client=client)
    assert isinstance(listed, ChannelCancellationRequestsResponse200)
    case = listed.results[0]
    statuses = [case.status]
    for step in (channel_cancellation_request_confirm, channel_cancellation_request_approve):
        moved = step.sync(STORY["channel"], case.pk, client=client, body=Remarks())
        assert isinstance(moved, ChannelCancellationRequest)
        statuses.append(moved.status)
    return {"count": listed.count, "statuses": statuses}


def customer() -> list[str]:
    """Signs in and lists the own orders."""
    client = _client()
    body = Login(email=STORY["customer"], password=STORY["password"])
    assert login.sync_detailed(client=client, body=body).status_code == 200
    page = orders.sync(client=client)
    assert isinstance(page, OrdersResponse200)
    return [order.number for order in page.results]


if __name__ == "__main__":
    json.dump({"guest": guest(), "channel": channel(), "customer": customer()}, sys.stdout)
