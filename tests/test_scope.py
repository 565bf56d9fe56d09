"""Who reaches what: every route that names something, asked by everybody it is not for (P20).

The routes come from the URL configuration itself: one that nobody has put into `NAMES` fails.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import zeal
from django.urls import URLPattern, URLResolver, get_resolver

from takeback.accounts.models import ApiKey
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import confirm
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.channel_sync.commands import open_batch
from tests import factories
from tests.cancellations.factories import CUSTOMER, SCOPE, STAFF
from tests.cancellations.factories import new_case as asked
from tests.channel import shop
from tests.desk import agents
from tests.storefront.api import nothing_written, token_of, verify_order
from tests.trade_in.factories import offered_item

pytestmark = pytest.mark.django_db

PREFIX = re.compile(r"^\^?(api/v1/|api/i1/|api/)?")
METHODS = ("get", "post", "put", "patch", "delete")
HIDDEN = {401, 404}
"""What a stranger may be told: who are you, or there is nothing of this name."""

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
    "channel/<channel_id>/order_items": "",
    "channel/<channel_id>/order_items/bulk_status_update": "",
    "channel/<channel_id>/order_items/<pk>": "item",
    "channel/<channel_id>/customers": "",
    "channel/<channel_id>/customers/<pk>": "customer",
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
    "orders/<pk>": "order",
    "orders/<pk>/cancel": "order",
    "order_items/<pk>": "item",
    "desk/cases/<pk>": "case",
    "desk/cases/<pk>/decide": "case",
    "desk/cases/<pk>/account": "case",
    "desk/orders/<pk>": "order",
    "desk/photos/<name>": "photo",
    "orders/<name>/cancel": "order",
    "users/orders/<pk>": "order",
    "users/orders/<pk>/cancellation": "order",
    "users/old-orders/<pk>": "old_order",
    "users/order_item/<pk>/tradein_approved": "offered_item",
    "users/order_item/<pk>/tradein_rejected": "offered_item",
    "media/<name>": "photo",
    "address/<pk>": "address",
}
"""The thing that each route names besides its channel."""

TOKENS = {"users/orders/bank_account/<token>"}
"""Named by a secret that only its owner was sent: whoever knows it may (P21)."""


class Route(NamedTuple):
    """A path with its parameters, as it is configured, and the methods of its view."""

    template: str
    methods: tuple[str, ...]

    def path(self, things: dict[str, Any], channel: int) -> str:
        """The path to this thing."""
        name = NAMES[PREFIX.sub("", self.template)]
        filled = self.template.replace("<channel_id>", str(channel))
        return "/" + re.sub(r"<(pk|name)>", str(things.get(name, "")), filled)


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


def test_every_route_that_names_something_is_in_the_matrix() -> None:
    assert set(ROUTES) == set(NAMES) | TOKENS


@pytest.fixture
def things() -> dict[str, Any]:
    """One of everything, of a customer of the first channel."""
    with zeal.zeal_ignore():
        owner = factories.create_customer()
        items = [
            offered_item(),
            factories.item_input(remote_id="2"),
            factories.item_input(remote_id="3"),
        ]
        order = factories.create_order(customer=owner, items=items)
        offered, waiting, confirmed = factories.items_of(order)
        [case] = open_cases([asked(waiting)], SCOPE, actor=CUSTOMER, now=factories.NOW)
        [decided] = open_cases([asked(confirmed)], SCOPE, actor=CUSTOMER, now=factories.NOW)
        confirm(decided, SCOPE, actor=STAFF, now=factories.NOW)
        row = CancellationRequest.objects.get(pk=decided)
        name = f"cases/ab/{'ab' * 16}.jpg"
        image = factories.create_image(case=row, image=name)
        _lay(name)
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
            "photo": name,
            "address": factories.create_address(user=owner).pk,
            "old_order": factories.create_old_order(customer=owner).pk,
            "reason": factories.create_reason(kind=Kind.CANCEL, channel_id=factories.SHOP).pk,
            "batch": open_batch(factories.SHOP, factories.NOW),
        }


def _lay(name: str) -> None:
    """A file of this name in the media folder."""
    from django.conf import settings

    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a picture")


Call = Callable[[str, str], Any]


def system(channels: tuple[int, ...]) -> Call:
    """A system with a key that may do everything in these channels."""
    caller = shop.client(shop.key(scopes=ApiKey.SCOPES, channels=channels))
    # That a key is in use is noted once a minute.
    assert caller.get("/api/v1/active_user/").status_code == 200
    return lambda method, path: caller.generic(
        method.upper(), path, json.dumps({}), content_type="application/json"
    )


def anonymous() -> Call:
    """Nobody."""
    client = factories.HttpClient()
    return lambda method, path: client.generic(
        method.upper(), path, json.dumps({}), content_type="application/json"
    )


def visitor(client: Any) -> Call:
    """Somebody with a session, whose changes carry the token."""
    headers = token_of(client)
    return lambda method, path: client.generic(
        method.upper(), path, json.dumps({}), content_type="application/json", headers=headers
    )


def at_the_desk(client: factories.HttpClient) -> Call:
    """A member of staff, whose changes are forms."""
    return lambda method, path: (
        agents.send(client, path) if method == "post" else client.generic(method.upper(), path)
    )


def other_customer() -> Call:
    """A customer of the same channel."""
    return visitor(factories.client_of(factories.create_customer(email="other@example.com")))


def other_guest() -> Call:
    """A guest who has proved another order."""
    factories.create_order(number="99", guest="guest2@example.com")
    client = factories.HttpClient()
    verify_order(client, number="99", email="guest2@example.com")
    return visitor(client)


def strangers(key: str) -> dict[str, Call]:
    """Everybody that what this route names is not for."""
    if key.startswith("desk/"):
        staff = agents.agent(username="else", channels=(shop.OTHER,))
        return {"another channel's staff": at_the_desk(staff)}
    people = {"a customer": other_customer(), "a guest": other_guest(), "nobody": anonymous()}
    return people | {"another channel's system": system((shop.OTHER,))}


def rightful(route: Route, things: dict[str, Any]) -> Call:
    """Somebody whom the route is for."""
    if route.template.startswith("desk/"):
        return at_the_desk(agents.agent(username="own"))
    if route.template.startswith("api/"):
        return system((factories.SHOP,))
    return visitor(factories.client_of(things["owner"]))


def asked_for(key: str, things: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every method of every path to the owner's thing."""
    for route in ROUTES[key]:
        paths = [route.path(things, factories.SHOP)]
        if NAMES[key] and "<channel_id>" in route.template:
            # A channel of one's own with somebody else's thing in it.
            paths.append(route.path(things, shop.OTHER))
        yield from ((method, path) for path in paths for method in route.methods)


@pytest.mark.parametrize("key", NAMES)
def test_what_is_another_s_is_not_there(key: str, things: dict[str, Any]) -> None:
    with zeal.zeal_ignore():
        everybody = strangers(key)
    with zeal.zeal_ignore(), nothing_written():
        for method, path in asked_for(key, things):
            for who, call in everybody.items():
                answer = call(method, path)
                assert answer.status_code in HIDDEN, (who, method, path, answer.content)


@pytest.mark.parametrize("key", NAMES)
def test_it_is_there_for_whom_it_is(key: str, things: dict[str, Any]) -> None:
    """Else the refusals above would show nothing."""
    with zeal.zeal_ignore():
        for route in ROUTES[key]:
            call = rightful(route, things)
            for method in [name for name in route.methods if name != "delete"]:
                answer = call(method, route.path(things, factories.SHOP))
                if answer.streaming:
                    b"".join(answer.streaming_content)  # a file is closed at its end
                told = (method, route.template, answer.status_code)
                assert answer.status_code not in {401, 403, 404, 405}, told
