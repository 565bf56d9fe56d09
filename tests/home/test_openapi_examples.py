"""Each request of the OpenAPI document is sent as its example shows it, and succeeds.

Only ids, tokens and codes are replaced: they exist in no other database.
"""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import transaction

from takeback.accounts.staff import create_staff_user
from takeback.addresses.models import City, Country, Township
from takeback.api import openapi
from takeback.cancellations.models import CancellationRequest
from takeback.core import clock
from takeback.loyalty.commands.accounts import NewAccount, open_account
from takeback.loyalty.models import LoyaltyAccount, LoyaltyEntry
from takeback.orders.models import Order
from takeback.orders.order_input import PaymentIn
from takeback.orders.statuses import Status
from takeback.storefront import document_cache
from tests import factories
from tests.channel import shop, sync
from tests.factories import HttpClient
from tests.rigs.openapi_responses import checker
from tests.storefront.account_mails import deliver_one, path_in
from tests.storefront.api import post, token_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("one request per operation"),
]

FORM = "application/x-www-form-urlencoded"
OWN = "owner@example.com"
PASSWORD = "correct horse battery"
ID = "{id}"
_HASH = MD5PasswordHasher().encode(PASSWORD, "salt" * 8)


class SampleShop:
    """One object of each kind that examples name, and a client for each kind of operation."""

    def __init__(self) -> None:
        self.customer = factories.create_customer(email=OWN, password=_HASH)
        named = factories.create_customer(email="ada@example.com", password=_HASH)
        self.named = named
        self.address = factories.create_address(user=self.customer)
        preparing = factories.item_input(status=Status.PREPARING)
        self.guest_order = self._order("1000100", guest="ada@example.com")
        self.own_order = self._order("1", customer=self.customer)
        self.preparing = self._order("2", items=[preparing])
        card = PaymentIn(kind="credit_card", amount_minor=9990, captured_minor=9990)
        fresh = [factories.item_input(goods_minor=9990)]
        self.fresh = self._order("3", customer=self.customer, items=fresh, payments=[card])
        self.case = self._case("4")
        self.confirmed = self._case("5")
        plan = factories.create_plan(case=self._case("6").pk)
        self.plan, self.planned = plan.pk, plan.order_id
        self.reason = factories.create_reason(kind="refund").pk
        self.carrier = factories.create_carrier(channel_id=shop.SHOP).pk
        opening = NewAccount("points@example.com", "try", 500)
        self.points = open_account(shop.SHOP, opening, now=clock.now())
        self.transfer = LoyaltyEntry.objects.get().pk
        self.staff = create_staff_user(
            "agent@example.com", password=PASSWORD, channel_ids=[shop.SHOP], scopes=["read"]
        )
        self.system = shop.client(shop.key(scopes=["read", "decide", "money", "pii", "admin"]))
        confirm = f"{sync.BASE}cancellation_requests/{self.confirmed.pk}/confirm/"
        assert post(self.system, confirm, {}).status_code == 200
        self.batch = sync.open_batch(self.system)["pk"]
        objects = [sync.batch_object(self.case.pk)]
        kind = {"content_type": "cancellationrequest", "objects": objects}
        assert (
            sync.change_batch(self.system, {"pk": self.batch}, "commit", **kind).status_code == 200
        )

    def _order(self, number: str, **fields: Any) -> Order:
        delivered = factories.item_input(status=Status.DELIVERED)
        return factories.create_order(
            number=number, **{"items": [delivered], "now": clock.now(), **fields}
        )

    def _case(self, number: str) -> CancellationRequest:
        return factories.create_case(item=factories.items_of(self._order(number))[0], kind="refund")

    def client(self, tag: str, name: str) -> tuple[HttpClient, dict[str, str]]:
        """The client of an operation, and its CSRF header."""
        if tag.startswith("Channel"):
            return (HttpClient() if name == "channel_login" else self.system), {}
        if tag == "Storefront: guests" or name in ANONYMOUS:
            return HttpClient(), {}
        client = factories.client_of(self.customer)
        return client, token_of(client)

    def path_id(self, path: str) -> int:
        """The object that the `{id}` of a path names."""
        ids: dict[str, int] = {
            "/address/": self.address.pk,
            "batch_requests/": self.batch,
            "cancellation_plans/": self.plan,
            "cancellation_reasons/": self.reason,
            "cancellation_requests/{id}/approve": self.confirmed.pk,
            "cancellation_requests/": self.case.pk,
            "customers/": self.named.pk,
            "easy_return_shipping_companies/": self.carrier,
            "loyalty_account/": self.points,
            "loyalty_transactions/": self.transfer,
            "order_items/": factories.items_of(self.preparing)[0].pk,
            "orders/{id}": self.fresh.pk,
            "staff/": self.staff,
            "channels/": shop.SHOP,
        }
        return next(pk for part, pk in ids.items() if part in path)

    def item(self, name: str) -> int:
        """The item that the example of an operation names."""
        orders = {
            "guest_open_case": self.guest_order,
            "guest_open_cases": self.guest_order,
            "guest_refund_preview": self.guest_order,
            "channel_order_items_bulk_status_update": self.preparing,
            "any_channel_order_items_bulk_status_update": self.preparing,
            "channel_order_cancel": self.fresh,
            "any_channel_order_cancel": self.fresh,
            "channel_order_refund_preview": self.fresh,
            "channel_cancellation_plan_create_payment_plan": Order(pk=self.planned),
        }
        return factories.items_of(orders.get(name, self.own_order))[0].pk

    def ids(self, name: str) -> dict[str, int]:
        """The ids by the keys of bodies that hold them."""
        return {
            "customer": self.named.pk,
            "order_item": self.item(name),
            "reason": self.reason,
            "country": Country.objects.get().pk,
            "city": City.objects.get().pk,
            "township": Township.objects.get().pk,
            "action_object_id": self.own_order.pk,
            "target_object_id": self.item(name),
        }

    def body(self, name: str, example: dict[str, Any]) -> dict[str, Any]:
        """An example with the ids of this database."""
        item, ids = self.item(name), self.ids(name)
        body = {
            key: ids.get(key, value) if _is_id(value) else value for key, value in example.items()
        }
        for rows in (body.get("cancel_order_items", []), body.get("orderitem_set", [])):
            rows[:] = [row | {key: ids[key] for key in row if key in ids} for row in rows]
        if "orderitem_set" in body:
            body["orderitem_set"] = [row | {"id": item} for row in body["orderitem_set"]]
        if "cancel_items" in body:
            reasons = {str(item): self.reason}
            body |= {"order": self.fresh.pk, "cancel_items": [item], "reasons": reasons}
        if "quantities" in body:
            body["quantities"] = {str(item): 1}
        if name == "channel_create_orders":
            body["order"] = body["order"] | {"number": "1000101"}
        if "number" in body and "balance" in body:
            body["number"] = str(LoyaltyAccount.objects.get().number)
        if "payment_plan" in body:
            body["payment_plan"] = [row | {"order_items": [item]} for row in body["payment_plan"]]
        return body


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


ANONYMOUS = {
    "hand_off",
    "login",
    "password_reset",
    "password_set",
    "registration",
    "sign_in_code",
    "sign_in_with_code",
}


def _mailed_code(path: str, body: dict[str, str]) -> str:
    post(HttpClient(), path, body)
    code = re.search(r"^([0-9]{6})$", str(deliver_one().body), re.MULTILINE)
    assert code
    return code[1]


def _mailed_token(path: str, email: str) -> str:
    """The token of the link that a request mails."""
    post(HttpClient(), path, {"email": email})
    return path_in(deliver_one()).rstrip("/").rpartition("/")[2]


def _send(sample: SampleShop, path: str, method: str, operation: Any, media_type: str) -> Any:
    """Send the example of an operation."""
    name = operation["operationId"]
    body = sample.body(name, operation["requestBody"]["content"][media_type]["example"])
    client, headers = sample.client(operation["tags"][0], name)
    names = {"channel_id": str(shop.SHOP), "name": "1"}
    if ID in path:
        names["id"] = str(sample.path_id(path))
    if name == "password_set":
        names["token"] = _mailed_token("/users/password/reset/", OWN)
    elif name == "sign_in_with_code":
        body["code"] = _mailed_code("/users/login/code/", {"email": "ada@example.com"})
    elif name == "guest_order_by_code":
        body["code"] = _mailed_code("/users/orders/anonymous/code/", {"number": body["number"]})
    elif name == "hand_off":
        tokens = f"{sync.BASE}customers/{sample.named.pk}/sign_in_tokens/"
        body["token"] = post(sample.system, tokens, {}).json()["token"]
    text = urlencode(body) if media_type == FORM else json.dumps(body)
    url = path.format(**names)
    return url, client.generic(method.upper(), url, text, content_type=media_type, headers=headers)


def test_each_example_is_accepted(mailoutbox: Any, settings: Any) -> None:
    settings.LIMITS_ENABLED = False
    document, sample, sent = openapi.document(), SampleShop(), 0
    failures: list[str] = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for media_type in operation.get("requestBody", {}).get("content", {}):
                sent += 1
                before = transaction.savepoint()
                url, response = _send(sample, path, method, operation, media_type)
                difference = checker().difference(method.upper(), url, response)
                if response.status_code >= 300 or difference:
                    name = operation["operationId"]
                    failures.append(f"{name}: {response.content.decode()} {difference}")
                transaction.savepoint_rollback(before)
                document_cache.clear()  # SQLite uses the ids again
    assert failures == [], "\n".join(failures)
    assert sent > 50
