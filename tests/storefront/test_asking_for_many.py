"""Several items at once: all of them, or none, and the answer says which one it is about (6.5)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from takeback.cancellations import errors
from takeback.cancellations.models import CancellationRequest, CaseHistory
from takeback.logistics.models import EasyReturn
from takeback.orders.models import OrderItem
from takeback.orders.statuses import Status
from tests import factories
from tests.storefront.api import CLASSIC, nothing_written, prove, refused, token_of
from tests.storefront.routes import BULKS, ITEMS, LOOKUP_FAILED, WAYS, Shop, Way, everywhere, texts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen_now")]

MANY, GUEST_MANY = WAYS["customer many"], WAYS["guest many"]


def lines(count: int, **fields: Any) -> list[Any]:
    """As many lines of an order."""
    return [factories.item_input(remote_id=str(number), **fields) for number in range(count)]


@pytest.fixture
def shop() -> Shop:
    """Both visitors have three lines."""
    return Shop(items=lines(3))


MALFORMED: dict[str, tuple[Any, Any]] = {
    "B-1 missing": (..., "This field is required."),
    "B-1 null": (None, "This field may not be null."),
    "B-1 object": ({}, 'Expected a list of items but got type "dict".'),
    "B-1 text": ("x", 'Expected a list of items but got type "str".'),
    "B-2 empty": ([], "This list may not be empty."),
    "B-3 51 items": ([{}] * 51, "Ensure this field has no more than 50 elements."),
    "B-10 null": ([None], {"0": "This field may not be null."}),
    "B-10 list": ([[]], {"0": "Invalid data. Expected a dictionary, but got list."}),
    "B-10 number": ([1], {"0": "Invalid data. Expected a dictionary, but got int."}),
    "B-10 text": (["x"], {"0": "Invalid data. Expected a dictionary, but got str."}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_list_of_items_is_refused(name: str, shop: Shop) -> None:
    items, text = MALFORMED[name]
    with nothing_written():
        for where, way, dialect in everywhere(BULKS):
            body = shop.body(way, shop.told(way)) | {ITEMS: items}
            body = {key: value for key, value in body.items() if value is not ...}
            answer = shop.send(way, body, dialect)
            told = (
                {key: texts(value, dialect) for key, value in text.items()}
                if isinstance(text, dict)
                else texts(text, dialect)
            )
            assert answer.status_code == 400, where
            assert answer.json() == {ITEMS: told}, where


def test_an_element_at_fault_is_named_by_its_position(shop: Shop) -> None:
    # B-10
    with nothing_written():
        for name, way, dialect in everywhere(BULKS):
            body = shop.body(way, shop.told(way), None, shop.told(way, 2, quantity="x"))
            answer = shop.send(way, body, dialect)
            assert answer.status_code == 400, name
            assert answer.json() == {
                ITEMS: {
                    "1": texts("This field may not be null.", dialect),
                    "2": {"quantity": texts("A whole number is required.", dialect)},
                }
            }, name


def test_a_hundred_thousand_items_are_too_many_to_read(shop: Shop) -> None:
    # B-3
    body = '{"cancel_order_items": [' + "{}," * 100_000 + "{}]}"
    with nothing_written():
        for way in BULKS.values():
            refused(shop.send(way, body), 400, "malformed_json")


def test_fifty_items_are_taken() -> None:
    # B-3
    shop = Shop(items=lines(50))
    for way in (MANY, GUEST_MANY):
        body = shop.body(way, *(shop.told(way, line) for line in range(50)))
        answer = shop.send(way, body)

        assert answer.status_code == 201
        given = [case["order_item"] for case in answer.json()]
        assert given == [item["order_item"] for item in body[ITEMS]]
    assert CancellationRequest.objects.count() == 100


@pytest.mark.parametrize("kind", [int, str])
def test_the_same_item_twice_is_refused(kind: type, shop: Shop) -> None:
    # B-4
    with nothing_written():
        for name, way, dialect in everywhere(BULKS):
            told = shop.told(way)
            again = told | {"order_item": kind(told["order_item"])}
            answer = shop.send(way, shop.body(way, told, again), dialect)
            given = answer.status_code, answer.json()
            assert given == way.refusal(dialect, errors.ITEM_TWICE, 1), name


@pytest.mark.parametrize("foreign", ["unknown", "the other visitor's"])
def test_nine_good_items_and_a_foreign_one_are_all_refused(foreign: str) -> None:
    # B-5
    shop = Shop(items=lines(9))
    with nothing_written():
        for name, way, dialect in everywhere(BULKS):
            other = WAYS["customer one" if way.is_guest else "guest one"]
            pk = 10**9 if foreign == "unknown" else shop.item(other).pk
            asks = [shop.told(way, line) for line in range(9)]
            answer = shop.send(way, shop.body(way, *asks, shop.told(way, order_item=pk)), dialect)
            given = answer.status_code, answer.json()
            assert given == way.refusal(dialect, errors.UNKNOWN_ITEM, 9), name


def test_a_rule_names_the_position_of_its_item(shop: Shop) -> None:
    # B-5, B-14: it became shipped before the lock was ours.
    for order in (shop.of_customer, shop.of_guest):
        last = factories.items_of(order)[2]
        OrderItem.objects.filter(pk=last.pk).update(status=Status.SHIPPED)
    with nothing_written():
        for name, way, dialect in everywhere(BULKS):
            body = shop.body(way, *(shop.told(way, line) for line in range(3)))
            answer = shop.send(way, body, dialect)
            given = answer.status_code, answer.json()
            assert given == way.refusal(dialect, errors.CANNOT_CANCEL_NOW, 2), name


def test_items_of_two_own_orders_are_allowed(shop: Shop) -> None:
    # B-6
    second = factories.create_order(customer=shop.user, number="1002")
    body = shop.body(
        MANY, shop.told(MANY), shop.told(MANY, order_item=factories.items_of(second)[0].pk)
    )

    assert shop.send(MANY, body).status_code == 201
    assert CancellationRequest.objects.count() == 2


def test_lines_of_two_orders_do_not_travel_in_one_parcel() -> None:
    # B-6, B-8
    shop = Shop(kind="refund", items=lines(1, status=Status.DELIVERED))
    second = factories.create_order(
        customer=shop.user, number="1002", items=lines(2, status=Status.DELIVERED)
    )
    told = [
        shop.told(MANY),
        *(shop.told(MANY, order_item=i.pk) for i in factories.items_of(second)),
    ]
    top = {
        "shipping_company": factories.create_carrier(needs_pickup=True).pk,
        "pickup_address": factories.create_address(user=shop.user).pk,
    }
    answer = shop.send(MANY, shop.body(MANY, *({**ask, **top} for ask in told)))

    assert answer.status_code == 201, answer.content
    rows = CancellationRequest.objects.order_by("pk").values_list("easy_return_id", flat=True)
    first, *others = rows
    assert others == [others[0]] * 2
    assert first != others[0]
    assert list(EasyReturn.objects.order_by("pk").values_list("max_count", flat=True)) == [1, 2]


def test_a_guest_asks_for_one_order_and_so_does_a_direct_cancel(shop: Shop) -> None:
    # B-6
    guests, own = (
        factories.create_order(number="9"),
        factories.create_order(customer=shop.user, number="1002"),
    )
    for way, order in ((GUEST_MANY, guests), (WAYS["direct"], own)):
        told = shop.told(way, order_item=factories.items_of(order)[0].pk)
        with nothing_written():
            answer = shop.send(way, shop.body(way, shop.told(way), told))
        assert (answer.status_code, answer.json()) == way.refusal(CLASSIC, errors.UNKNOWN_ITEM, 1)


def test_a_guest_with_a_proof_alone_is_told_as_little_as_in_a_look_up(shop: Shop) -> None:
    # B-6
    other = factories.create_order(number="9")
    prove(shop.guest)
    told = shop.told(GUEST_MANY, order_item=factories.items_of(other)[0].pk)
    body = {ITEMS: [shop.told(GUEST_MANY), told]}
    with nothing_written():
        answer = shop.send(GUEST_MANY, body, headers=token_of(shop.guest))
    assert (answer.status_code, answer.json()) == (400, LOOKUP_FAILED)


def test_a_guest_who_has_proved_two_orders_acts_for_the_one_they_ask_about(
    shop: Shop, frozen_now: datetime
) -> None:
    # B-6, P9, P10
    key = {"Idempotency-Key": "a-key"}
    second = factories.create_order(number="9")
    told = shop.told(GUEST_MANY, order_item=factories.items_of(second)[0].pk)

    def ask(*items: Any) -> Any:
        return shop.send(GUEST_MANY, {ITEMS: items}, headers=token_of(shop.guest) | key)

    prove(shop.guest)
    first = ask(shop.told(GUEST_MANY))
    with time_machine.travel(frozen_now + timedelta(seconds=5), tick=False):
        prove(shop.guest, number="9")
        again = ask(shop.told(GUEST_MANY))
        other = shop.send(GUEST_MANY, {ITEMS: [told]}, headers=token_of(shop.guest))
        with nothing_written():
            both = [shop.told(GUEST_MANY, 1), told]
            mixed = shop.send(GUEST_MANY, {ITEMS: both}, headers=token_of(shop.guest))

    assert [answer.status_code for answer in (first, again, other)] == [201] * 3
    assert again.content == first.content
    assert (mixed.status_code, mixed.json()) == (400, LOOKUP_FAILED)
    steps = CaseHistory.objects.order_by("pk").values_list("actor_kind", "actor_number")
    assert list(steps) == [("guest", shop.of_guest.pk), ("guest", second.pk)]


@pytest.mark.parametrize("way", [MANY, GUEST_MANY], ids=["customer", "guest"])
def test_cancelling_and_sending_back_go_together(way: Way) -> None:
    # B-7
    shop = Shop(
        items=[factories.item_input(), factories.item_input(remote_id="2", status=Status.DELIVERED)]
    )
    carrier = factories.create_carrier().pk
    refund = shop.told(way, 1, cancellation_type="refund", shipping_company=carrier)
    answer = shop.send(way, shop.body(way, shop.told(way), refund))

    assert answer.status_code == 201
    assert [case["cancellation_type"] for case in answer.json()] == ["cancel", "refund"]
    wanted = EasyReturn.objects.get()
    rows = CancellationRequest.objects.order_by("pk").values_list("easy_return_id", flat=True)
    assert list(rows) == [None, wanted.pk]
    assert wanted.max_count == 1


def test_an_item_s_own_word_wins() -> None:
    # B-8
    shop = Shop(kind="refund", items=lines(3, status=Status.DELIVERED))
    home, work = (
        factories.create_address(user=shop.user, line=line).pk for line in ("Home", "Work")
    )
    carrier = factories.create_carrier(needs_pickup=True).pk
    asks = [
        shop.told(MANY, 0, shipping_company=carrier),
        shop.told(MANY, 1, shipping_company=carrier, pickup_address=work),
        shop.told(MANY, 2, shipping_company=carrier, fully_refund_as_loyalty_money=False,
                  pickup_address=None),
    ]  # fmt: skip
    top = {"pickup_address": home, "fully_refund_as_loyalty_money": True}
    answer = shop.send(MANY, shop.body(MANY, *asks, **top))

    assert answer.status_code == 201
    assert [case["fully_refund_as_loyalty_money"] for case in answer.json()] == [True, True, False]
    rows = CancellationRequest.objects.order_by("pk")
    places = rows.values_list("easy_return__pickup_address_id", "easy_return__max_count")
    assert list(places) == [(home, 2), (work, 1), (home, 2)]


@pytest.mark.parametrize("way", [MANY, GUEST_MANY], ids=["customer", "guest"])
def test_a_foreign_address_is_told_where_it_was_named(way: Way) -> None:
    # B-9
    shop = Shop(kind="refund", items=lines(2, status=Status.DELIVERED))
    foreign = factories.create_address(user=factories.create_customer(email="b@example.com")).pk
    text = "There is no such address."
    with nothing_written():
        for name, _, dialect in everywhere({"": way}):
            asks = [shop.told(way, line) for line in (0, 1)]
            top = shop.send(way, shop.body(way, *asks, pickup_address=foreign), dialect)
            assert top.status_code == 400, name
            assert top.json() == {"pickup_address": texts(text, dialect)}, name
            asks[1]["pickup_address"] = foreign
            inside = shop.send(way, shop.body(way, *asks), dialect)
            assert inside.status_code == 400, name
            assert inside.json() == {ITEMS: {"1": {"pickup_address": texts(text, dialect)}}}, name


def test_one_word_for_all_holds_for_the_direct_cancel_too(shop: Shop) -> None:
    way = WAYS["direct"]
    body = shop.body(way, shop.told(way), shop.told(way, 1), fully_refund_as_loyalty_money=True)
    answer = shop.send(way, body)

    assert [case["fully_refund_as_loyalty_money"] for case in answer.json()] == [True, True]
    events = CaseHistory.objects.order_by("cancellation_request_id", "seq")
    assert list(events.values_list("event", flat=True)) == ["open", "confirm"] * 2
