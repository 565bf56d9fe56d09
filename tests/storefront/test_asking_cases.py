"""What is asked again, in part, too late or too often, and what becomes of what is let in (6.4)."""

from typing import Any

import pytest

from takeback.accounts.models import Session, User
from takeback.cancellations import errors
from takeback.cancellations.models import CancellationReason, CancellationRequest, CaseHistory
from takeback.core.errors import Problem
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import nothing_written, prove, refused, token_of
from tests.storefront.routes import (
    WAYS,
    Shop,
    Way,
    everywhere,
    let_in_everywhere,
    refused_everywhere,
    wrong_everywhere,
)
from tests.storefront.test_asking_rules import ARRIVED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]


def _cases_on_both(shop: Shop, **fields: Any) -> None:
    for way in (WAYS["customer one"], WAYS["guest one"]):
        factories.create_case(item=shop.item(way), kind=shop.kind, **fields)


@pytest.mark.parametrize("status", ["waiting", "waiting_approval", "confirmed", "approved"])
def test_one_case_at_a_time(status: str) -> None:
    # C5
    shop = Shop()
    _cases_on_both(shop, status=status)

    refused_everywhere(shop, errors.ALREADY_REQUESTED)


@pytest.mark.parametrize("status", ["rejected", "withdrawn"])
def test_once_more_when_the_first_came_to_nothing(status: str) -> None:
    # C6
    shop = Shop()
    _cases_on_both(shop, status=status)

    assert len(let_in_everywhere(shop)) == len(WAYS)


@pytest.mark.parametrize(
    ("kind", "status", "problem"),
    [
        ("cancel", Status.CANCELLED, errors.CANNOT_CANCEL_NOW),
        ("refund", Status.REFUNDED, errors.CANNOT_RETURN_NOW),
    ],
)
def test_never_again_what_is_completed(kind: str, status: Status, problem: Problem) -> None:
    # C7
    shop = Shop(kind=kind, items=[factories.item_input(status=status)])
    _cases_on_both(shop, status="completed")

    refused_everywhere(shop, problem)


def test_units_that_are_used_are_not_asked_for_again() -> None:
    # C16
    shop = Shop(items=[factories.item_input(quantity=3)])
    OrderItem.objects.update(units_closed=2)

    refused_everywhere(shop, errors.QUANTITY_TOO_LARGE, {"quantity": 2})
    assert {case["quantity"] for case in let_in_everywhere(shop)} == {1}
    OrderItem.objects.update(units_closed=3)
    refused_everywhere(shop, errors.CANNOT_CANCEL_NOW)


def test_without_a_quantity_all_units_are_meant() -> None:
    # C15
    shop = Shop(items=[factories.item_input(quantity=3)])

    assert {case["quantity"] for case in let_in_everywhere(shop)} == {3}
    assert {case["quantity"] for case in let_in_everywhere(shop, quantity=2)} == {2}


def test_a_strange_carrier_is_a_word() -> None:
    # C17
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])

    wrong_everywhere(shop, "shipping_company", "A whole number is required.", "yurtici")


def test_the_shop_s_own_carrier_is_taken_where_none_is_chosen(settings: Any) -> None:
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])
    settings.RETURN_CARRIER = factories.create_carrier(
        is_user_selectable=False, needs_pickup=True
    ).pk

    refused_everywhere(shop, errors.PICKUP_ADDRESS_REQUIRED)
    for name, way, address in (
        ("customer one", WAYS["customer one"], shop.of_customer.shipping_address_id),
        ("guest one", WAYS["guest one"], shop.of_guest.billing_address_id),
    ):
        assert shop.ask(way, pickup_address=address).status_code == 200, name
    assert EasyReturn.objects.filter(carrier="yurtici", status="wanted").count() == 2


def test_a_pickup_is_kept_for_the_carrier() -> None:
    # C40: the carrier is not asked yet, so there is no code to show.
    shop = Shop(kind="refund", items=[factories.item_input(**ARRIVED)])
    address = factories.create_address(user=shop.user).pk
    slot = {"date": "2026-03-12", "hour_range": {"start": "09:00", "end": "12:00"}}
    carrier = factories.create_carrier(needs_pickup=True).pk
    answer = shop.ask(
        WAYS["customer one"], shipping_company=carrier, pickup_address=address, pickup_date=slot
    )

    assert (answer.status_code, answer.json()["easy_return"]) == (200, None)
    wanted = EasyReturn.objects.get()
    assert (wanted.pickup_address_id, wanted.pickup_date) == (address, slot)
    assert (wanted.carrier, wanted.max_count, wanted.status) == ("yurtici", 1, "wanted")


def test_labels_are_translated_and_digits_are_not() -> None:
    # C43
    shop = Shop()
    way = WAYS["customer one"]
    body = shop.body(way, shop.told(way))
    answer = shop.send(way, body, headers={"Accept-Language": "ar"})

    assert answer.json()["status"] == {"value": "open", "label": "\u0645\u0641\u062a\u0648\u062d"}
    assert answer.json()["created_date"] == "2026-03-10T12:00:00Z"


@pytest.mark.parametrize(
    ("currency", "goods", "shown"),
    [("jpy", 1001, "1001"), ("kwd", 1001, "1.001"), ("try", 1001, "10.01")],
)
def test_every_currency_is_let_in_and_divided_exactly(
    currency: str, goods: int, shown: str
) -> None:
    # C36, C37
    line = factories.item_input(goods_minor=goods, discount_minor=0, quantity=2)
    shop = Shop(currency=currency, items=[line])
    way = WAYS["direct"]
    body, key = shop.body(way, shop.told(way, quantity=1)), {"Idempotency-Key": "1"}
    assert shop.send(way, body, headers=key).status_code == 200

    kept, gone = factories.items_of(shop.of_customer)
    assert kept.goods_minor + gone.goods_minor == goods
    assert (kept.goods_minor, gone.goods_minor) == (500, 501)
    order = shop.customer.get(f"/users/orders/{shop.of_customer.pk}/").json()
    assert order["amount"] == shown


@pytest.mark.parametrize("change", ["session ended", "customer disabled", "password changed"])
def test_whoever_is_not_signed_in_any_more_is_told_so(change: str) -> None:
    # C34
    shop = Shop()
    if change == "session ended":
        Session.objects.all().delete()
    elif change == "customer disabled":
        User.objects.filter(pk=shop.user.pk).update(is_active=False)
    else:
        User.objects.filter(pk=shop.user.pk).update(password="other")
    for name, way, dialect in everywhere({n: w for n, w in WAYS.items() if not w.is_guest}):
        answer = shop.ask(way, dialect)
        assert answer.status_code == 401, name
        refused(answer, 401, "not_authenticated")
    assert CancellationRequest.objects.count() == 0


def test_an_order_cancelled_a_moment_ago_is_not_cancelled_again() -> None:
    # C35
    shop = Shop()
    OrderItem.objects.update(status=Status.CANCELLED)

    refused_everywhere(shop, errors.CANNOT_CANCEL_NOW)


def test_a_customer_asks_so_often_an_hour_and_not_once_more(settings: Any) -> None:
    # C38: refused calls count, and a second case on the item stays what it is meanwhile.
    settings.REQUESTS_PER_HOUR = 5
    shop = Shop()
    ways = [way for way in WAYS.values() if not way.is_guest]

    calls = [shop.ask(ways[0]) for _ in range(4)] + [shop.ask(ways[1])]
    assert [call.status_code for call in calls] == [200, 406, 406, 406, 406]
    with nothing_written():
        for way in ways:
            answer = shop.ask(way)
            refused(answer, 429, "too_many_requests")
            assert answer["Retry-After"] == "3600"
    assert (CancellationRequest.objects.count(), CaseHistory.objects.count()) == (1, 1)

    other = factories.create_customer(email="other@example.com")
    client = factories.client_of(other)
    shop.customer, shop.token = client, token_of(client)
    assert shop.ask(ways[0]).status_code == 400


@pytest.mark.parametrize("names_the_order", [True, False])
def test_a_guest_asks_so_often_an_hour_for_an_order(names_the_order: bool, settings: Any) -> None:
    # C38
    settings.REQUESTS_PER_HOUR = 3
    settings.STOREFRONT_SERVERS = ["127.0.0.0/8"]
    shop = Shop()
    one, many = WAYS["guest one"], WAYS["guest many"]
    if not names_the_order:
        prove(shop.guest)

    def ask(way: Way) -> Any:
        named = {} if names_the_order else {"number": ..., "email": ...}
        told = shop.body(way, shop.told(way)) | named
        body = {key: value for key, value in told.items() if value is not ...}
        headers = {} if names_the_order else token_of(shop.guest)
        return shop.send(way, body, headers=headers)

    assert [ask(way).status_code for way in (one, one, many)] == [200, 406, 406]
    with nothing_written():
        for way in (one, many):
            answer = ask(way)
            refused(answer, 429, "too_many_requests")
            assert answer["Retry-After"] == "3600"


def test_cancelling_may_be_confirmed_at_once_for_all(settings: Any) -> None:
    settings.CANCEL_AUTO_CONFIRM = True
    shop = Shop()
    way = WAYS["customer one"]
    answer = shop.ask(way)

    assert answer.json()["status"]["value"] == "open"
    case = CancellationRequest.objects.get()
    assert (case.status, shop.item(way).status) == ("confirmed", Status.CANCELLATION_WAITING)
    steps = list(CaseHistory.objects.order_by("seq").values_list("event", "actor_kind"))
    assert steps == [("open", "customer"), ("confirm", "system")]


def test_what_is_asked_directly_is_confirmed_and_what_must_come_back_waits() -> None:
    lines = [factories.item_input(), factories.item_input(remote_id="2", **ARRIVED)]
    shop = Shop(items=lines)
    way = WAYS["direct"]
    refund = factories.create_reason(kind="refund").pk
    back = shop.told(way, 1, cancellation_type="refund", reason=refund)
    assert shop.send(way, shop.body(way, shop.told(way), back)).status_code == 200

    rows = CancellationRequest.objects.order_by("pk").values_list("cancellation_type", "status")
    assert list(rows) == [("cancel", "confirmed"), ("refund", "waiting")]
    assert [item.status for item in factories.items_of(shop.of_customer)] == [
        Status.CANCELLATION_WAITING,
        Status.DELIVERED,
    ]


def test_the_case_remembers_the_reason_it_was_told() -> None:
    shop = Shop()
    other = factories.create_reason(kind="refund", subject="Other")
    shop.ask(WAYS["customer one"], reason=other.pk)

    assert CancellationReason.objects.get(cancellationrequest__isnull=False) == other
