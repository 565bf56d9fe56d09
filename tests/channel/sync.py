"""Sends batches, integration actions and error reports as a channel's system does."""

import json
from typing import Any

import zeal

from takeback.cancellations.models import CancellationRequest
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient

BASE = f"/api/v1/channel/{shop.SHOP}/"
DATE = "2026-03-10T12:00:00Z"


def send(caller: HttpClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Send a request; a relative path is below the shop's channel."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
    url = path if path.startswith("/") else BASE + path
    # A request may not repeat a query; a test may send several requests.
    with zeal.zeal_context():
        return caller.generic(method, url, data, content_type="application/json", headers=headers)


def open_batch(caller: HttpClient, **body: Any) -> dict[str, Any]:
    """Create a batch and return its document."""
    response = send(caller, "POST", "batch_requests/", body)
    assert response.status_code == 201, response.content
    document: dict[str, Any] = response.json()
    return document


def change_batch(
    caller: HttpClient, batch: dict[str, Any], status: str | None = None, **body: Any
) -> Any:
    """PATCH a batch, with a status or without."""
    data = body if status is None else {"status": status} | body
    return send(caller, "PATCH", f"batch_requests/{batch['pk']}/", data)


def batch_object(pk: int, kind: str = "cancellationrequest", **fields: Any) -> dict[str, Any]:
    """An object in a batch, as `channel_app` sends it."""
    defaults = {"failed_reason_type": None, "remote_id": None}
    return {"pk": pk, "version_date": DATE, "content_type": kind} | defaults | fields


def actions(caller: HttpClient, **filters: Any) -> list[dict[str, Any]]:
    """The integration actions that match the filters."""
    with zeal.zeal_context():
        response = caller.get(BASE + "integration_actions/", filters)
    assert response.status_code == 200, response.content
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def error_report(**fields: Any) -> dict[str, Any]:
    """An error report about the channel, as `channel_app` sends it."""
    return {
        "action_content_type": 4,
        "action_object_id": shop.SHOP,
        "target_content_type": 4,
        "target_object_id": str(shop.SHOP),
        "obj_modified_date": "2026-03-10 12:00:00",
        "error_code": "5-Omnitron-GetOrders",
        "error_desc": "Omnitron-GetOrders",
        "raw_request": "GET - http://localhost/ - None",
        "raw_response": "<html>\n\u200b</html>",
        "is_ok": False,
    } | fields


def order(number: str = factories.NUMBER, *, channel_id: int = shop.SHOP) -> Order:
    """An order with one item."""
    return factories.create_order(number=number, channel_id=channel_id)


def case(number: str = factories.NUMBER, *, channel_id: int = shop.SHOP) -> CancellationRequest:
    """A case of the only item of a new order."""
    return factories.create_case(item=factories.items_of(order(number, channel_id=channel_id))[0])
