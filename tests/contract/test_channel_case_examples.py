"""The documented examples of reading cases, replayed on the order and the case they are about."""

from types import GenericAlias
from typing import Any

import msgspec
import pytest

from takeback.accounts.models import Channel, User
from takeback.cancellations.models import CancellationRequest
from takeback.channel.cases import documents
from takeback.orders.models import Order
from tests import factories
from tests.channel import shop
from tests.contract.examples import example
from tests.factories import Visitor

pytestmark = pytest.mark.django_db

# Numbers, times and statuses of our own: an example can only show their kind.
OURS = {
    "id", "pk", "uuid", "order_item", "reason", "order", "customer", "channel", "status", "count",
    "created_date", "modified_date", "date_joined", "shipping_company",
    "start_date", "end_date", "pickup_date", "next", "previous",
}  # fmt: skip
# A case is told with `attributes` alone, and a customer without these: what nobody tells is empty.
UNTOLD = {"attributes_kwargs", "localized_attributes", "localized_attributes_kwargs"}


def _told() -> CancellationRequest:
    """The order of the example, and a case that has all that the example shows."""
    caller = shop.client(shop.key(scopes=["read", "decide"]))
    assert shop.send(caller, example("channel_create_orders")["request"]["body"]).status_code == 201
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
    way_back = factories.make_easy_return(
        carrier="yurtici", code="EASYRETURN123", start_date=factories.NOW, end_date=factories.NOW,
        tracking_number="123456789", tracking_url="https://example.com/track/123456789",
        pickup_date={}, raw_request="text", raw_response="text",
    )  # fmt: skip
    return factories.make_request(
        item=factories.items_of(order)[0], kind="refund", status="rejected", easy_return=way_back,
        reason=factories.make_reason(subject="text", send_to_remote=True), description="text",
        iban="text", holder_name="text", attributes={"key1": "value1", "key2": "value2"},
    )  # fmt: skip


def _reader() -> Visitor:
    return shop.client(shop.key(scopes=["read", "money", "pii"]))


def _answer(name: str, case: CancellationRequest) -> tuple[Any, Any]:
    told = example(name)
    path = told["request"]["path"].replace("requests/1/", f"requests/{case.pk}/")
    answer = _reader().generic(told["request"]["method"], path)
    assert answer.status_code == told["status"]
    return told["answer"], answer.json()


def _unlike(shown: Any, given: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Where an answer lacks a key, has another type or another value than its example."""
    at, name = ".".join(path), path[-1] if path else ""
    if type(shown) is not type(given):
        return [] if {type(shown), type(given)} == {int, float} else [f"{at}: {given!r}"]
    if isinstance(shown, list):
        pairs = zip(shown, given, strict=True)
        return [text for one, other in pairs for text in _unlike(one, other, path)]
    if isinstance(shown, dict):
        if path == () and given.keys() & UNTOLD:
            shown = shown | {told: {} for told in UNTOLD}
        missing = [f"{at}: no {key}" for key in shown.keys() - given.keys()]
        kept = [key for key in shown if key in given]
        return missing + [
            text for key in kept for text in _unlike(shown[key], given[key], (*path, key))
        ]
    return [] if shown == given or name in OURS else [f"{at}: {given!r} is not {shown!r}"]


@pytest.mark.parametrize(
    "name", ["channel_cancellation_request", "channel_cancellation_request_detailed"]
)
def test_a_case_is_answered_as_documented(name: str) -> None:
    shown, given = _answer(name, _told())

    assert _unlike(shown, given) == []
    assert given["id"] == given["pk"]


@pytest.mark.parametrize(
    "name", ["channel_cancellation_requests", "channel_cancellation_requests_detailed"]
)
def test_a_list_is_answered_as_documented(name: str) -> None:
    shown, given = _answer(name, _told())

    assert (given["count"], given["next"], given["previous"]) == (1, None, None)
    assert _unlike(shown["results"], given["results"]) == []


def test_a_row_of_a_list_is_the_case_itself() -> None:
    case = _told()

    for kind in ("", "_detailed"):
        _, one = _answer(f"channel_cancellation_request{kind}", case)
        _, page = _answer(f"channel_cancellation_requests{kind}", case)
        assert page["results"] == [one]


def test_ids_times_and_words_are_of_the_kind_that_the_example_shows() -> None:
    case = _told()
    given = _answer("channel_cancellation_request_detailed", case)[1]
    line = given["order_item"]

    assert (line["pk"], line["order"]["pk"]) == (case.order_item_id, case.order_item.order_id)
    assert given["customer"]["pk"] == line["order"]["customer"] == case.order_item.order.user_id
    assert (given["channel"]["id"], line["order"]["channel"]) == (factories.SHOP, factories.SHOP)
    assert (given["reason"]["pk"], given["reason"]["order"]) == (case.reason_id, 100)
    assert (given["status"], line["status"], line["order"]["status"]) == (
        "rejected",
        "waiting",
        200,
    )
    assert given["easy_return"]["status"] == "active"
    assert given["uuid"] == str(case.uuid)
    plain = _answer("channel_cancellation_request", case)[1]
    assert (plain["order_item"], plain["reason"]) == (case.order_item_id, case.reason_id)
    for document in (given, plain, line, line["order"], given["reason"], given["easy_return"]):
        assert document["created_date"].endswith("Z")
        assert document["modified_date"].endswith("Z")


def test_answers_have_the_types_that_the_api_page_shows() -> None:
    case = _told()
    factories.make_request(item=case.order_item)
    kinds: dict[str, Any] = {
        "": documents.ChannelCancellationRequest,
        "detailed/": documents.ChannelDetailedCancellationRequest,
    }

    for path, kind in kinds.items():
        answer = _reader().get(f"/api/v1/channel/1/cancellation_requests/{path}").content
        page = msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
        bare, full = msgspec.json.decode(page["results"], type=GenericAlias(list, (kind,)))
        assert full["easy_return"]["code"] == "EASYRETURN123"
        assert bare["easy_return"] is None
