"""Dates of orders and items are plausible: others are refused by the name of their field."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from takeback.orders.models import OrderItem
from tests import factories
from tests.channel import case_calls, shop, sync
from tests.channel.shop import item_body, order_body
from tests.channel.sync import batch_object, change_batch, open_batch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

NEVER = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00",
         "2100-01-01", "9999-12-31T23:59:59Z"]  # fmt: skip
ITEMS = "/api/v1/channel/1/order_items/"


def later(now: datetime, **difference: float) -> str:
    """The text of a later time."""
    return (now + timedelta(**difference)).isoformat()


def past(now: datetime) -> list[str]:
    """Times that nothing has happened at."""
    return [*NEVER, later(now, days=1, seconds=1), later(now, days=1500)]


def test_order_of_an_impossible_time_is_refused(frozen_now: datetime) -> None:
    caller = case_calls.caller()

    for value in past(frozen_now):
        with case_calls.refused(400, "invalid", "date_placed") as responses:
            responses.append(shop.create_order(caller, order_body({"date_placed": value})))


@pytest.mark.parametrize("hours", [0, 24])
def test_clock_of_a_sender_may_be_a_day_ahead(frozen_now: datetime, hours: int) -> None:
    placed = {"date_placed": later(frozen_now, hours=hours)}

    assert shop.create_order(shop.client(), order_body(placed)).status_code == 201


def test_order_of_1970_is_accepted() -> None:
    body = order_body({"date_placed": "1970-01-01T00:00:00Z"})

    response = shop.create_order(shop.client(), body)

    assert (response.status_code, response.json()["date_placed"]) == (201, "1970-01-01T00:00:00Z")


@pytest.mark.parametrize("name", ["shipped_date", "delivered_date"])
def test_progress_at_an_impossible_time_is_refused(name: str, frozen_now: datetime) -> None:
    item, caller = case_calls.cancellable_item(), case_calls.caller()

    for value in past(frozen_now):
        changes: dict[str, Any] = {name: value}
        body = order_body({"number": "another"}, item_body(**changes))
        with case_calls.refused(400, "invalid", f"order_item.0.{name}") as responses:
            responses.append(shop.create_order(caller, body))
        with case_calls.refused(400, "invalid", name) as responses:
            responses.append(case_calls.send(caller, "PATCH", f"{ITEMS}{item.pk}/", changes))
        many = {"orderitem_set": [{"id": item.pk} | changes]}
        with case_calls.refused(400, "invalid", f"orderitem_set.0.{name}") as responses:
            responses.append(case_calls.send(caller, "PATCH", f"{ITEMS}bulk_status_update/", many))


def test_planned_dates_outside_1970_to_2099_are_refused() -> None:
    item, caller = case_calls.cancellable_item(), case_calls.caller()

    for value in NEVER:
        day = {"estimated_delivery_date": value[:10]}
        invoice = {"invoice_date": value}
        if value[:4] != "1970":  # the time is of 1969 in UTC, its day is not
            body = order_body({"number": "another"}, item_body(**day))
            name = "order_item.0.estimated_delivery_date"
            with case_calls.refused(400, "invalid", name) as responses:
                responses.append(shop.create_order(caller, body))
        with case_calls.refused(400, "invalid", "invoice_date") as responses:
            responses.append(shop.create_order(caller, order_body(invoice)))
        with case_calls.refused(400, "invalid", "invoice_date") as responses:
            responses.append(case_calls.send(caller, "PATCH", f"{ITEMS}{item.pk}/", invoice))


def test_planned_dates_may_lie_in_the_future() -> None:
    planned = {"estimated_delivery_date": "2099-12-31", "invoice_date": "2099-12-31T23:59:59Z"}
    body = order_body({}, item_body(**planned))

    assert shop.create_order(shop.client(), body).status_code == 201
    item = OrderItem.objects.get()
    assert str(item.estimated_delivery_date) == "2099-12-31"
    assert str(item.invoice_date) == "2099-12-31 23:59:59+00:00"


def test_version_of_the_future_is_refused(frozen_now: datetime) -> None:
    case, caller = sync.case(), shop.client()
    batch = open_batch(caller)

    for value in past(frozen_now):
        named = batch_object(case.pk, version_date=value)
        response = change_batch(
            caller, batch, "commit", content_type="cancellationrequest", objects=[named]
        )
        assert (response.status_code, set(response.json())) == (
            400,
            {"objects.0.version_date", "code"},
        )


FILTERS = [
    "orders/?date_placed__gt",
    "orders/updates/?modified_date__gt",
    "cancellation_requests/?date_placed__lte",
    "cancellation_requests/?date_placed__date__gt",
    "cancellation_requests/updates/?modified_date__lt",
]


@pytest.mark.parametrize("name", FILTERS)
def test_filters_take_any_date(name: str) -> None:
    factories.create_order()
    caller = shop.client()

    for value in ("0001-01-01", "1969-12-31", "2100-01-01", "9999-12-31"):
        assert sync.send(caller, "GET", f"{name}={value}").status_code == 200
    for value in ("10000-01-01", "0000-00-00", "-1", "1e9", "now"):
        assert sync.send(caller, "GET", f"{name}={value}").status_code == 400
