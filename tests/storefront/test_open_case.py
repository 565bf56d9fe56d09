"""Opening cases over HTTP: responses, history and stored images."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from structlog.testing import capture_logs

from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.logistics.models import EasyReturn
from takeback.orders.statuses import Status
from tests import factories
from tests.factories import HttpClient
from tests.storefront.api import V3, look_up, post, token_of
from tests.storefront.routes import GUEST_OPEN_CASE, GUEST_OPEN_CASES, OPEN_CASE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def open_case(client: HttpClient, body: Any, path: str = OPEN_CASE, **headers: str) -> Any:
    """A request with its CSRF token."""
    return post(client, path, body, headers=token_of(client) | headers)


def item_body(item: Any, **fields: Any) -> dict[str, Any]:
    """The required fields of a cancellation, and these fields."""
    reason = fields.pop("reason", None) or factories.create_reason().pk
    required = {"order_item": item.pk, "reason": reason, "cancellation_type": "cancel"}
    return required | fields


def test_customer_cancels_an_item() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user)
    item = factories.items_of(order)[0]
    body = item_body(item, description="too late", cancellation_type={"value": "cancel"})
    response = open_case(factories.client_of(user), body | {"order_item": str(item.pk)})
    assert response.status_code == 200
    case = CancellationRequest.objects.get()
    assert response.json() == {
        "id": case.pk,
        "pk": case.pk,
        "cancellation_type": "cancel",
        "status": {"value": "open", "label": "Open"},
        "easy_return": None,
        "created_date": "2026-03-10T12:00:00Z",
        "modified_date": case.modified_date.isoformat().replace("+00:00", "Z"),
        "uuid": str(case.uuid),
        "description": "too late",
        "iban": None,
        "holder_name": None,
        "quantity": 1,
        "fully_refund_as_loyalty_money": False,
        "cancellation_request_image_set": [],
        "reason": case.reason_id,
        "order_item": item.pk,
        "refund_set": [],
    }
    step = CaseHistory.objects.get()
    assert (step.seq, step.event, step.before, step.after) == (1, "open", None, "waiting")
    assert (step.actor_kind, step.actor_number, step.overridden) == ("customer", user.pk, [])


def test_second_case_on_an_item_is_refused_and_writes_nothing() -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client, body = factories.client_of(user), item_body(item)
    assert open_case(client, body).status_code == 200
    response = open_case(client, body)
    assert response.status_code == 406
    assert response.json() == {
        "non_field_errors": "There is already an open request for this item.",
        "error_code": "cancellation_request_100_1",
    }
    assert open_case(client, body, **V3).status_code == 400
    assert (CancellationRequest.objects.count(), CaseHistory.objects.count()) == (1, 1)


def test_guest_returns_two_items_in_one_parcel() -> None:
    items = [factories.item_input(remote_id=n, status=Status.DELIVERED) for n in ("1", "2")]
    order = factories.create_order(items=items)
    carrier, reason = (
        factories.create_carrier(needs_pickup=True),
        factories.create_reason(kind="refund"),
    )
    item_fields = {
        "reason": reason.pk,
        "cancellation_type": "refund",
        "shipping_company": carrier.pk,
    }
    body = {
        "number": order.number,
        "email": factories.GUEST,
        "cancel_order_items": [
            item_fields | {"order_item": item.pk} for item in factories.items_of(order)
        ],
    }
    response = post(HttpClient(), GUEST_OPEN_CASES, body)
    assert (response.status_code, response.json()["error_code"]) == (
        400,
        "cancellation_request_100_8",
    )
    response = post(
        HttpClient(), GUEST_OPEN_CASES, body | {"pickup_address": order.shipping_address_id}
    )
    assert response.status_code == 201
    assert [case["easy_return"] for case in response.json()] == [None, None]
    parcel = EasyReturn.objects.get()
    assert (parcel.max_count, parcel.status, parcel.code) == (2, "wanted", None)


def test_guest_access_allows_cases_of_the_verified_order_only() -> None:
    verified, other = factories.create_order(), factories.create_order(number="999")
    client = HttpClient()
    assert look_up(client).status_code == 200
    refusal = open_case(client, item_body(factories.items_of(other)[0]), GUEST_OPEN_CASE)
    assert (refusal.status_code, refusal.json()["error_code"]) == (400, "order_lookup_100_1")
    assert (
        open_case(client, item_body(factories.items_of(verified)[0]), GUEST_OPEN_CASE).status_code
        == 200
    )
    assert (
        post(HttpClient(), GUEST_OPEN_CASE, item_body(factories.items_of(verified)[0])).status_code
        == 400
    )


def test_refusal_is_logged_with_its_code_and_item() -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client, body = factories.client_of(user), item_body(item)
    with capture_logs() as entries:
        for fields in ({}, {}, {"reason": 10**9}):
            open_case(client, body | fields)
    refusals = [entry for entry in entries if entry["event"] == "refused"]
    assert [(entry["code"], entry["order_item"]) for entry in refusals] == [
        ("cancellation_request_100_1", item.pk),
        ("cancellation_request_100_1", item.pk),
    ]


def test_cancelling_part_of_an_item_splits_the_item() -> None:
    user = factories.create_customer()
    item_input = factories.item_input(goods_minor=1000, quantity=3, attributes={"quantity": 3})
    order = factories.create_order(customer=user, items=[item_input])
    item = factories.items_of(order)[0]
    body = {"cancel_order_items": [item_body(item, quantity=1)]}
    key = {"Idempotency-Key": "a-key"}
    response = open_case(factories.client_of(user), body, f"/orders/{order.number}/cancel/", **key)
    assert response.status_code == 200
    rest, part = factories.items_of(order)
    assert (rest.quantity, rest.goods_minor, rest.status) == (2, 666, Status.APPROVED)
    assert (part.quantity, part.goods_minor, part.status) == (1, 334, 50)
    assert (rest.attributes, part.attributes) == ({"quantity": 2}, {"quantity": 1})
    assert response.json()[0]["order_item"] == part.pk
    order.refresh_from_db()
    assert (order.status, order.is_finalized) == (50, True)


def jpeg_data_uri(**options: Any) -> str:
    """A small JPEG image as a data URI."""
    file = BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "JPEG", **options)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode()


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def test_images_are_stored_and_served_to_their_customer_only(media: Path) -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client = factories.client_of(user)
    body = item_body(
        item, cancellation_request_image_set=[{"image": jpeg_data_uri(), "description": "x"}]
    )
    [image] = open_case(client, body).json()["cancellation_request_image_set"]
    assert image["image"].startswith("http://127.0.0.1:8000/media/cases/")
    path = image["image"].removeprefix("http://127.0.0.1:8000")
    response = client.get(path)
    assert response["Content-Type"] == "image/jpeg"
    assert Image.open(BytesIO(b"".join(response))).size == (40, 30)
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-store"
    for stranger in (
        HttpClient(),
        factories.client_of(factories.create_customer(email="b@example.com")),
    ):
        assert stranger.get(path).status_code == 404
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1
