"""Scenarios of the published clients, one per process: `python FILE NAME`.

Needs `omnisdk` and `channel_app`, and imports nothing of Takeback. The environment variable
`SCENARIO` names the server and the login; the result is printed as JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

SCENARIO: dict[str, Any] = json.loads(os.environ["SCENARIO"])
SHOP = str(SCENARIO["channel"])


def _sdk() -> Any:
    """A client that has just logged in; all endpoints use it."""
    from omnisdk.omnitron.client import OmnitronApiClient

    return OmnitronApiClient(SCENARIO["url"], SCENARIO["username"], SCENARIO["password"])


def _watched(client: Any) -> list[list[Any]]:
    """Records method, path and status of every request of this client from now on."""
    calls: list[list[Any]] = []

    def note(response: Any, *_: Any, **__: Any) -> None:
        path = response.request.path_url.partition("?")[0]
        calls.append([response.request.method, path, response.status_code])

    client.session.hooks["response"].append(note)
    return calls


def login() -> Any:
    """Log in, and reuse the key."""
    from omnisdk.omnitron.client import OmnitronApiClient
    from omnisdk.omnitron.endpoints import ActiveUserEndpoint

    client = _sdk()
    again = OmnitronApiClient(SCENARIO["url"], "nobody", "nothing", token=client.token)
    user = ActiveUserEndpoint(raw=True).list()
    return {"prefix": client.token[:15], "same": again.token == client.token, "user": user}


def wrong_login() -> Any:
    """The error that the client raises for a wrong password."""
    from omnisdk.exceptions import ValidationError
    from omnisdk.omnitron.client import OmnitronApiClient

    try:
        OmnitronApiClient(SCENARIO["url"], SCENARIO["username"], "wrong")
    except ValidationError as error:
        return error.json
    return None


def pages() -> Any:
    """The first page by `list`, the others by its iterator."""
    from omnisdk.omnitron.endpoints import ChannelOrderEndpoint

    client = _sdk()
    calls = _watched(client)
    endpoint = ChannelOrderEndpoint(channel_id=SHOP)
    numbers = [[order.number for order in endpoint.list(params={"limit": 2})]]
    numbers += [[order.number for order in page] for page in endpoint.iterator]
    return {"pages": numbers, "calls": len(calls)}


def retrieve_and_update() -> Any:
    """Create a batch, retrieve it, and send it back with another status."""
    from omnisdk.omnitron.endpoints import ChannelBatchRequestEndpoint, ChannelEndpoint
    from omnisdk.omnitron.models import BatchRequest

    client = _sdk()
    created = ChannelBatchRequestEndpoint(channel_id=SHOP).create(item=BatchRequest(channel=SHOP))
    batch = ChannelBatchRequestEndpoint(channel_id=SHOP).retrieve(id=created.pk)
    batch.status, batch.content_type = "commit", "order"
    changed = ChannelBatchRequestEndpoint(channel_id=SHOP).update(id=created.pk, item=batch)
    channel = ChannelEndpoint().retrieve(id=SHOP)
    del client
    return {
        "same": created.get_parameters()
        == batch.get_parameters() | {"status": "initialized", "content_type": None},
        "status": changed.status,
        "channel": [channel.pk, channel.is_active, channel.conf],
    }


def stale_key() -> Any:
    """Five newer logins end the first key: the client logs in again and repeats the request."""
    from omnisdk.base_client import BaseClient
    from omnisdk.omnitron.endpoints import ChannelOrderEndpoint

    client = _sdk()
    newer = [_sdk() for _ in range(5)]
    BaseClient.instance["OmnitronApiClient"] = client
    calls = _watched(client)
    orders = ChannelOrderEndpoint(channel_id=SHOP).list()
    del newer
    return {"orders": len(orders), "calls": calls}


class _Memory:
    """Replaces the cache in which channel_app stores its key."""

    values: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        return self.values.get(name)

    def set(self, name: str, value: Any, _seconds: int | None = None) -> None:
        self.values[name] = str(value).encode()


def _channel_app(content_type: str) -> Any:
    """An integration of the channel, as a context manager."""
    os.environ |= {
        "OMNITRON_CHANNEL_ID": SHOP,
        "OMNITRON_USERNAME": SCENARIO["username"],
        "OMNITRON_PASSWORD": SCENARIO["password"],
        "OMNITRON_MODULE": "channel_app.omnitron.integration",
        "CHANNEL_MODULE": "channel_app.channel.integration",
    }
    from channel_app.core import clients, settings

    clients.RedisClient = _Memory
    settings.OMNITRON_URL = SCENARIO["url"]  # the default is always https
    return settings.OmnitronIntegration(content_type=content_type)


def _objects(kind: str, remote_ids: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"pk": pk, "remote_id": remote_id, "version_date": SCENARIO["now"], "content_type": kind}
        for remote_id, pk in remote_ids.items()
    ]


def _mapped(integration: Any) -> None:
    """Sync the remote ids of the order and its items."""
    from channel_app.omnitron.batch_request import ClientBatchRequest

    service = ClientBatchRequest(SHOP)
    batch = service.create()
    batch.content_type = "order"
    batch.objects = _objects("order", SCENARIO["orders"]) + _objects("orderitem", SCENARIO["items"])
    service.to_commit(batch)
    service.to_done(batch)


def batch_life() -> Any:
    """A run over orders with an error report and a look-up."""
    from channel_app.core.data import ErrorReportDto
    from channel_app.omnitron.batch_request import ClientBatchRequest

    with _channel_app("order") as integration:
        _mapped(integration)
        batch = integration.batch_request
        batch.objects = _objects("order", SCENARIO["orders"])
        service = ClientBatchRequest(SHOP)
        states = [service.to_commit(batch).status]
        batch.remote_batch_id = "r-1"
        states += [service.to_sent_to_remote(batch).status, service.to_ongoing(batch).status]
        waiting = integration.do_action(
            key="get_batch_requests",
            params={"status": ["sent_to_remote", "ongoing"], "content_type": "order"},
        )
        actions = integration.do_action(
            key="get_integrations", objects={"content_type_name": "orderitem"}
        )
        integration.do_action(
            key="create_error_report",
            objects=ErrorReportDto(
                action_content_type="batchrequest",
                action_object_id=batch.pk,
                modified_date="2026-03-10 12:00:00",
                error_code=f"{batch.local_batch_id}-GetOrders",
                raw_response="sent",
                is_ok=True,
            ),
        )
        states.append(service.to_done(batch).status)
        late = _refusal(lambda: service.to_ongoing(batch))
    return {
        "states": states,
        "waiting": [row.pk == batch.pk for row in waiting],
        "items": {action.remote_id: action.object_id for action in actions},
        "late": late,
    }


def empty_run() -> Any:
    """A run without objects ends its batch."""
    from channel_app.omnitron.batch_request import ClientBatchRequest

    with _channel_app("cancellationrequest") as integration:
        done = ClientBatchRequest(SHOP).to_done(integration.batch_request)
    return done.status


def cancellations() -> Any:
    """Create, list, change, reject and remove a case with the SDK."""
    from omnisdk.omnitron.endpoints import ChannelCancellationRequestEndpoint as Endpoint
    from omnisdk.omnitron.models import CancellationRequest

    client = _sdk()
    body = {"cancellation_type": "cancel", "description": "first", "remote_id": "c-1"}
    ids = {"order_item": SCENARIO["items"]["i-1"], "reason": SCENARIO["reason"]}
    created = Endpoint(channel_id=SHOP).create(item=CancellationRequest(**body, **ids))
    endpoint = Endpoint(channel_id=SHOP)
    listed = [case.id for case in endpoint.list(params={"limit": 1})]
    listed += [case.id for page in endpoint.iterator for case in page]
    case = Endpoint(channel_id=SHOP).retrieve(id=created.id)
    case.description = "second"
    changed = Endpoint(channel_id=SHOP).update(id=created.id, item=case)
    rejected = Endpoint(channel_id=SHOP, path=f"{created.id}/reject").create(item=None)
    removed = Endpoint(channel_id=SHOP).delete(id=created.id)
    gone = _refusal(lambda: Endpoint(channel_id=SHOP).retrieve(id=created.id))
    del client
    return {
        "made": [created.pk == created.id, created.status, created.description],
        "listed": [created.id == number for number in listed],
        "changed": changed.description,
        "rejected": rejected.status,
        "removed": removed,
        "gone": gone,
    }


def approved_refunds() -> Any:
    """GetCancellationRequest: all approved returns in a batch."""
    from channel_app.omnitron.batch_request import ClientBatchRequest

    with _channel_app("cancellationrequest") as integration:
        cases = integration.do_action(
            key="get_cancellation_requests",
            objects={"status": "approved", "cancellation_type": "refund", "limit": 2},
        )
        done = ClientBatchRequest(SHOP).to_done(integration.batch_request)
    return {"found": [case.pk for case in cases], "status": done.status}


def updated_cancellations() -> Any:
    """GetCancellationRequestUpdates, as the order service runs it."""
    _channel_app("cancellationrequest")
    from channel_app.app.order.service import OrderService

    OrderService().update_cancellation_requests()


def created_cancellation() -> Any:
    """CreateCancellationRequest: channel_app maps remote ids to ours."""
    from channel_app.core.data import CancellationRequestDto
    from channel_app.omnitron.batch_request import ClientBatchRequest

    body = {"order_item": "i-1", "reason": "iptal", "remote_id": "c-1", "description": ""}
    with _channel_app("cancellationrequest") as integration:
        _mapped(integration)
        (created,) = integration.do_action(
            key="create_cancellation_requests", objects=CancellationRequestDto(**body)
        )
        ClientBatchRequest(SHOP).to_done(integration.batch_request)
    return created.id


def cancelled_order() -> Any:
    """CreateOrderCancel: one item of an order, by remote ids."""
    from channel_app.core.data import CancelOrderDto

    with _channel_app("order") as integration:
        _mapped(integration)
        (sent,) = integration.do_action(
            key="create_order_cancel",
            objects=CancelOrderDto(order="o-1", cancel_items=["i-1"], reasons={"i-1": "iptal"}),
        )
    return sent


def _refusal(act: Callable[[], Any]) -> Any:
    import requests

    try:
        act()
    except requests.HTTPError as error:
        return [error.response.status_code, error.response.json()["code"]]
    return None


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))  # noqa: T201 - that is how it answers
