"""The documented channel examples that read cases, replayed."""

from types import GenericAlias
from typing import Any

import msgspec
import pytest

from takeback.accounts.models import Channel, User
from takeback.cancellations.models import CancellationRequest
from takeback.channel.cases.documents import (
    ChannelCancellationRequest,
    ChannelDetailedCancellationRequest,
)
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop
from tests.contract.examples import example
from tests.factories import HttpClient

pytestmark = pytest.mark.django_db

# Our own ids, times and statuses: an example can only show their type.
OURS = {
    "id", "pk", "uuid", "order_item", "reason", "order", "customer", "channel", "status", "count",
    "created_date", "modified_date", "date_joined", "shipping_company",
    "start_date", "end_date", "pickup_date", "next", "previous",
}  # fmt: skip
# No client sends these keys of a case or a customer: they are empty.
EMPTY = {"attributes_kwargs", "localized_attributes", "localized_attributes_kwargs"}


def _documented_case() -> CancellationRequest:
    """The order of the example, and a case with all values of the example."""
    caller = shop.client(shop.key(scopes=["read", "decide"]))
    body = example("channel_create_orders")["request"]["body"]
    assert shop.create_order(caller, body).status_code == 201
    order = Order.objects.get()
    User.objects.filter(pk=order.user_id).update(
        erp_code="ERP456",
        extra_field={"key1": "value1", "key2": 100},
        email_allowed=True,
        call_allowed=True,
        gender="female",
        date_of_birth="1985-08-25",
        date_joined="2023-01-15T10:30:00Z",
    )
    Channel.objects.filter(pk=factories.SHOP).update(
        name="Commerce Channel", catalog=1, category_tree="text",
        conf={"ANY_ADDITIONAL_PROPERTY": "text"},
    )  # fmt: skip
    shipment = factories.create_easy_return(
        carrier="yurtici", code="EASYRETURN123", start_date=factories.NOW, end_date=factories.NOW,
        tracking_number="123456789", tracking_url="https://example.com/track/123456789",
        pickup_date={}, raw_request="text", raw_response="text",
    )  # fmt: skip
    return factories.create_case(
        item=factories.items_of(order)[0], kind="refund", status="rejected", easy_return=shipment,
        reason=factories.create_reason(subject="text", send_to_remote=True), description="text",
        iban="text", holder_name="text", attributes={"key1": "value1", "key2": "value2"},
    )  # fmt: skip


def _reader() -> HttpClient:
    return shop.client(shop.key(scopes=["read", "money", "pii"]))


def _replay(name: str, case: CancellationRequest) -> tuple[Any, Any]:
    """The document of the example, and ours."""
    documented = example(name)
    path = documented["request"]["path"].replace("requests/1/", f"requests/{case.pk}/")
    response = _reader().generic(documented["request"]["method"], path)
    assert response.status_code == documented["status"]
    return documented["answer"], response.json()


def _differences(expected: Any, value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Missing keys, and values of another type or content than in the example."""
    at, name = ".".join(path), path[-1] if path else ""
    if type(expected) is not type(value):
        return [] if {type(expected), type(value)} == {int, float} else [f"{at}: {value!r}"]
    if isinstance(expected, list):
        both = zip(expected, value, strict=True)
        return [text for first, second in both for text in _differences(first, second, path)]
    if isinstance(expected, dict):
        if path == () and value.keys() & EMPTY:
            expected = expected | {key: {} for key in EMPTY}
        missing = [f"{at}: no {key}" for key in expected.keys() - value.keys()]
        return missing + [
            text
            for key in expected.keys() & value.keys()
            for text in _differences(expected[key], value[key], (*path, key))
        ]
    return [] if expected == value or name in OURS else [f"{at}: {value!r} is not {expected!r}"]


@pytest.mark.parametrize(
    "name", ["channel_cancellation_request", "channel_cancellation_request_detailed"]
)
def test_case_has_the_documented_values(name: str) -> None:
    expected, document = _replay(name, _documented_case())

    assert _differences(expected, document) == []
    assert document["id"] == document["pk"]


@pytest.mark.parametrize(
    "name", ["channel_cancellation_requests", "channel_cancellation_requests_detailed"]
)
def test_case_list_has_the_documented_values(name: str) -> None:
    expected, page = _replay(name, _documented_case())

    assert (page["count"], page["next"], page["previous"]) == (1, None, None)
    assert _differences(expected["results"], page["results"]) == []


def test_list_row_equals_the_document_of_the_case() -> None:
    case = _documented_case()

    for kind in ("", "_detailed"):
        _, document = _replay(f"channel_cancellation_request{kind}", case)
        _, page = _replay(f"channel_cancellation_requests{kind}", case)
        assert page["results"] == [document]


def test_ids_times_and_statuses_have_the_types_of_the_example() -> None:
    case = _documented_case()
    document = _replay("channel_cancellation_request_detailed", case)[1]
    item, order = document["order_item"], document["order_item"]["order"]

    assert (item["pk"], order["pk"]) == (case.order_item_id, case.order_item.order_id)
    assert document["customer"]["pk"] == order["customer"] == case.order_item.order.user_id
    assert (document["channel"]["id"], order["channel"]) == (factories.SHOP, factories.SHOP)
    assert (document["reason"]["pk"], document["reason"]["order"]) == (case.reason_id, 100)
    assert (document["status"], item["status"], order["status"]) == ("rejected", "waiting", 200)
    assert document["easy_return"]["status"] == "active"
    assert document["uuid"] == str(case.uuid)
    plain = _replay("channel_cancellation_request", case)[1]
    assert (plain["order_item"], plain["reason"]) == (case.order_item_id, case.reason_id)
    parts = (document, plain, item, order, document["reason"], document["easy_return"])
    for part in parts:
        assert part["created_date"].endswith("Z")
        assert part["modified_date"].endswith("Z")


def test_case_responses_have_the_types_of_the_api_page() -> None:
    case = _documented_case()
    factories.create_case(item=case.order_item)
    types: dict[str, Any] = {
        "": ChannelCancellationRequest,
        "detailed/": ChannelDetailedCancellationRequest,
    }

    for path, document_type in types.items():
        content = _reader().get(f"/api/v1/channel/1/cancellation_requests/{path}").content
        page = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        documents = msgspec.json.decode(page["results"], type=GenericAlias(list, (document_type,)))
        bare, full = documents
        assert full["easy_return"]["code"] == "EASYRETURN123"
        assert bare["easy_return"] is None
