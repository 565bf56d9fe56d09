"""List elements of a wrong kind on every route that takes a list: a field error, never 500."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.urls import URLResolver, get_resolver
from rest_framework.serializers import ListField, ListSerializer, Serializer

from takeback.accounts.models import ApiKey
from takeback.api.channel_settings import TextList
from takeback.api.openapi import Operation
from takeback.api.order_payload.fields import FreeList
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.models import CancellationRequest
from takeback.channel.orders.serializers import ItemIds
from takeback.channel_sync.commands import open_batch
from tests import factories
from tests.cancellations.factories import CUSTOMER, SCOPE, STAFF, new_case
from tests.channel import shop
from tests.desk import agents
from tests.factories import HttpClient
from tests.storefront.api import nothing_written, token_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("one request per element"),
]

OBJECTS: tuple[Any, ...] = (
    None,
    7,
    1.5,
    True,
    "x",
    "",
    [],
    [None],
    [{}],
    {},
    {"id": None},
    {"pk": [1]},
)
NO_OBJECTS = OBJECTS[:9]
VALUES: tuple[Any, ...] = (None, 1.5, {}, [], [None], {"id": 1})
"""Elements of a wrong kind, for lists of objects and lists of values."""


class ListInput(NamedTuple):
    """A list that a route takes, by its path in the body: `order_item.0.benefitapplicant_set`."""

    method: str
    path: str
    field: str
    elements: tuple[Any, ...] = OBJECTS


CHANNEL = "/api/v1/channel/1/"
SHOPPER = "/users/orders/"
IMAGES = "cancellation_request_image_set"
INPUTS = [
    ListInput("POST", CHANNEL + "create_orders/", "order_item"),
    ListInput("POST", CHANNEL + "create_orders/", "order.discountitem_set"),
    ListInput("POST", CHANNEL + "create_orders/", "order.discountitem_set.0.items", VALUES),
    ListInput("POST", CHANNEL + "create_orders/", "order.fundstransfertransaction_set"),
    ListInput("POST", CHANNEL + "create_orders/", "order.payments"),
    ListInput("POST", CHANNEL + "create_orders/", "order.loyaltytransaction_set"),
    ListInput("POST", CHANNEL + "create_orders/", "order_item.0.benefitapplicant_set", NO_OBJECTS),
    ListInput("PATCH", CHANNEL + "orders/{order}/", "payments"),
    ListInput("PATCH", CHANNEL + "order_items/bulk_status_update/", "orderitem_set"),
    ListInput("PATCH", "/api/v1/order_items/bulk_status_update/", "orderitem_set"),
    ListInput("POST", "/api/v1/orders/{order}/cancel/", "cancel_items", VALUES),
    ListInput("PATCH", CHANNEL + "batch_requests/{batch}/", "objects"),
    ListInput("POST", CHANNEL + "cancellation_plans/{plan}/create_payment_plan/", "payment_plan"),
    ListInput(
        "POST",
        CHANNEL + "cancellation_plans/{plan}/create_payment_plan/",
        "payment_plan.0.order_items",
        VALUES,
    ),
    ListInput("POST", CHANNEL + "staff/", "channels", VALUES),
    ListInput("POST", CHANNEL + "staff/", "scopes", VALUES),
    ListInput("PATCH", CHANNEL + "staff/{member}/", "scopes", VALUES),
    ListInput("POST", SHOPPER + "bulk_cancellation_requests/", "cancel_order_items"),
    ListInput("POST", SHOPPER + "cancellation_requests/", "cancellation_request_image_set"),
    ListInput(
        "POST",
        SHOPPER + "bulk_cancellation_requests/",
        "cancel_order_items.0.cancellation_request_image_set",
    ),
]


def body_with(field: str, values: list[Any]) -> dict[str, Any]:
    """A body with these values at the path."""
    body: Any = values
    for part in reversed(field.split(".")):
        body = [body] if part.isdecimal() else {part: body}
    return dict(body)


def paths_in(detail: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The dotted path of every text in a response."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from paths_in(inner, (*path, name))
    elif isinstance(detail, list) and any(isinstance(inner, (dict, list)) for inner in detail):
        for position, inner in enumerate(detail):
            yield from paths_in(inner, (*path, str(position)))
    else:
        yield ".".join(path)


@pytest.fixture
def owned() -> dict[str, Any]:
    """The objects that the paths name."""
    owner = factories.create_customer()
    order = factories.create_order(customer=owner, items=[factories.item_input()])
    (item,) = factories.items_of(order)
    (case,) = open_cases([new_case(item)], SCOPE, actor=CUSTOMER, now=factories.NOW)
    confirm(case, SCOPE, actor=STAFF, now=factories.NOW)
    return {
        "order": order.pk,
        "case": case,
        "plan": CancellationRequest.objects.get(pk=case).plan_id,
        "batch": open_batch(factories.SHOP, factories.NOW),
        "member": agents.member(username="colleague").pk,
        "owner": owner,
    }


def _client_of(path: str, owned: dict[str, Any]) -> tuple[HttpClient, dict[str, str]]:
    """A client with access to the route, and the headers that it sends."""
    if path.startswith("/users"):
        client = factories.client_of(owned["owner"])
        return client, token_of(client)
    client = shop.client(shop.key(scopes=ApiKey.SCOPES))
    # The time of last use is written once a minute: here, not in the tested request.
    assert client.get("/api/v1/active_user/").status_code == 200
    return client, {}


@pytest.mark.parametrize("row", INPUTS, ids=lambda row: f"{row.path} {row.field}")
def test_wrong_element_is_an_error_at_its_position(row: ListInput, owned: dict[str, Any]) -> None:
    client, headers = _client_of(row.path, owned)
    # The fields of an order go by their own names.
    field = row.field.removeprefix("order.")
    place = field if field.endswith(IMAGES) else f"{field}.1"
    for element in row.elements:
        body = json.dumps(body_with(row.field, [element, element]))
        with nothing_written():
            response = client.generic(
                row.method,
                row.path.format(**owned),
                body,
                content_type="application/json",
                headers=headers,
            )
        assert response.status_code == 400, (element, response.content)
        places = list(paths_in(response.json()))
        assert any(path == place or path.startswith(f"{place}.") for path in places), places


def _list_fields(serializer: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
    """The lists in a request body, by path."""
    if isinstance(serializer, type):
        serializer = serializer()
    if isinstance(serializer, FreeList | TextList):
        return  # any content, and one error for all texts
    if isinstance(serializer, ListSerializer | ListField | ItemIds):
        yield ".".join(names)
        child = getattr(serializer, "child", None)
        yield from _list_fields(child, (*names, "0"))
    elif isinstance(serializer, Serializer):
        for name, field in serializer.fields.items():
            yield from _list_fields(field, (*names, name))


def _operations(patterns: list[Any]) -> Iterator[Operation]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _operations(pattern.url_patterns)
            continue
        options = getattr(pattern.callback, "initkwargs", {})
        view = getattr(pattern.callback, "cls", None)
        yield from (options.get("operations") or getattr(view, "operations", {})).values()


def test_every_list_of_the_api_is_in_the_table() -> None:
    requests = {
        operation.request
        for operation in _operations(get_resolver().url_patterns)
        if isinstance(operation.request, type)
    }
    fields = {field for request in requests for field in _list_fields(request)}
    assert fields == {row.field for row in INPUTS}
