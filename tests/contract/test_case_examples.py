"""Documented requests that open cases, replayed by a customer and by a verified guest."""

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
from tests.storefront.api import V3, post, token_of, verify_order

pytestmark = pytest.mark.django_db

OPERATIONS = ["open_case", "open_cases", "guest_open_case", "guest_open_cases"]
SINGLE = ["open_case", "guest_open_case"]
# The response of the example belongs to another request; the return is booked later.
DIFFERENCES_OF_THE_EXAMPLE = [
    "description: 'Test description' is not 'test'",
    "iban: 'TR330006100519786457841326' is not 'test-iban'",
]


def _example(operation: str) -> tuple[dict[str, Any], Any]:
    """The example and the time of its response."""
    documented = example(operation)
    first = (
        documented["answer"][0] if isinstance(documented["answer"], list) else documented["answer"]
    )
    return documented, moment(first.get("created_date", "2024-11-19T22:35:54.246615Z"))


def _requester(operation: str, now: Any) -> tuple[HttpClient, dict[str, int]]:
    """The client of the requester, and the ids for the body."""
    item_input = factories.item_input(quantity=3, status=Status.DELIVERED)
    company = factories.create_carrier(
        carrier="extension", carrier_label="Extension Cargo", needs_pickup=True
    )
    ids = {
        "reason": factories.create_reason(kind="refund").pk,
        "shipping_company": company.pk,
    }
    if operation.startswith("guest"):
        order, client = (
            factories.create_order(items=[item_input], now=now, placed_at=now),
            HttpClient(),
        )
        verify_order(client)
        ids["pickup_address"] = order.shipping_address_id
    else:
        user = factories.create_customer()
        order, client = (
            factories.create_order(customer=user, items=[item_input], now=now),
            factories.client_of(user),
        )
        ids["pickup_address"] = factories.create_address(user=user).pk
    return client, ids | {"order_item": factories.items_of(order)[0].pk}


def _with_ids(value: Any, ids: dict[str, int]) -> Any:
    if isinstance(value, dict):
        return {key: _with_ids(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_ids(inner, ids) for inner in value]
    return ids.get(value[1:-1], value) if isinstance(value, str) else value


def _replay(operation: str, **headers: str) -> tuple[HttpClient, Any]:
    documented, now = _example(operation)
    request = documented["request"]
    with time_machine.travel(now, tick=False):
        client, ids = _requester(operation, now)
        all_headers = request["headers"] | token_of(client) | headers
        return client, post(
            client, request["path"], _with_ids(request["body"], ids), headers=all_headers
        )


def _book() -> None:
    """Books the return as the carrier of the example does."""
    shown = example("open_case")["answer"]["easy_return"]
    EasyReturn.objects.update(
        status="booked",
        code=shown["code"],
        tracking_url=shown["tracking_url"],
        tracking_number=shown["tracking_number"],
        start_date=moment(shown["start_date"]),
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_response_equals_the_documented_example(operation: str) -> None:
    documented = example(operation)
    _, response = _replay(operation)

    assert response.status_code == documented["status"], response.content
    texts = differences(documented["answer"], response.json())
    if operation in SINGLE:
        unbooked = [text for text in texts if text.startswith("easy_return: None is not")]
        assert len(unbooked) == 1
        texts.remove(unbooked[0])
        assert sorted(texts) == DIFFERENCES_OF_THE_EXAMPLE
    else:
        assert texts == []


def test_booked_return_equals_the_documented_example() -> None:
    client, _ = _replay("open_case")
    _book()
    with time_machine.travel(_example("open_case")[1], tick=False):
        [case] = client.get("/users/orders/cancellation_requests/").json()["results"]

    assert sorted(differences(example("open_case")["answer"], case)) == DIFFERENCES_OF_THE_EXAMPLE


@pytest.mark.parametrize(
    "operation", ["open_case_without_address", "open_case_with_too_many_units"]
)
def test_refusals_equal_the_documented_examples(operation: str) -> None:
    documented = example(operation)
    _, response = _replay(operation)

    expected = documented["answer"]
    if "quantity" in expected:
        # Our addition: the limit, as a second sentence.
        expected = {"quantity": f"{expected['quantity']} At most 3 units are left."}
    assert (response.status_code, response.json()) == (documented["status"], expected)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_new_case_validates_with_all_properties_required(
    operation: str,
) -> None:
    _, response = _replay(operation, **V3)

    assert response.status_code == 201
    cases = response.json() if isinstance(response.json(), list) else [response.json()]
    checked = jsonschema.Draft202012Validator(
        schema("CancellationRequest"),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    for case in cases:
        checked.validate(case)
        assert case["cancellation_type"] == {"value": "refund", "label": "Return"}


def test_booked_case_validates_with_all_properties_required() -> None:
    client, _ = _replay("open_case", **V3)
    _book()
    with time_machine.travel(_example("open_case")[1], tick=False):
        response = client.get("/users/orders/cancellation_requests/", headers=V3)

    [case] = response.json()["results"]
    jsonschema.Draft202012Validator(schema("CancellationRequest")).validate(case)
    assert case["easy_return"]["code"] == "14223"


@pytest.mark.parametrize("operation", ["guest_open_case", "guest_open_cases"])
def test_guest_body_of_the_openapi_document_opens_a_case(operation: str) -> None:
    documented, now = _example(operation)
    with time_machine.travel(now, tick=False):
        _, ids = _requester(operation, now)
        order = {"number": factories.NUMBER, "email": factories.GUEST}
        body = _with_ids(documented["request"]["body"], ids) | order
        _body_schema(operation).validate(body)
        response = post(HttpClient(), documented["request"]["path"], body)

    assert response.status_code == 201, response.content
    case = response.json()[0] if isinstance(response.json(), list) else response.json()
    jsonschema.Draft202012Validator(schema("CancellationRequest")).validate(case)
    assert OrderItem.objects.get().pk == case["order_item"]


def _body_schema(operation: str) -> jsonschema.Draft202012Validator:
    """The schema of the body, with only the order required."""
    name = "AnonymousCancellationRequest"
    if operation.endswith("cases"):
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
