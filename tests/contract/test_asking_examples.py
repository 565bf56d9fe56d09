"""The documented ways of asking, replayed by a customer and by a guest who has proved the order."""

from typing import Any

import jsonschema
import pytest
import time_machine

from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.contract.examples import differences, example, schema
from tests.contract.stories import moment
from tests.factories import HttpClient
from tests.storefront.api import V3, post, prove, token_of

pytestmark = pytest.mark.django_db

OPERATIONS = ["ask", "ask_for_many", "guest_asks", "guest_asks_for_many"]
SINGLE = ["ask", "guest_asks"]
# The example's answer is about another case than its request; a way back is booked later.
OF_ANOTHER_CASE = [
    "description: 'Test description' is not 'test'",
    "iban: 'TR330006100519786457841326' is not 'test-iban'",
]


def _told(operation: str) -> tuple[dict[str, Any], Any]:
    """The example and the moment at which it was answered."""
    told = example(operation)
    first = told["answer"][0] if isinstance(told["answer"], list) else told["answer"]
    return told, moment(first.get("created_date", "2024-11-19T22:35:54.246615Z"))


def _shop(operation: str, now: Any) -> tuple[HttpClient, dict[str, int]]:
    """Whoever asks, and the ids that stand in the body."""
    line = factories.item_input(quantity=3, status=Status.DELIVERED)
    company = factories.create_carrier(
        carrier="extension", carrier_label="Extension Cargo", needs_pickup=True
    )
    ids = {
        "reason": factories.create_reason(kind="refund").pk,
        "shipping_company": company.pk,
    }
    if operation.startswith("guest"):
        order, client = factories.create_order(items=[line], now=now, placed_at=now), HttpClient()
        prove(client)
        ids["pickup_address"] = order.shipping_address_id
    else:
        user = factories.create_customer()
        order, client = (
            factories.create_order(customer=user, items=[line], now=now),
            factories.client_of(user),
        )
        ids["pickup_address"] = factories.create_address(user=user).pk
    return client, ids | {"order_item": factories.items_of(order)[0].pk}


def _filled(value: Any, ids: dict[str, int]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, ids) for inner in value]
    return ids.get(value[1:-1], value) if isinstance(value, str) else value


def _replayed(operation: str, **headers: str) -> tuple[HttpClient, Any]:
    told, now = _told(operation)
    call = told["request"]
    with time_machine.travel(now, tick=False):
        client, ids = _shop(operation, now)
        sent = call["headers"] | token_of(client) | headers
        return client, post(client, call["path"], _filled(call["body"], ids), headers=sent)


def _book() -> None:
    """What the carrier answers in the example."""
    shown = example("ask")["answer"]["easy_return"]
    EasyReturn.objects.update(
        status="booked",
        code=shown["code"],
        tracking_url=shown["tracking_url"],
        tracking_number=shown["tracking_number"],
        start_date=moment(shown["start_date"]),
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_asking_is_answered_as_its_documented_example_is(operation: str) -> None:
    told = example(operation)
    _, answer = _replayed(operation)

    assert answer.status_code == told["status"], answer.content
    found = differences(told["answer"], answer.json())
    if operation in SINGLE:
        way_back = [text for text in found if text.startswith("easy_return: None is not")]
        assert len(way_back) == 1
        found.remove(way_back[0])
        assert sorted(found) == OF_ANOTHER_CASE
    else:
        assert found == []


def test_a_booked_way_back_is_shown_as_documented() -> None:
    client, _ = _replayed("ask")
    _book()
    with time_machine.travel(_told("ask")[1], tick=False):
        [case] = client.get("/users/orders/cancellation_requests/").json()["results"]

    assert sorted(differences(example("ask")["answer"], case)) == OF_ANOTHER_CASE


@pytest.mark.parametrize("operation", ["ask_without_address", "ask_for_too_much"])
def test_the_two_documented_refusals(operation: str) -> None:
    told = example(operation)
    _, answer = _replayed(operation)

    assert (answer.status_code, answer.json()) == (told["status"], told["answer"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_new_case_validates_against_the_openapi_document_with_everything_required(
    operation: str,
) -> None:
    _, answer = _replayed(operation, **V3)

    assert answer.status_code == 201
    cases = answer.json() if isinstance(answer.json(), list) else [answer.json()]
    checked = jsonschema.Draft202012Validator(
        schema("CancellationRequest"),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    for case in cases:
        checked.validate(case)
        assert case["cancellation_type"] == {"value": "refund", "label": "Return"}


def test_a_booked_case_validates_too() -> None:
    client, _ = _replayed("ask", **V3)
    _book()
    with time_machine.travel(_told("ask")[1], tick=False):
        answer = client.get("/users/orders/cancellation_requests/", headers=V3)

    [case] = answer.json()["results"]
    jsonschema.Draft202012Validator(schema("CancellationRequest")).validate(case)
    assert case["easy_return"]["code"] == "14223"


@pytest.mark.parametrize("operation", ["guest_asks", "guest_asks_for_many"])
def test_the_openapi_document_s_guest_names_the_order_in_the_body(operation: str) -> None:
    told, now = _told(operation)
    with time_machine.travel(now, tick=False):
        _, ids = _shop(operation, now)
        named = {"number": factories.NUMBER, "email": factories.GUEST}
        body = _filled(told["request"]["body"], ids) | named
        _input(operation).validate(body)
        answer = post(HttpClient(), told["request"]["path"], body)

    assert answer.status_code == 201, answer.content
    case = answer.json()[0] if isinstance(answer.json(), list) else answer.json()
    jsonschema.Draft202012Validator(schema("CancellationRequest")).validate(case)
    assert OrderItem.objects.get().pk == case["order_item"]


def _input(operation: str) -> jsonschema.Draft202012Validator:
    """The body as the document describes it, with what it requires and no more."""
    name = "AnonymousCancellationRequest"
    if operation.endswith("many"):
        name = "AnonymousBulkCancellationRequest"
    described = schema(name)
    optional = described["$defs"][name]
    optional["required"] = ["number", "email"]
    for node in _objects(optional["properties"]):
        node.pop("required", None)
    return jsonschema.Draft202012Validator(described)


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for inner in value for node in _objects(inner)]
    if not isinstance(value, dict):
        return []
    return [value, *(node for inner in value.values() for node in _objects(inner))]
