"""Batches, actions and reports as a channel's system speaks of them."""

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


def call(caller: HttpClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """One request; a path without a slash at its beginning is the shop's."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
    where = path if path.startswith("/") else BASE + path
    # A request is what may not repeat a question; a test may send several.
    with zeal.zeal_context():
        return caller.generic(method, where, data, content_type="application/json", headers=headers)


def begun(caller: HttpClient, **body: Any) -> dict[str, Any]:
    """A new batch."""
    answer = call(caller, "POST", "batch_requests/", body)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def moved(caller: HttpClient, batch: dict[str, Any], status: str | None = None, **body: Any) -> Any:
    """What a system is answered that reports a status of its batch."""
    told = body if status is None else {"status": status} | body
    return call(caller, "PATCH", f"batch_requests/{batch['pk']}/", told)


def thing(pk: int, kind: str = "cancellationrequest", **told: Any) -> dict[str, Any]:
    """An object in a batch as `channel_app` sends one."""
    nothing = {"failed_reason_type": None, "remote_id": None}
    return {"pk": pk, "version_date": DATE, "content_type": kind} | nothing | told


def actions(caller: HttpClient, **filters: Any) -> list[dict[str, Any]]:
    """The integration actions that these filters find."""
    with zeal.zeal_context():
        answer = caller.get(BASE + "integration_actions/", filters)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def report(**told: Any) -> dict[str, Any]:
    """An error report as `channel_app` sends one, about the shop itself."""
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
    } | told


def order(number: str = factories.NUMBER, *, channel_id: int = shop.SHOP) -> Order:
    """An order with one line."""
    return factories.create_order(number=number, channel_id=channel_id)


def case(number: str = factories.NUMBER, *, channel_id: int = shop.SHOP) -> CancellationRequest:
    """A case on the only line of a new order."""
    return factories.create_case(item=factories.items_of(order(number, channel_id=channel_id))[0])
