"""Requests that change a channel's cases, and the form of their refusals."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zeal

from takeback.cancellations.models import CancellationRequest, CaseHistory
from tests import factories
from tests.channel import shop
from tests.factories import HttpClient
from tests.storefront.api import assert_common_headers, nothing_written

IBAN, OTHER_IBAN = "TR330006100519786457841326", "DE89370400440532013000"
HOLDER = "Ayla Ray"
CASES = f"/api/v1/channel/{shop.SHOP}/cancellation_requests/"


def caller(*scopes: str) -> HttpClient:
    """An HTTP client whose key was used a moment ago: using it again writes nothing."""
    client = shop.client(shop.key(scopes=["read", "decide", *scopes]))
    assert client.get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 200
    return client


def send(caller: HttpClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Send a request with a JSON body; None becomes `null`, bytes are sent unchanged."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with zeal.zeal_context():
        return caller.generic(method, path, data, content_type="application/json", headers=headers)


def change(caller: HttpClient, case: int, body: Any, method: str = "PATCH", **headers: str) -> Any:
    """PATCH or PUT a case."""
    return send(caller, method, f"{CASES}{case}/", body, **headers)


def transition(caller: HttpClient, case: int, name: str, body: Any = None, **headers: str) -> Any:
    """POST `reject`, `confirm` or `approve`."""
    return send(caller, "POST", f"{CASES}{case}/{name}/", body, **headers)


def open_case(caller: HttpClient, body: Any = None, **fields: Any) -> Any:
    """POST a new case."""
    return send(caller, "POST", CASES, fields if body is None else body)


def remove(caller: HttpClient, case: int, **headers: str) -> Any:
    """DELETE a case."""
    return send(caller, "DELETE", f"{CASES}{case}/", b"", **headers)


def stored_case(pk: int) -> CancellationRequest:
    """The row of a case."""
    return CancellationRequest.objects.get(pk=pk)


def history(pk: int) -> list[tuple[int, str, str]]:
    """The history of a case: number, event and resulting status of each row."""
    rows = CaseHistory.objects.filter(cancellation_request_id=pk).order_by("seq")
    return list(rows.values_list("seq", "event", "after"))


@contextmanager
def refused(status: int, code: str, *fields: str) -> Iterator[list[Any]]:
    """Check that the response put into the list is this refusal and that nothing is written."""
    responses: list[Any] = []
    with nothing_written():
        yield responses
    (response,) = responses
    assert_common_headers(response)
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    if not fields:
        assert set(response.json()) == {"detail", "code"}
        return
    assert set(response.json()) == {*fields, "code"}, response.content
    for name in fields:
        texts = response.json()[name]
        assert isinstance(texts, list)
        assert all(isinstance(text, str) for text in texts)


def cancellable_item(**fields: Any) -> Any:
    """An item that can be cancelled."""
    return factories.items_of(factories.create_order(items=[factories.item_input(**fields)]))[0]
