"""Staff correct when an item was shipped or delivered; their note stays."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from takeback.orders.models import DateCorrection, Order, OrderItem
from tests import factories
from tests.channel import shop
from tests.desk.agents import agent, page_of, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

BEFORE = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def item() -> OrderItem:
    order = factories.create_order(
        items=[factories.item_input(status=550, delivered_date=BEFORE, shipped_date=BEFORE)]
    )
    return factories.items_of(order)[0]


def correct(client: Any, row: OrderItem, **fields: str) -> Any:
    form = {
        "item": row.pk,
        "shipped_date": "",
        "delivered_date": "2026-03-05T15:00",
        "dates_note": "The carrier confirmed it.",
    }
    return send(client, f"/desk/orders/{row.order_id}/dates", **form | fields)


def test_correction_changes_the_date_and_keeps_the_note(item: OrderItem) -> None:
    client, fingerprint = agent(), Order.objects.get().fingerprint

    response = correct(client, item)

    assert (response.status_code, response["Location"]) == (303, f"/desk/orders/{item.order_id}")
    row = DateCorrection.objects.get()
    item.refresh_from_db()
    assert item.delivered_date == row.after == datetime(2026, 3, 5, 15, tzinfo=UTC)
    assert (item.shipped_date, row.before, row.column) == (BEFORE, BEFORE, "delivered_date")
    assert (row.actor_kind, row.at) == ("staff", factories.NOW)
    assert fingerprint != Order.objects.get().fingerprint == ""
    page = page_of(client.get(f"/desk/orders/{item.order_id}"))
    assert "The carrier confirmed it." in page
    assert "Corrected dates" in page


def test_feed_does_not_undo_a_correction(item: OrderItem) -> None:
    correct(agent(), item)
    again = factories.order_input(
        items=[factories.item_input(status=550, delivered_date=BEFORE, shipped_date=BEFORE)]
    )

    [outcome] = factories.ingest(again, now=factories.NOW)

    assert (outcome.result, outcome.skipped) == ("unchanged", ("order_item.0.delivered_date",))
    assert OrderItem.objects.get().delivered_date == datetime(2026, 3, 5, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"dates_note": ""}, "A note is required."),
        ({"delivered_date": ""}, "Enter at least one date."),
        ({"delivered_date": "yesterday"}, "Enter a date and time"),
        ({"delivered_date": "2030-01-01T00:00"}, "This date is in the future."),
        ({"shipped_date": "9999-12-31T23:59"}, "This date is in the future."),
        ({"shipped_date": "1969-01-01T00:00"}, "This date is more than 31 days before"),
        ({"item": "999"}, "Choose an option from the list."),
        ({"dates_note": "x" * 2001}, "2000"),
    ],
)
def test_invalid_correction_is_refused_at_its_field(
    item: OrderItem, fields: dict[str, str], text: str
) -> None:
    client = agent()
    rows = shop.stored_rows()

    response = correct(client, item, **fields)

    assert response.status_code == 400
    assert text in page_of(response)
    assert (shop.stored_rows(), DateCorrection.objects.count()) == (rows, 0)


@pytest.mark.parametrize(
    ("rights", "status"), [({"scopes": ("read",)}, 403), ({"channels": (2,)}, 404)]
)
def test_correction_needs_the_right_to_decide_in_this_channel(
    item: OrderItem, rights: dict[str, Any], status: int
) -> None:
    client = agent(**rights)

    assert correct(client, item).status_code == status
    assert DateCorrection.objects.count() == 0


def test_corrections_cannot_be_changed_or_deleted(item: OrderItem) -> None:
    correct(agent(), item)
    for act in (
        lambda: DateCorrection.objects.update(note="other"),
        lambda: DateCorrection.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    assert DateCorrection.objects.get().note == "The carrier confirmed it."
