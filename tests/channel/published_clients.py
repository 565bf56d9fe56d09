"""What the published clients do against a server, one scenario per process: `python FILE NAME`.

Runs where `omnisdk` and `channel_app` are installed and knows nothing of ours. `SCENARIO` in the
environment says where the server is and who signs in; what came of it is printed as JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

TOLD: dict[str, Any] = json.loads(os.environ["SCENARIO"])
SHOP = str(TOLD["channel"])


def _sdk() -> Any:
    """A client that has just signed in, and for which every endpoint now speaks."""
    from omnisdk.omnitron.client import OmnitronApiClient

    return OmnitronApiClient(TOLD["url"], TOLD["username"], TOLD["password"])


def _watched(client: Any) -> list[list[Any]]:
    """Method, path and status of every call that this client makes from now on."""
    calls: list[list[Any]] = []

    def note(response: Any, *_: Any, **__: Any) -> None:
        path = response.request.path_url.partition("?")[0]
        calls.append([response.request.method, path, response.status_code])

    client.session.hooks["response"].append(note)
    return calls


def login() -> Any:
    """Sign in, keep the key, come again with it."""
    from omnisdk.omnitron.client import OmnitronApiClient
    from omnisdk.omnitron.endpoints import ActiveUserEndpoint

    client = _sdk()
    again = OmnitronApiClient(TOLD["url"], "nobody", "nothing", token=client.token)
    user = ActiveUserEndpoint(raw=True).list()
    return {"prefix": client.token[:15], "same": again.token == client.token, "user": user}


def wrong_login() -> Any:
    """What the client raises for a wrong password."""
    from omnisdk.exceptions import ValidationError
    from omnisdk.omnitron.client import OmnitronApiClient

    try:
        OmnitronApiClient(TOLD["url"], TOLD["username"], "wrong")
    except ValidationError as error:
        return error.json
    return None


def pages() -> Any:
    """The first page by `list`, the others by its iterator."""
    from omnisdk.omnitron.endpoints import ChannelOrderEndpoint

    client = _sdk()
    calls = _watched(client)
    endpoint = ChannelOrderEndpoint(channel_id=SHOP)
    found = [[order.number for order in endpoint.list(params={"limit": 2})]]
    found += [[order.number for order in page] for page in endpoint.iterator]
    return {"pages": found, "calls": len(calls)}


def retrieve_and_update() -> Any:
    """A batch begun, asked for, and sent back whole with another status."""
    from omnisdk.omnitron.endpoints import ChannelBatchRequestEndpoint, ChannelEndpoint
    from omnisdk.omnitron.models import BatchRequest

    client = _sdk()
    made = ChannelBatchRequestEndpoint(channel_id=SHOP).create(item=BatchRequest(channel=SHOP))
    found = ChannelBatchRequestEndpoint(channel_id=SHOP).retrieve(id=made.pk)
    found.status, found.content_type = "commit", "order"
    changed = ChannelBatchRequestEndpoint(channel_id=SHOP).update(id=made.pk, item=found)
    channel = ChannelEndpoint().retrieve(id=SHOP)
    del client
    return {
        "same": made.get_parameters()
        == found.get_parameters() | {"status": "initialized", "content_type": None},
        "status": changed.status,
        "channel": [channel.pk, channel.is_active, channel.conf],
    }


def stale_key() -> Any:
    """Five newer logins end the first key: the client signs in once more and repeats the call."""
    from omnisdk.base_client import BaseClient
    from omnisdk.omnitron.endpoints import ChannelOrderEndpoint

    client = _sdk()
    newer = [_sdk() for _ in range(5)]
    BaseClient.instance["OmnitronApiClient"] = client
    calls = _watched(client)
    found = ChannelOrderEndpoint(channel_id=SHOP).list()
    del newer
    return {"orders": len(found), "calls": calls}


class _Memory:
    """Stands for the cache in which channel_app keeps its key."""

    kept: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def set(self, name: str, value: Any, _seconds: int | None = None) -> None:
        self.kept[name] = str(value).encode()


def _channel_app(content_type: str) -> Any:
    """An integration of the shop's channel, to be entered."""
    os.environ |= {
        "OMNITRON_CHANNEL_ID": SHOP,
        "OMNITRON_USERNAME": TOLD["username"],
        "OMNITRON_PASSWORD": TOLD["password"],
        "OMNITRON_MODULE": "channel_app.omnitron.integration",
        "CHANNEL_MODULE": "channel_app.channel.integration",
    }
    from channel_app.core import clients, settings

    clients.RedisClient = _Memory
    settings.OMNITRON_URL = TOLD["url"]  # its own is always https
    return settings.OmnitronIntegration(content_type=content_type)


def _objects(kind: str, remote_ids: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"pk": pk, "remote_id": remote_id, "version_date": TOLD["now"], "content_type": kind}
        for remote_id, pk in remote_ids.items()
    ]


def _mapped(integration: Any) -> None:
    """Let the server know by which ids the channel's system knows the order and its lines."""
    from channel_app.omnitron.batch_request import ClientBatchRequest

    service = ClientBatchRequest(SHOP)
    batch = service.create()
    batch.content_type = "order"
    batch.objects = _objects("order", TOLD["orders"]) + _objects("orderitem", TOLD["items"])
    service.to_commit(batch)
    service.to_done(batch)


def batch_life() -> Any:
    """A run over orders as channel_app makes one, with a report and a look-up."""
    from channel_app.core.data import ErrorReportDto
    from channel_app.omnitron.batch_request import ClientBatchRequest

    with _channel_app("order") as integration:
        _mapped(integration)
        batch = integration.batch_request
        batch.objects = _objects("order", TOLD["orders"])
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
        "waiting": [each.pk == batch.pk for each in waiting],
        "items": {action.remote_id: action.object_id for action in actions},
        "late": late,
    }


def empty_run() -> Any:
    """A run that finds nothing to do ends without a fuss."""
    from channel_app.omnitron.batch_request import ClientBatchRequest

    with _channel_app("cancellationrequest") as integration:
        done = ClientBatchRequest(SHOP).to_done(integration.batch_request)
    return done.status


def cancellations() -> Any:
    """A case from its creation to its removal, by the SDK alone."""
    from omnisdk.omnitron.endpoints import ChannelCancellationRequestEndpoint as Endpoint
    from omnisdk.omnitron.models import CancellationRequest

    client = _sdk()
    told = {"cancellation_type": "cancel", "description": "first", "remote_id": "c-1"}
    ids = {"order_item": TOLD["items"]["i-1"], "reason": TOLD["reason"]}
    made = Endpoint(channel_id=SHOP).create(item=CancellationRequest(**told, **ids))
    endpoint = Endpoint(channel_id=SHOP)
    listed = [case.id for case in endpoint.list(params={"limit": 1})]
    listed += [case.id for page in endpoint.iterator for case in page]
    found = Endpoint(channel_id=SHOP).retrieve(id=made.id)
    found.description = "second"
    changed = Endpoint(channel_id=SHOP).update(id=made.id, item=found)
    rejected = Endpoint(channel_id=SHOP, path=f"{made.id}/reject").create(item=None)
    removed = Endpoint(channel_id=SHOP).delete(id=made.id)
    gone = _refusal(lambda: Endpoint(channel_id=SHOP).retrieve(id=made.id))
    del client
    return {
        "made": [made.pk == made.id, made.status, made.description],
        "listed": [made.id == number for number in listed],
        "changed": changed.description,
        "rejected": rejected.status,
        "removed": removed,
        "gone": gone,
    }


def approved_refunds() -> Any:
    """GetCancellationRequest: all approved returns, handed over in a batch."""
    from channel_app.omnitron.batch_request import ClientBatchRequest

    with _channel_app("cancellationrequest") as integration:
        found = integration.do_action(
            key="get_cancellation_requests",
            objects={"status": "approved", "cancellation_type": "refund", "limit": 2},
        )
        done = ClientBatchRequest(SHOP).to_done(integration.batch_request)
    return {"found": [case.pk for case in found], "status": done.status}


def updated_cancellations() -> Any:
    """GetCancellationRequestUpdates, as the order service runs it."""
    _channel_app("cancellationrequest")
    from channel_app.app.order.service import OrderService

    OrderService().update_cancellation_requests()


def created_cancellation() -> Any:
    """CreateCancellationRequest: the channel's ids are turned into ours by what was mapped."""
    from channel_app.core.data import CancellationRequestDto
    from channel_app.omnitron.batch_request import ClientBatchRequest

    told = {"order_item": "i-1", "reason": "iptal", "remote_id": "c-1", "description": ""}
    with _channel_app("cancellationrequest") as integration:
        _mapped(integration)
        (made,) = integration.do_action(
            key="create_cancellation_requests", objects=CancellationRequestDto(**told)
        )
        ClientBatchRequest(SHOP).to_done(integration.batch_request)
    return made.id


def cancelled_order() -> Any:
    """CreateOrderCancel: one line of an order, both by the channel's ids."""
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
