"""Documented storefront operations, replayed against a shop with the objects of the example."""

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
Scenario = Callable[[Any], tuple[HttpClient, Ids]]


def _anonymous(response: Any) -> tuple[HttpClient, Ids]:
    return HttpClient(), {}


def _guest_order(response: Any) -> tuple[HttpClient, Ids]:
    stories.order(response["results"][0] if isinstance(response, dict) else response[0])
    return HttpClient(), {}


def _owner(document: Any) -> Any:
    user = document.get("shipping_address", {}).get("user")
    return (
        stories.customer(user) if user else factories.create_customer(email=document["user_email"])
    )


def _order(response: Any) -> tuple[HttpClient, Ids]:
    document = response["results"][0] if "results" in response else response
    owner = _owner(document)
    for company in (
        document["orderitem_set"]
        and (document["orderitem_set"][0]["available_easy_return_shipping_companies"])
    ):
        carrier = company["shipping_company"]
        factories.create_carrier(
            carrier=carrier["value"], carrier_label=carrier["label"], name=company["name"]
        )
    return factories.client_of(owner), {"order": stories.order(document, owner=owner).pk}


def _reasons(response: Any) -> tuple[HttpClient, Ids]:
    stories.reason(response["results"][0])
    return HttpClient(), {}


def _requests(response: Any) -> tuple[HttpClient, Ids]:
    owner = factories.create_customer()
    for number, document in enumerate(reversed(response["results"])):
        stories.request(document, owner=owner, number=str(number))
    return factories.client_of(owner), {}


def _old_orders(response: Any) -> tuple[HttpClient, Ids]:
    document = response["results"][0] if "results" in response else response
    owner = factories.create_customer(email=document["user_email"])
    return factories.client_of(owner), {"old_order": stories.old_order(document, owner=owner)}


def _signed_in(response: Any) -> tuple[HttpClient, Ids]:
    owner = stories.customer(_the_customer())
    return factories.client_of(owner), {}


def _not_signed_in(response: Any) -> tuple[HttpClient, Ids]:
    stories.customer(_the_customer())
    return HttpClient(), {}


def _address_book(response: Any) -> tuple[HttpClient, Ids]:
    owner = stories.customer(_the_customer())
    fields = stories.address(_the_address())
    entry = factories.create_address(
        user=owner, **{name: getattr(fields, name) for name in fields.__slots__}
    )
    return factories.client_of(owner), {"address": entry.pk} | _places()


def _new_address(response: Any) -> tuple[HttpClient, Ids]:
    client, ids = _address_book(response)
    client.delete(f"/address/{ids['address']}/", headers=_token(client))
    return client, ids


def _trade_in(response: Any) -> tuple[HttpClient, Ids]:
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


SCENARIOS: dict[str, Scenario] = {
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
    "csrf_token": _anonymous,
    "login": _not_signed_in,
    "logout": _signed_in,
    "current_user": _signed_in,
    "addresses": _address_book,
    "addresses_detailed": _address_book,
    "address": _address_book,
    "address_add": _new_address,
    "address_change": _address_book,
    "address_remove": _address_book,
    "country": _address_book,
    "city": _address_book,
    "township": _address_book,
    "district": _address_book,
}

# Values of the example that the service does not return.
WITHHELD = {
    "guest_order_classic": {"results.0.remote_addr", "results.0.card"},
    "order_cancellation": {"shipping_address.user.attributes.logged_ip"},
    "addresses_detailed": {"results.0.user.attributes.logged_ip"},
}


def _token(client: HttpClient) -> dict[str, str]:
    token = client.get("/csrf_token/").json()["csrf_token"]
    return {"X-CSRFToken": token}


def _replay(client: HttpClient, request: dict[str, Any], ids: Ids) -> Any:
    body = request.get("body")
    if body:
        body = {
            key: ids[value[1:-1]] if isinstance(value, str) and value[1:-1] in ids else value
            for key, value in body.items()
        }
    return client.generic(
        request["method"],
        request["path"].format(**ids),
        data=json.dumps(body) if body else "",
        content_type="application/json",
        headers=request.get("headers", {}) | _token(client),
    )


@pytest.mark.parametrize("operation", SCENARIOS)
def test_response_equals_the_documented_example(operation: str) -> None:
    documented = example(operation)
    client, ids = SCENARIOS[operation](documented["answer"])

    response = _replay(client, documented["request"], ids)

    assert response.status_code == documented["status"], response.content
    actual = response.json() if response.content else None
    texts = differences(documented["answer"], actual) if documented["answer"] is not None else []
    withheld = {f"{path}: None is not" for path in WITHHELD.get(operation, ())}
    assert [text for text in texts if not text.startswith(tuple(withheld))] == []
    assert len(texts) == len(withheld)


def test_full_order_validates_with_all_properties_required() -> None:
    factories.create_full_order()

    response = HttpClient().post(
        "/users/orders/anonymous/",
        {"number": factories.NUMBER, "email": factories.GUEST},
        content_type="application/json",
    )

    (order,) = response.json()
    jsonschema.Draft202012Validator(
        schema("UserOrder"), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(order)
    (item,) = [row for row in order["orderitem_set"] if row["active_cancellation_request"]]
    assert item["active_cancellation_request"]["easy_return"]["pickup_date"]["hour_range"] == {
        "start": "09:00",
        "end": "12:00",
    }


def test_bare_order_validates_with_all_properties_required() -> None:
    factories.create_order()

    response = HttpClient().post(
        "/users/orders/anonymous/",
        {"number": factories.NUMBER, "email": factories.GUEST},
        content_type="application/json",
    )

    jsonschema.Draft202012Validator(schema("UserOrder")).validate(response.json()[0])


def test_comparison_finds_missing_keys_other_types_and_other_values() -> None:
    shown = {"id": 1, "number": "7", "status": {"value": "100", "label": "x"}, "rows": [{"a": 1}]}

    assert differences(shown, shown) == []
    assert differences(shown, shown | {"id": "1"}) == ["id: '1' is no 1"]
    assert differences(shown, shown | {"number": "8"}) == ["number: '8' is not '7'"]
    assert differences(shown, shown | {"status": {"value": "100"}}) == ["status: no label"]
    assert differences(shown, shown | {"rows": []}) == ["rows: too short"]
