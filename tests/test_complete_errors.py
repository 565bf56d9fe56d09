"""An input without its fields is refused with the names of all of them."""

import json
from typing import Any

import pytest

from takeback.accounts.models import ApiKey
from tests import factories
from tests.channel import shop
from tests.channel.case_calls import IBAN
from tests.factories import HttpClient
from tests.storefront.api import nothing_written, token_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("the tests send several requests"),
]

CHANNEL = "/api/v1/channel/1/"
GUEST = "/users/orders/anonymous/"
CASE = {"order_item", "reason", "cancellation_type"}
ADDRESS = {"title", "first_name", "last_name", "phone_number", "country", "city", "township",
           "line"}  # fmt: skip
Body = dict[str, Any]

BY_KEY: list[tuple[str, str, Body, set[str]]] = [
    ("POST", "auth/login/", {}, {"username", "password"}),
    ("POST", "create_orders/", {}, {"order", "order_item"}),
    (
        "POST",
        "create_orders/",
        {"order": {}, "order_item": [{}, {"product": {}}]},
        {"number", "date_placed", "customer", "currency", "order_item.0.product",
         "order_item.0.price", "order_item.1.product", "order_item.1.price"},
    ),
    ("POST", "cancellation_requests/", {}, CASE),
    ("POST", "cancellation_requests/", {"iban": IBAN}, CASE | {"holder_name"}),
    ("POST", "orders/{order}/cancel/", {}, {"cancel_items", "reasons"}),
    ("POST", "orders/{order}/cancel/", {"ibans": {"1": "x"}}, {"cancel_items", "reasons", "ibans"}),
    ("POST", "orders/{order}/refund_preview/", {}, {"cancel_items"}),
    ("PATCH", "order_items/bulk_status_update/", {}, {"orderitem_set"}),
    (
        "PATCH",
        "order_items/bulk_status_update/",
        {"orderitem_set": [{}, {"status": "x"}]},
        {"orderitem_set.0.id", "orderitem_set.1.id", "orderitem_set.1.status"},
    ),
    ("POST", "cancellation_reasons/", {}, {"subject"}),
    ("POST", "cancellation_reasons/", {"order": "x"}, {"subject", "order"}),
    ("POST", "customers/", {"user_type": "x"}, {"email", "user_type"}),
    ("POST", "addresses/", {}, {"customer", "country", "city", "line"}),
    ("POST", "staff/", {}, {"username", "scopes"}),
    ("POST", "easy_return_shipping_companies/", {}, {"carrier", "name"}),
    (
        "POST",
        "error_reports/",
        {},
        {"action_content_type", "action_object_id", "target_content_type", "target_object_id",
         "error_code", "error_desc"},
    ),
]  # fmt: skip

BY_SHOPPER: list[tuple[str, Body, set[str]]] = [
    ("/users/orders/anonymous/", {}, {"number", "email"}),
    (f"{GUEST}cancellation_requests/", {"number": "1"}, CASE | {"email"}),
    (f"{GUEST}cancellation_requests/", {"email": "x"}, CASE | {"number", "email"}),
    (f"{GUEST}bulk_cancellation_requests/", {"order": "1"}, {"email", "cancel_order_items"}),
    ("/users/orders/cancellation_requests/", {}, CASE),
    ("/users/orders/cancellation_requests/", {"holder_name": "Ayla"}, CASE | {"iban"}),
    ("/users/orders/bulk_cancellation_requests/", {}, {"cancel_order_items"}),
    ("/users/orders/refund_preview/", {}, {"cancel_order_items"}),
    (f"{GUEST}refund_preview/", {"order": "1"}, {"email", "cancel_order_items"}),
    ("/users/registration/", {}, {"email", "password"}),
    ("/users/login/", {}, {"email", "password"}),
    ("/users/login/code/confirm/", {}, {"email", "code"}),
    ("/users/password/change/", {}, {"old_password", "new_password1", "new_password2"}),
    ("/address/", {}, ADDRESS),
]


def send(client: HttpClient, method: str, path: str, body: Body, **headers: str) -> Any:
    """Send a JSON body."""
    data = json.dumps(body)
    return client.generic(method, path, data, content_type="application/json", headers=headers)


@pytest.mark.parametrize(("method", "path", "body", "fields"), BY_KEY)
def test_key_reads_all_missing_fields(method: str, path: str, body: Body, fields: set[str]) -> None:
    order = factories.create_order()
    caller = shop.client(shop.key(scopes=list(ApiKey.SCOPES)))
    send(caller, "PATCH", f"{CHANNEL}orders/{order.pk}/", {})
    url = f"/api/v1/{path}" if path.startswith("auth/") else CHANNEL + path.format(order=order.pk)

    with nothing_written():
        response = send(caller, method, url, body)

    assert (response.status_code, set(response.json())) == (400, fields | {"code"})


@pytest.mark.parametrize("dialect", ["classic", "v3"])
@pytest.mark.parametrize(("path", "body", "fields"), BY_SHOPPER)
def test_shopper_reads_all_missing_fields(
    path: str, body: Body, fields: set[str], dialect: str, settings: Any
) -> None:
    settings.LIMITS_ENABLED = False
    client = factories.client_of(factories.create_customer(email="ada@example.com"))
    headers = token_of(client) | {"X-Takeback-Dialect": dialect}

    response = send(client, "POST", path, body, **headers)

    assert (response.status_code, set(response.json())) == (400, fields)


@pytest.mark.parametrize("dialect", ["classic", "v3"])
def test_positions_of_a_bulk_request_name_all_missing_fields(dialect: str) -> None:
    client = factories.client_of(factories.create_customer(email="ada@example.com"))
    headers = token_of(client) | {"X-Takeback-Dialect": dialect}
    body = {"cancel_order_items": [{}, {"iban": IBAN}], "pickup_address": "x"}

    response = send(client, "POST", "/users/orders/bulk_cancellation_requests/", body, **headers)

    errors = response.json()
    assert (response.status_code, set(errors)) == (400, {"cancel_order_items", "pickup_address"})
    first, second = errors["cancel_order_items"]["0"], errors["cancel_order_items"]["1"]
    assert (set(first), set(second)) == (CASE, CASE | {"holder_name"})
