"""Access control: every route that names an object, called by everyone without access (P20).

The routes come from the URL configuration: a route that is missing from `NAMES` fails.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from takeback.accounts.models import ApiKey
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.channel_sync.commands import open_batch
from takeback.loyalty.commands.accounts import NewAccount, open_account
from takeback.loyalty.models import LoyaltyEntry
from tests import factories
from tests.cancellations.factories import CUSTOMER, SCOPE, STAFF, new_case
from tests.channel import shop
from tests.desk import agents
from tests.refunds.rows import create_account, create_refund
from tests.storefront.api import nothing_written, token_of, verify_order
from tests.trade_in.factories import offered_item

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("one request per route and client"),
]

PREFIX = re.compile(r"^\^?(api/v1/|api/i1/|api/)?")
METHODS = ("get", "post", "put", "patch", "delete")
HIDDEN = {401, 404}
"""The statuses for a stranger: not authenticated, or not found."""

NAMES: dict[str, str] = {
    "channel/<channel_id>/batch_requests": "",
    "channel/<channel_id>/batch_requests/<pk>": "batch",
    "channel/<channel_id>/integration_actions": "",
    "channel/<channel_id>/error_reports": "",
    "channels/<pk>": "channel",
    "channel/<channel_id>/cancellation_requests": "",
    "channel/<channel_id>/cancellation_requests/detailed": "",
    "channel/<channel_id>/cancellation_requests/updates": "",
    "channel/<channel_id>/cancellation_requests/<pk>": "case",
    "channel/<channel_id>/cancellation_requests/<pk>/detailed": "case",
    "channel/<channel_id>/cancellation_requests/<pk>/turn_into_return": "case",
    "channel/<channel_id>/cancellation_requests/<pk>/reject": "case",
    "channel/<channel_id>/cancellation_requests/<pk>/confirm": "case",
    "channel/<channel_id>/cancellation_requests/<pk>/approve": "case",
    "channel/<channel_id>/cancellation_request_images": "",
    "channel/<channel_id>/cancellation_request_images/updates": "",
    "channel/<channel_id>/cancellation_request_images/inserts_or_updates": "",
    "channel/<channel_id>/cancellation_request_images/<pk>": "image",
    "channel/<channel_id>/cancellation_request_images/<pk>/file": "image",
    "channel/<channel_id>/create_orders": "",
    "channel/<channel_id>/orders": "",
    "channel/<channel_id>/orders/updates": "",
    "channel/<channel_id>/orders/<pk>": "order",
    "channel/<channel_id>/orders/<pk>/cancel": "order",
    "channel/<channel_id>/orders/<pk>/refund_preview": "order",
    "channel/<channel_id>/order_items": "",
    "channel/<channel_id>/order_items/bulk_status_update": "",
    "channel/<channel_id>/order_items/<pk>": "item",
    "channel/<channel_id>/customers": "",
    "channel/<channel_id>/customers/<pk>": "customer",
    "channel/<channel_id>/customers/<pk>/sign_in_tokens": "customer",
    "channel/<channel_id>/addresses": "",
    "channel/<channel_id>/addresses/<pk>": "address",
    "channel/<channel_id>/countries": "",
    "channel/<channel_id>/cities": "",
    "channel/<channel_id>/townships": "",
    "channel/<channel_id>/districts": "",
    "channel/<channel_id>/cancellation_plans": "",
    "channel/<channel_id>/cancellation_plans/updates": "",
    "channel/<channel_id>/cancellation_plans/inserts_or_updates": "",
    "channel/<channel_id>/cancellation_plans/statuses": "",
    "channel/<channel_id>/cancellation_plans/<pk>": "plan",
    "channel/<channel_id>/cancellation_plans/<pk>/create_payment_plan": "plan",
    "channel/<channel_id>/cancellation_reasons": "",
    "channel/<channel_id>/cancellation_reasons/<pk>": "reason",
    "channel/<channel_id>/easy_return_shipping_companies": "",
    "channel/<channel_id>/easy_return_shipping_companies/<pk>": "carrier",
    "channel/<channel_id>/staff": "",
    "channel/<channel_id>/staff/<pk>": "member",
    "orders/<pk>": "order",
    "orders/<pk>/cancel": "order",
    "order_items/<pk>": "item",
    "loyalty_transactions/<pk>": "loyalty_entry",
    "remote/<channel_id>/loyalty_account": "",
    "remote/<channel_id>/loyalty_account/<pk>": "loyalty_account",
    "desk/cases/<pk>": "case",
    "desk/cases/<pk>/decide": "case",
    "desk/cases/<pk>/account": "case",
    "desk/cases/<pk>/undo": "case",
    "desk/orders/<pk>": "order",
    "desk/orders/<pk>/dates": "order",
    "desk/refunds/<pk>": "refund",
    "desk/photos/<name>": "image_name",
    "desk/settings/<channel_id>": "",
    "desk/settings/<channel_id>/logo": "",
    "desk/settings/<channel_id>/channel": "",
    "desk/settings/<channel_id>/reasons": "",
    "desk/settings/<channel_id>/reasons/new": "",
    "desk/settings/<channel_id>/reasons/<pk>": "reason",
    "desk/settings/<channel_id>/carriers": "",
    "desk/settings/<channel_id>/carriers/new": "",
    "desk/settings/<channel_id>/carriers/<pk>": "carrier",
    "desk/settings/<channel_id>/payment-accounts": "",
    "desk/settings/<channel_id>/payment-accounts/new": "",
    "desk/settings/<channel_id>/payment-accounts/<pk>": "payment_account",
    "desk/settings/<channel_id>/staff": "",
    "desk/settings/<channel_id>/staff/new": "",
    "desk/settings/<channel_id>/staff/<pk>": "member",
    "desk/settings/<channel_id>/keys": "",
    "orders/<name>/cancel": "order",
    "users/orders/<pk>": "order",
    "users/orders/<pk>/cancellation": "order",
    "users/old-orders/<pk>": "old_order",
    "users/order_item/<pk>/tradein_approved": "offered_item",
    "users/order_item/<pk>/tradein_rejected": "offered_item",
    "media/<name>": "image_name",
    "address/<pk>": "address",
}
"""The object that each route names besides its channel."""

TOKENS = {
    "users/orders/bank_account/<token>",
    "users/orders/anonymous/link/<token>",
    "users/reset/<token>",
    "users/email-set-primary/<token>",
    "users/registration/account-confirm-email/<token>",
    "users/hand-off/<token>",
    "desk/password-reset/<token>",
}
"""Routes that are named by a secret of the owner: the token is the permission (P21)."""


class Route(NamedTuple):
    """A configured path with its parameters, and the methods of its view."""

    template: str
    methods: tuple[str, ...]

    def path(self, owned: dict[str, Any], channel: int) -> str:
        """The path to one of these objects."""
        name = NAMES[PREFIX.sub("", self.template)]
        filled = self.template.replace("<channel_id>", str(channel))
        return "/" + re.sub(r"<(pk|name)>", str(owned.get(name, "")), filled)


def _routes(patterns: list[Any], before: str = "") -> Iterator[Route]:
    for pattern in patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern) and pattern.pattern.regex.groupindex:
            view: Any = getattr(pattern.callback, "cls", None) or pattern.callback
            view = getattr(view, "view_class", view)
            allowed = set(view.http_method_names)
            methods = tuple(x for x in METHODS if x in allowed and hasattr(view, x))
            text = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text)
            text = re.sub(r"<\w+:(\w+)>", r"<\1>", text)
            yield Route(re.sub(r"^\^|/\?\\Z$|/\?\$$", "", text), methods)


ROUTES: dict[str, list[Route]] = defaultdict(list)
for _route in _routes(get_resolver().url_patterns):
    _is_channel_s = _route.template.startswith("api/")
    ROUTES[PREFIX.sub("", _route.template) if _is_channel_s else _route.template].append(_route)


def test_every_route_that_names_an_object_is_listed() -> None:
    assert set(ROUTES) == set(NAMES) | TOKENS


@pytest.fixture
def owned() -> dict[str, Any]:
    """One object of each kind, owned by a customer of the first channel."""
    owner = factories.create_customer()
    items = [
        offered_item(),
        factories.item_input(remote_id="2"),
        factories.item_input(remote_id="3"),
    ]
    order = factories.create_order(customer=owner, items=items)
    offered, waiting, confirmed = factories.items_of(order)
    [case] = open_cases([new_case(waiting)], SCOPE, actor=CUSTOMER, now=factories.NOW)
    [decided] = open_cases([new_case(confirmed)], SCOPE, actor=CUSTOMER, now=factories.NOW)
    confirm(decided, SCOPE, actor=STAFF, now=factories.NOW)
    row = CancellationRequest.objects.get(pk=decided)
    name = f"cases/ab/{'ab' * 16}.jpg"
    image = factories.create_image(case=row, image=name)
    _write_file(name)
    return {
        "owner": owner,
        "channel": factories.SHOP,
        "customer": owner.pk,
        "order": order.pk,
        "item": waiting.pk,
        "offered_item": offered.pk,
        "case": case,
        "plan": row.plan_id,
        "image": image.pk,
        "image_name": name,
        "address": factories.create_address(user=owner).pk,
        "old_order": factories.create_old_order(customer=owner).pk,
        "reason": factories.create_reason(kind=Kind.CANCEL, channel_id=factories.SHOP).pk,
        "batch": open_batch(factories.SHOP, factories.NOW),
        "carrier": factories.create_carrier(channel_id=factories.SHOP).pk,
        "member": agents.member(username="colleague").pk,
        "loyalty_account": (account := _loyalty_account()),
        "loyalty_entry": LoyaltyEntry.objects.get(account_id=account).pk,
        "payment_account": create_account().pk,
        "refund": create_refund(order=order).pk,
    }


def _loyalty_account() -> int:
    new = NewAccount("points@example.com", "try", 500)
    return open_account(factories.SHOP, new, now=factories.NOW)


def _write_file(name: str) -> None:
    """Write a file with this name into the media folder."""
    from django.conf import settings

    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"an image")


Send = Callable[[str, str], Any]


def system(channels: tuple[int, ...]) -> Send:
    """A system whose key has all scopes in these channels."""
    client = shop.client(shop.key(scopes=ApiKey.SCOPES, channels=channels))
    # The time of last use is written once a minute: here, not in the tested request.
    assert client.get("/api/v1/active_user/").status_code == 200
    return lambda method, path: client.generic(
        method.upper(), path, json.dumps({}), content_type="application/json"
    )


def anonymous() -> Send:
    """A client without credentials."""
    client = factories.HttpClient()
    return lambda method, path: client.generic(
        method.upper(), path, json.dumps({}), content_type="application/json"
    )


def with_session(client: Any) -> Send:
    """A browser with a session, whose changes carry the CSRF token."""
    headers = token_of(client)
    return lambda method, path: client.generic(
        method.upper(), path, json.dumps({}), content_type="application/json", headers=headers
    )


def at_the_desk(client: factories.HttpClient) -> Send:
    """A staff member, whose changes are forms."""
    return lambda method, path: (
        agents.send(client, path) if method == "post" else client.generic(method.upper(), path)
    )


def other_customer() -> Send:
    """Another customer of the same channel."""
    return with_session(factories.client_of(factories.create_customer(email="other@example.com")))


def other_guest() -> Send:
    """A guest with access to another order."""
    factories.create_order(number="99", guest="guest2@example.com")
    client = factories.HttpClient()
    verify_order(client, number="99", email="guest2@example.com")
    return with_session(client)


def strangers(key: str) -> dict[str, Send]:
    """The clients without access to the object of this route."""
    if key.startswith("desk/"):
        staff = agents.agent(username="else", channels=(shop.OTHER,))
        return {"another channel's staff": at_the_desk(staff)}
    shoppers = {"a customer": other_customer(), "a guest": other_guest()}
    return shoppers | {
        "no credentials": anonymous(),
        "another channel's system": system((shop.OTHER,)),
    }


def owner_of(route: Route, owned: dict[str, Any]) -> Send:
    """A client with access to the route."""
    if route.template.startswith("desk/"):
        return at_the_desk(agents.agent(username="own"))
    if route.template.startswith("api/"):
        return system((factories.SHOP,))
    return with_session(factories.client_of(owned["owner"]))


def requests_for(key: str, owned: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every method of every path to the owner's object."""
    for route in ROUTES[key]:
        paths = [route.path(owned, factories.SHOP)]
        if NAMES[key] and "<channel_id>" in route.template:
            # The stranger's own channel with the owner's object.
            paths.append(route.path(owned, shop.OTHER))
        yield from ((method, path) for path in paths for method in route.methods)


@pytest.mark.parametrize("key", NAMES)
def test_strangers_get_401_or_404_and_change_nothing(key: str, owned: dict[str, Any]) -> None:
    clients = strangers(key)
    with nothing_written():
        for method, path in requests_for(key, owned):
            for name, send in clients.items():
                response = send(method, path)
                assert response.status_code in HIDDEN, (name, method, path, response.content)


@pytest.mark.parametrize("key", NAMES)
def test_the_owner_reaches_the_object(key: str, owned: dict[str, Any]) -> None:
    """Without this the refusals above would prove nothing."""
    for route in ROUTES[key]:
        send = owner_of(route, owned)
        for method in [name for name in route.methods if name != "delete"]:
            response = send(method, route.path(owned, factories.SHOP))
            if response.streaming:
                b"".join(response.streaming_content)  # the file is closed at its end
            details = (method, route.template, response.status_code)
            assert response.status_code not in {401, 403, 404, 405}, details
