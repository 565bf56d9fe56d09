"""Asking over HTTP: what is let in, how it is answered, and what it leaves behind."""

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

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

ONE = "/users/orders/cancellation_requests/"
MANY = "/users/orders/bulk_cancellation_requests/"
GUEST_ONE = "/users/orders/anonymous/cancellation_requests/"
GUEST_MANY = "/users/orders/anonymous/bulk_cancellation_requests/"


def ask(client: HttpClient, body: Any, path: str = ONE, **headers: str) -> Any:
    """A customer's call with its CSRF token."""
    return post(client, path, body, headers=token_of(client) | headers)


def body_of(item: Any, **fields: Any) -> dict[str, Any]:
    """The least that asks for a cancellation."""
    reason = fields.pop("reason", None) or factories.create_reason().pk
    told = {"order_item": item.pk, "reason": reason, "cancellation_type": "cancel"}
    return told | fields


def test_a_customer_cancels_an_item() -> None:
    user = factories.create_customer()
    order = factories.create_order(customer=user)
    item = factories.items_of(order)[0]
    body = body_of(item, description="too late", cancellation_type={"value": "cancel"})
    answer = ask(factories.client_of(user), body | {"order_item": str(item.pk)})
    assert answer.status_code == 200
    case = CancellationRequest.objects.get()
    assert answer.json() == {
        "id": case.pk,
        "pk": case.pk,
        "cancellation_type": "cancel",
        "status": {"value": "open", "label": "Open"},
        "easy_return": None,
        "created_date": "2026-03-10T12:00:00Z",
        "modified_date": "2026-03-10T12:00:00Z",
        "uuid": str(case.uuid),
        "description": "too late",
        "iban": None,
        "holder_name": None,
        "quantity": 1,
        "fully_refund_as_loyalty_money": False,
        "cancellation_request_image_set": [],
        "reason": case.reason_id,
        "order_item": item.pk,
    }
    step = CaseHistory.objects.get()
    assert (step.seq, step.event, step.before, step.after) == (1, "open", None, "waiting")
    assert (step.actor_kind, step.actor_number, step.overridden) == ("customer", user.pk, [])


def test_a_second_case_on_the_item_is_refused_and_leaves_nothing() -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client, body = factories.client_of(user), body_of(item)
    assert ask(client, body).status_code == 200
    answer = ask(client, body)
    assert answer.status_code == 406
    assert answer.json() == {
        "non_field_errors": "There is already an open request for this item.",
        "error_code": "cancellation_request_100_1",
    }
    assert ask(client, body, **V3).status_code == 400
    assert (CancellationRequest.objects.count(), CaseHistory.objects.count()) == (1, 1)


def test_a_guest_sends_two_items_back_in_one_parcel() -> None:
    lines = [factories.item_input(remote_id=n, status=Status.DELIVERED) for n in ("1", "2")]
    order = factories.create_order(items=lines)
    carrier, reason = (
        factories.create_carrier(needs_pickup=True),
        factories.create_reason(kind="refund"),
    )
    asked = {"reason": reason.pk, "cancellation_type": "refund", "shipping_company": carrier.pk}
    body = {
        "number": order.number,
        "email": factories.GUEST,
        "cancel_order_items": [
            asked | {"order_item": item.pk} for item in factories.items_of(order)
        ],
    }
    answer = post(HttpClient(), GUEST_MANY, body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "cancellation_request_100_8")
    answer = post(HttpClient(), GUEST_MANY, body | {"pickup_address": order.shipping_address_id})
    assert answer.status_code == 201
    assert [case["easy_return"] for case in answer.json()] == [None, None]
    parcel = EasyReturn.objects.get()
    assert (parcel.max_count, parcel.status, parcel.code) == (2, "wanted", None)


def test_a_proof_opens_its_own_order_only() -> None:
    mine, other = factories.create_order(), factories.create_order(number="999")
    client = HttpClient()
    assert look_up(client).status_code == 200
    refused = ask(client, body_of(factories.items_of(other)[0]), GUEST_ONE)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "order_lookup_100_1")
    assert ask(client, body_of(factories.items_of(mine)[0]), GUEST_ONE).status_code == 200
    assert post(HttpClient(), GUEST_ONE, body_of(factories.items_of(mine)[0])).status_code == 400


def test_a_refusal_is_logged_with_its_code_and_its_item() -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client, body = factories.client_of(user), body_of(item)
    with capture_logs() as told:
        for fields in ({}, {}, {"reason": 10**9}):
            ask(client, body | fields)
    refused = [line for line in told if line["event"] == "refused"]
    assert [(line["code"], line["order_item"]) for line in refused] == [
        ("cancellation_request_100_1", item.pk),
        ("cancellation_request_100_1", item.pk),
    ]


def test_part_of_a_line_gets_a_line_of_its_own_when_it_is_cancelled_at_once() -> None:
    user = factories.create_customer()
    line = factories.item_input(goods_minor=1000, quantity=3, attributes={"quantity": 3})
    order = factories.create_order(customer=user, items=[line])
    item = factories.items_of(order)[0]
    body = {"cancel_order_items": [body_of(item, quantity=1)]}
    key = {"Idempotency-Key": "a-key"}
    answer = ask(factories.client_of(user), body, f"/orders/{order.number}/cancel/", **key)
    assert answer.status_code == 200
    kept, gone = factories.items_of(order)
    assert (kept.quantity, kept.goods_minor, kept.status) == (2, 666, Status.APPROVED)
    assert (gone.quantity, gone.goods_minor, gone.status) == (1, 334, 50)
    assert (kept.attributes, gone.attributes) == ({"quantity": 2}, {"quantity": 1})
    assert answer.json()[0]["order_item"] == gone.pk
    order.refresh_from_db()
    assert (order.status, order.is_finalized) == (50, True)


def photo(**options: Any) -> str:
    """A small picture as a phone sends it."""
    written = BytesIO()
    Image.new("RGB", (40, 30), "red").save(written, "JPEG", **options)
    return "data:image/jpeg;base64," + b64encode(written.getvalue()).decode()


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def test_pictures_are_kept_and_shown_to_their_customer_only(media: Path) -> None:
    user = factories.create_customer()
    item = factories.items_of(factories.create_order(customer=user))[0]
    client = factories.client_of(user)
    body = body_of(item, cancellation_request_image_set=[{"image": photo(), "description": "x"}])
    [shown] = ask(client, body).json()["cancellation_request_image_set"]
    assert shown["image"].startswith("http://127.0.0.1:8000/media/cases/")
    path = shown["image"].removeprefix("http://127.0.0.1:8000")
    answer = client.get(path)
    assert answer["Content-Type"] == "image/jpeg"
    assert Image.open(BytesIO(b"".join(answer))).size == (40, 30)
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-store"
    for stranger in (
        HttpClient(),
        factories.client_of(factories.create_customer(email="b@example.com")),
    ):
        assert stranger.get(path).status_code == 404
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1
