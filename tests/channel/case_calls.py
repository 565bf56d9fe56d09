"""Calls that change a channel's cases, and what their refusals must look like."""

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
    """A system whose key has been used a moment ago: using it again writes nothing."""
    found = shop.client(shop.key(scopes=["read", "decide", *scopes]))
    assert found.get(f"/api/v1/channel/{shop.SHOP}/orders/").status_code == 200
    return found


def call(caller: HttpClient, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """A request with a JSON body; None is the word `null`, bytes are sent as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with zeal.zeal_context():
        return caller.generic(method, path, data, content_type="application/json", headers=headers)


def change(caller: HttpClient, case: int, body: Any, method: str = "PATCH", **headers: str) -> Any:
    """PATCH or PUT a case."""
    return call(caller, method, f"{CASES}{case}/", body, **headers)


def step(caller: HttpClient, case: int, name: str, body: Any = None, **headers: str) -> Any:
    """POST `reject`, `confirm` or `approve`."""
    return call(caller, "POST", f"{CASES}{case}/{name}/", body, **headers)


def ask(caller: HttpClient, body: Any = None, **fields: Any) -> Any:
    """POST a new case."""
    return call(caller, "POST", CASES, fields if body is None else body)


def remove(caller: HttpClient, case: int, **headers: str) -> Any:
    """DELETE a case."""
    return call(caller, "DELETE", f"{CASES}{case}/", b"", **headers)


def case_of(pk: int) -> CancellationRequest:
    """The row as it is now."""
    return CancellationRequest.objects.get(pk=pk)


def steps(pk: int) -> list[tuple[int, str, str]]:
    """The history: each step's number, event and result."""
    found = CaseHistory.objects.filter(cancellation_request_id=pk).order_by("seq")
    return list(found.values_list("seq", "event", "after"))


@contextmanager
def refused(status: int, code: str, *fields: str) -> Iterator[list[Any]]:
    """The answer put into the list is this refusal, of these fields or of the step as a whole."""
    answers: list[Any] = []
    with nothing_written():
        yield answers
    (answer,) = answers
    assert_common_headers(answer)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    if not fields:
        assert set(answer.json()) == {"detail", "code"}
        return
    assert set(answer.json()) == {*fields, "code"}, answer.content
    for name in fields:
        texts = answer.json()[name]
        assert isinstance(texts, list)
        assert all(isinstance(text, str) for text in texts)


def item(**fields: Any) -> Any:
    """A line that may be cancelled."""
    return factories.items_of(factories.create_order(items=[factories.item_input(**fields)]))[0]
