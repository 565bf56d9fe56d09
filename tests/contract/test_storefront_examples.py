"""Every documented storefront operation, replayed against a shop that holds its example."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from takeback.addresses.models import City, Country, District, Township
from tests import factories
from tests.contract import stories
from tests.contract.examples import differences, example, schema
from tests.factories import HttpClient
from tests.trade_in.factories import make_offer

pytestmark = pytest.mark.django_db

Ids = dict[str, int]
Story = Callable[[Any], tuple[HttpClient, Ids]]


def _nobody(answer: Any) -> tuple[HttpClient, Ids]:
    return HttpClient(), {}


def _guest_order(answer: Any) -> tuple[HttpClient, Ids]:
    stories.order(answer["results"][0] if isinstance(answer, dict) else answer[0])
    return HttpClient(), {}


def _owner(document: Any) -> Any:
    told = document.get("shipping_address", {}).get("user")
    return (
        stories.customer(told) if told else factories.create_customer(email=document["user_email"])
    )


def _order(answer: Any) -> tuple[HttpClient, Ids]:
    document = answer["results"][0] if "results" in answer else answer
    owner = _owner(document)
    for company in (
        document["orderitem_set"]
        and (document["orderitem_set"][0]["available_easy_return_shipping_companies"])
    ):
        told = company["shipping_company"]
        factories.create_carrier(
            carrier=told["value"], carrier_label=told["label"], name=company["name"]
        )
    return factories.client_of(owner), {"order": stories.order(document, owner=owner).pk}


def _reasons(answer: Any) -> tuple[HttpClient, Ids]:
    stories.reason(answer["results"][0])
    return HttpClient(), {}


def _requests(answer: Any) -> tuple[HttpClient, Ids]:
    owner = factories.create_customer()
    for number, document in enumerate(reversed(answer["results"])):
        stories.request(document, owner=owner, number=str(number))
    return factories.client_of(owner), {}


def _old_orders(answer: Any) -> tuple[HttpClient, Ids]:
    document = answer["results"][0] if "results" in answer else answer
    owner = factories.create_customer(email=document["user_email"])
    return factories.client_of(owner), {"old_order": stories.old_order(document, owner=owner)}


def _account(answer: Any) -> tuple[HttpClient, Ids]:
    owner = stories.customer(_the_customer())
    return factories.client_of(owner), {}


def _registered(answer: Any) -> tuple[HttpClient, Ids]:
    stories.customer(_the_customer())
    return HttpClient(), {}


def _book(answer: Any) -> tuple[HttpClient, Ids]:
    owner = stories.customer(_the_customer())
    told = stories.address(_the_address())
    kept = factories.create_address(
        user=owner, **{name: getattr(told, name) for name in told.__slots__}
    )
    return factories.client_of(owner), {"address": kept.pk} | _places()


def _new_address(answer: Any) -> tuple[HttpClient, Ids]:
    client, ids = _book(answer)
    client.delete(f"/address/{ids['address']}/", headers=_token(client))
    return client, ids


def _trade_in(answer: Any) -> tuple[HttpClient, Ids]:
    owner = factories.create_customer()
    return factories.client_of(owner), {"item": make_offer(customer=owner).pk}


def _the_address() -> Any:
    return example("order_cancellation")["answer"]["shipping_address"]


def _the_customer() -> Any:
    return _the_address()["user"]


def _places() -> Ids:
    return {
        "country": Country.objects.get().pk,
        "city": City.objects.get().pk,
        "township": Township.objects.get().pk,
        "district": District.objects.get().pk,
    }


STORIES: dict[str, Story] = {
    "guest_order_classic": _guest_order,
    "guest_order_v3": _guest_order,
    "orders": _order,
    "order": _order,
    "order_cancellation": _order,
    "cancellation_reasons": _reasons,
    "cancellation_requests": _requests,
    "tradein_approved": _trade_in,
    "tradein_rejected": _trade_in,
    "old_orders": _old_orders,
    "old_order": _old_orders,
    "csrf_token": _nobody,
    "login": _registered,
    "logout": _account,
    "current_user": _account,
    "addresses": _book,
    "addresses_detailed": _book,
    "address": _book,
    "address_add": _new_address,
    "address_change": _book,
    "address_remove": _book,
    "country": _book,
    "city": _book,
    "township": _book,
    "district": _book,
}

# What the service keeps to itself although the example shows it.
WITHHELD = {
    "guest_order_classic": {"results.0.remote_addr", "results.0.card"},
    "order_cancellation": {"shipping_address.user.attributes.logged_ip"},
    "addresses_detailed": {"results.0.user.attributes.logged_ip"},
}


def _token(client: HttpClient) -> dict[str, str]:
    token = client.get("/csrf_token/").json()["csrf_token"]
    return {"X-CSRFToken": token}


def _replayed(client: HttpClient, call: dict[str, Any], ids: Ids) -> Any:
    body = call.get("body")
    if body:
        body = {
            key: ids[value[1:-1]] if isinstance(value, str) and value[1:-1] in ids else value
            for key, value in body.items()
        }
    return client.generic(
        call["method"],
        call["path"].format(**ids),
        data=json.dumps(body) if body else "",
        content_type="application/json",
        headers=call.get("headers", {}) | _token(client),
    )


@pytest.mark.parametrize("operation", STORIES)
def test_an_operation_answers_as_its_documented_example_does(operation: str) -> None:
    told = example(operation)
    client, ids = STORIES[operation](told["answer"])

    answer = _replayed(client, told["request"], ids)

    assert answer.status_code == told["status"], answer.content
    given = answer.json() if answer.content else None
    found = differences(told["answer"], given) if told["answer"] is not None else []
    withheld = {f"{path}: None is not" for path in WITHHELD.get(operation, ())}
    assert [text for text in found if not text.startswith(tuple(withheld))] == []
    assert len(found) == len(withheld)


def test_a_rich_order_validates_against_the_openapi_document_with_everything_required() -> None:
    factories.create_full_order()

    answer = HttpClient().post(
        "/users/orders/anonymous/",
        {"number": factories.NUMBER, "email": factories.GUEST},
        content_type="application/json",
    )

    (order,) = answer.json()
    jsonschema.Draft202012Validator(
        schema("UserOrder"), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(order)
    (line,) = [row for row in order["orderitem_set"] if row["active_cancellation_request"]]
    assert line["active_cancellation_request"]["easy_return"]["pickup_date"]["hour_range"] == {
        "start": "09:00",
        "end": "12:00",
    }


def test_a_bare_order_validates_too() -> None:
    factories.create_order()

    answer = HttpClient().post(
        "/users/orders/anonymous/",
        {"number": factories.NUMBER, "email": factories.GUEST},
        content_type="application/json",
    )

    jsonschema.Draft202012Validator(schema("UserOrder")).validate(answer.json()[0])


def test_the_comparison_notices_a_missing_key_another_type_and_another_value() -> None:
    shown = {"id": 1, "number": "7", "status": {"value": "100", "label": "x"}, "rows": [{"a": 1}]}

    assert differences(shown, shown) == []
    assert differences(shown, shown | {"id": "1"}) == ["id: '1' is no 1"]
    assert differences(shown, shown | {"number": "8"}) == ["number: '8' is not '7'"]
    assert differences(shown, shown | {"status": {"value": "100"}}) == ["status: no label"]
    assert differences(shown, shown | {"rows": []}) == ["rows: too short"]
