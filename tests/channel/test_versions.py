"""`If-Match` on orders and items: a client overwrites only what it has read."""

from collections.abc import Callable
from typing import Any

import pytest

from takeback.cancellations.commands.transition import reject
from takeback.orders.models import Order, OrderItem
from tests import factories
from tests.cancellations.factories import SCOPE, STAFF, open_case
from tests.channel import case_calls, shop
from tests.channel.sync import send
from tests.factories import HttpClient

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("the tests send several requests"),
]


def item_path() -> str:
    """The path of the only item."""
    return f"order_items/{OrderItem.objects.get().pk}/"


def order_path() -> str:
    """The path of the only order."""
    return f"orders/{Order.objects.get().pk}/"


CHANGES: dict[str, tuple[Callable[[], str], dict[str, Any]]] = {
    "item": (item_path, {"tracking_number": "T-1"}),
    "order": (order_path, {"is_send": True}),
}


def tag_of(caller: HttpClient, path: str) -> str:
    """The tag of the document now."""
    response = send(caller, "GET", path)
    assert response.status_code == 200
    tag: str = response.headers["ETag"]
    return tag


@pytest.fixture
def caller() -> HttpClient:
    """A client, and an order with one item."""
    factories.create_order()
    return case_calls.caller()


@pytest.mark.parametrize("prefix", ["channel/1/", ""])
@pytest.mark.parametrize("name", CHANGES)
def test_outdated_version_changes_nothing(name: str, prefix: str, caller: HttpClient) -> None:
    find_path, body = CHANGES[name]
    path = f"/api/v1/{prefix}{find_path()}"
    stale = tag_of(caller, path)
    send(caller, "PATCH", item_path(), {"invoice_number": "INV-1"})
    unknown = ['"1"', "1", '"x"', '""', f"{stale}, {stale}", f'"{10**18}"', f'"{10**30}"']

    for tag in (stale, f"W/{stale}", *unknown):
        for changes in (body, {}):
            with case_calls.refused(412, "precondition_failed") as responses:
                responses.append(send(caller, "PATCH", path, changes, **{"If-Match": tag}))


@pytest.mark.parametrize("form", ["{}", "W/{}", " {} ", "*"])
@pytest.mark.parametrize("name", CHANGES)
def test_present_version_is_changed_once(name: str, form: str, caller: HttpClient) -> None:
    find_path, body = CHANGES[name]
    path = find_path()
    tag = tag_of(caller, path)
    headers = {"If-Match": form.format(tag)}

    response = send(caller, "PATCH", path, body, **headers)

    assert response.status_code == 200
    assert response.headers["ETag"] == tag_of(caller, path) != tag
    again = send(caller, "PATCH", path, {"is_send": False, "tracking_number": ""}, **headers)
    assert again.status_code == (200 if form == "*" else 412)


@pytest.mark.parametrize("name", CHANGES)
def test_change_without_effect_keeps_the_version(name: str, caller: HttpClient) -> None:
    path, body = CHANGES[name][0](), {"is_send": False, "status": 400}
    tag = tag_of(caller, path)

    assert send(caller, "PATCH", path, body).headers["ETag"] == tag
    assert tag_of(caller, path) == tag


@pytest.mark.parametrize("name", CHANGES)
def test_decision_about_a_case_changes_the_version(name: str, caller: HttpClient) -> None:
    path = CHANGES[name][0]()
    case = open_case(OrderItem.objects.get())
    tag = tag_of(caller, path)

    reject(case, SCOPE, actor=STAFF, now=factories.NOW)

    assert tag_of(caller, path) != tag


def test_change_of_an_item_changes_the_version_of_its_order(caller: HttpClient) -> None:
    tag = tag_of(caller, order_path())

    send(caller, "PATCH", item_path(), {"tracking_number": "T-1"})

    assert tag_of(caller, order_path()) != tag


def test_objects_of_other_channels_are_not_found_whatever_the_version() -> None:
    factories.create_order(channel_id=shop.OTHER)
    caller = case_calls.caller()

    for find_path, body in CHANGES.values():
        with case_calls.refused(404, "not_found") as responses:
            responses.append(send(caller, "PATCH", find_path(), body, **{"If-Match": '"1"'}))
