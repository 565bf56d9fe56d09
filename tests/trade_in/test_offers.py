"""An offer arrives with its order, is published once, and is mailed in the order's language."""

from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.utils import translation

from takeback.accounts.policy import shop_policy
from takeback.core.actor import ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import ItemId
from takeback.handlers.mails import send_offer_mail
from takeback.orders import trade_in_offers
from takeback.orders.commands.ingest import UPDATED
from takeback.orders.commands.update_items import update_items
from takeback.orders.trade_in_offers import OFFERED, offered_minor
from takeback.outbox.worker import Delivery
from takeback.trade_in.commands import decide_offer
from takeback.trade_in.models import Decision
from takeback.trade_in.offers import offer_of
from tests import factories
from tests.trade_in.factories import make_offer, offered_item, the_offer

pytestmark = pytest.mark.django_db

LATER = factories.NOW.replace(hour=13)
OFFER_AMOUNTS = [
    ({"amount": "120.50"}, 12050), ({"amount": Decimal("120.5")}, 12050), ({"amount": 120}, 12000),
    ({"amount": 120.5}, 12050), ({"amount": "0"}, 0), ({"amount": "7.10", "grade": "B"}, 710),
    ({"amount": "-1"}, None), ({"amount": "1.234"}, None), ({"amount": "many"}, None),
    ({"amount": True}, None), ({"amount": None}, None), ({"amount": []}, None), ({}, None),
    ("120.50", None), ([{"amount": "1"}], None), (None, None),
]  # fmt: skip


@pytest.mark.parametrize(("inquiry", "minor"), OFFER_AMOUNTS)
def test_offer_is_an_object_with_an_amount_in_the_orders_currency(
    inquiry: Any, minor: int | None
) -> None:
    assert offered_minor({"tradein_inquiry": inquiry}, "try", "tradein_inquiry") == minor


def test_name_of_the_attribute_is_a_setting(settings: Any) -> None:
    settings.TRADE_IN_KEY = "takas"
    key = shop_policy(factories.SHOP).trade_in_key

    assert offered_minor({"takas": {"amount": 5}}, "jpy", key) == 5
    assert offered_minor({"tradein_inquiry": {"amount": 5}}, "jpy", key) is None


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The messages about offers: topic, key and payload."""
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        trade_in_offers, "emit", lambda topic, key, payload: messages.append((topic, key, payload))
    )
    return messages


def test_each_new_offer_is_published_once(published: list[tuple[Any, ...]]) -> None:
    order = factories.create_order(
        items=[
            factories.item_input(),
            offered_item(remote_id="2"),
            offered_item("7", remote_id="3"),
        ]
    )

    _, second, third = factories.items_of(order)
    timestamp = factories.NOW.isoformat()
    assert published == [
        (OFFERED, f"trade_in/{item.pk}/{timestamp}", {"order_item": item.pk, "amount_minor": minor})
        for item, minor in ((second, 12050), (third, 700))
    ]


@pytest.mark.parametrize(
    ("before", "after", "minor"),
    [
        (None, "120.50", 12050), ("120.50", "99", 9900), ("120.50", 120.5, None),
        ("120.50", None, None), ("120.50", "many", None),
    ],
)  # fmt: skip
def test_repeated_order_publishes_only_a_new_offer(
    published: list[tuple[Any, ...]], before: Any, after: Any, minor: int | None
) -> None:
    order = factories.create_order(items=[offered_item(before)])
    published.clear()

    again = factories.order_input(items=[offered_item(after)], notes="changed")
    [outcome] = factories.ingest(again, now=LATER)

    [item] = factories.items_of(order)
    payload = {"order_item": item.pk, "amount_minor": minor}
    key = f"trade_in/{item.pk}/{LATER.isoformat()}"
    assert outcome.result == UPDATED
    assert published == ([(OFFERED, key, payload)] if minor is not None else [])


def test_repeated_order_with_the_same_offer_is_silent(
    published: list[tuple[Any, ...]],
) -> None:
    factories.create_order(items=[offered_item()])
    published.clear()

    factories.ingest(factories.order_input(items=[offered_item()]), now=LATER)

    assert published == []


def test_repeated_order_has_one_offer_for_a_split_item(
    published: list[tuple[Any, ...]],
) -> None:
    order = factories.create_order(items=[offered_item(quantity=3)])
    [item] = factories.items_of(order)
    part = factories.split_item(item.pk, 1, now=factories.NOW)
    published.clear()

    factories.ingest(factories.order_input(items=[offered_item("99", quantity=3)]), now=LATER)

    assert [payload for *_, payload in published] == [{"order_item": item.pk, "amount_minor": 9900}]
    assert the_offer(item).amount_minor == 9900
    assert offer_of(part.pk) is None


@pytest.mark.parametrize(
    ("language", "amount", "subject"),
    [
        ("en", "TRY\u00a0120.50", "Your trade-in offer for order 2745403029312170"),
        ("tr-tr", "₺120,50", "2745403029312170 numaral\u0131 siparişiniz için takas teklifiniz"),
        ("de", "120,50\u00a0TRY", "Ihr Inzahlungnahme-Angebot zur Bestellung 2745403029312170"),
        ("ar", "120.50\u00a0TRY", "عرض الاستبدال لطلب الشراء 2745403029312170"),
        ("", "TRY\u00a0120.50", "Your trade-in offer for order 2745403029312170"),
    ],
)
def test_offer_mail_goes_to_the_orders_address_in_its_language(
    language: str, amount: str, subject: str
) -> None:
    item = make_offer(language_code=language)

    with translation.override("de"):
        send_offer_mail(Delivery("key", {"order_item": item.pk, "amount_minor": 12050}))

    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([factories.GUEST], subject)
    lines = str(sent.body).splitlines()
    paths = [line.partition("?token=")[0] for line in lines if "://" in line]
    start = f"http://127.0.0.1:8000/users/order_item/{item.pk}/tradein"
    assert paths == [f"{start}_approved/", f"{start}_rejected/"]
    assert amount in sent.body
    assert "A thing" in sent.body


def test_arabic_offer_mail_is_rtl_and_isolates_the_product() -> None:
    product = {"sku": "SKU-1", "name": "A\u202ething\nmore"}
    item = make_offer(language_code="ar", items=[offered_item(product=product)])

    send_offer_mail(Delivery("key", {"order_item": item.pk, "amount_minor": 12050}))

    lines = [line for line in str(mail.outbox[0].body).splitlines() if line]
    assert [line[0] for line in lines if "://" not in line] == ["\u200f"] * 6
    assert [line[:4] for line in lines if "://" in line] == ["http"] * 2
    assert "\u2068Athing more\u2069" in lines[0]
    assert "\u2068\u200f120.50\u00a0TRY\u2069" in lines[1]


def test_decided_replaced_or_removed_offer_is_not_mailed() -> None:
    decided, replaced = make_offer(number="1"), make_offer(number="2")
    bare = factories.items_of(factories.create_order(number="3"))[0]
    decide_offer(decided.pk, Decision.REJECTED, 12050, by=ActorKind.GUEST, now=factories.NOW)

    for item, minor in ((decided, 12050), (replaced, 9900), (bare, 9900)):
        send_offer_mail(Delivery("key", {"order_item": item.pk, "amount_minor": minor}))

    assert mail.outbox == []


def test_decision_applies_to_the_offer_that_was_shown_and_is_final() -> None:
    item = make_offer()

    with pytest.raises(Refused):
        decide_offer(item.pk, Decision.APPROVED, 9900, by=ActorKind.GUEST, now=factories.NOW)
    assert the_offer(item).decision is None

    decide_offer(item.pk, Decision.APPROVED, 12050, by=ActorKind.GUEST, now=factories.NOW)
    factories.ingest(factories.order_input(items=[offered_item("99")]), now=LATER)

    decided = the_offer(item)
    assert (decided.decision, decided.amount_minor) == (Decision.APPROVED, 12050)


@pytest.mark.parametrize("decision", list(Decision))
def test_decision_is_shown_and_survives_later_attributes(decision: Decision) -> None:
    item = make_offer()
    decide_offer(item.pk, decision, 12050, by=ActorKind.GUEST, now=factories.NOW)
    shown = {"decision": decision.value, "amount": "120.50", "decided_date": "2026-03-10T12:00:00Z"}

    item.refresh_from_db()
    assert item.attributes == {
        "tradein_inquiry": {"amount": "120.50"},
        "tradein_inquiry_decision": shown,
    }
    assert item.modified_date > factories.NOW  # the time of the database, which feeds follow
    assert item.order.modified_date > factories.NOW

    factories.ingest(factories.order_input(items=[offered_item("99")]), now=LATER)
    item.refresh_from_db()
    assert item.attributes["tradein_inquiry_decision"] == shown

    update_items([1], {ItemId(item.pk): {"attributes": {"x": 1}}}, now=LATER)
    item.refresh_from_db()
    assert item.attributes == {"x": 1, "tradein_inquiry_decision": shown}
