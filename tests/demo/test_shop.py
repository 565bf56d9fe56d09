"""What is in the demo shop: enough of everything, the same every time, and true to the rules."""

import re
from collections import Counter
from datetime import date, timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from typing import Any

import pytest
import time_machine
import zeal
from django.conf import settings
from django.db import connection
from django.db.models import F, Q, Sum
from django.test import TestCase
from PIL import Image
from rich.console import Console
from stdnum import iban

from takeback.accounts.models import Channel, User
from takeback.accounts.policy import shop_policy
from takeback.addresses.models import Address
from takeback.archive.models import OldOrder
from takeback.cancellations import policy
from takeback.cancellations.models import (
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    CaseHistory,
)
from takeback.cancellations.queries import by_item, cases_of_orders, item_context
from takeback.cancellations.statuses import Kind, Status
from takeback.core.encryption import decrypt
from takeback.demo.entrance import entrance
from takeback.demo.folder import Unusable
from takeback.demo.opening import opened
from takeback.demo.people import CUSTOMER_EMAIL, GUEST_EMAIL
from takeback.demo.photo import damaged_box
from takeback.demo.stories import GUEST, TRADE_IN, requests, stories
from takeback.logistics.models import EasyReturn, EasyReturnShippingCompany
from takeback.orders.models import BenefitApplicant, LoyaltyTransaction, Order, OrderItem, Tender
from takeback.orders.queries import items_of
from takeback.outbox.models import Message
from takeback.trade_in.offers import offer_of
from tests.demo.loaded import REFERENCE, load_shop

pytestmark = pytest.mark.heavy

LABELLED = {50, 100, 200, 300, 350, 400, 450, 500, 510, 520, 540, 550, 600}
# Changes whenever the shop does, and only then: on every database, Python and machine it is this.
DIGEST = "25fb599e76671b6f05231c61889576d4"
TODAY = REFERENCE + timedelta(hours=15)


def may(order_ids: list[int], now: Any = TODAY) -> dict[int, set[Kind]]:
    """What the rules allow for each line of these orders."""
    placed = dict(Order.objects.filter(id__in=order_ids).values_list("id", "placed_at"))
    cases, shop = by_item(cases_of_orders(order_ids=order_ids)), shop_policy(1)
    found: dict[int, set[Kind]] = {}
    for item in items_of(order_ids=order_ids):
        context = item_context(item, cases.get(item.id, ()), placed[item.order_id], shop, now)
        found[item.id] = {kind for kind in Kind if not policy.item_refusal(kind, context)}
    return found


@pytest.mark.django_db
class TestDemoShop(TestCase):
    """Loaded once for all of these; a test's own changes are undone after it."""

    channel: Channel

    @classmethod
    def setUpTestData(cls) -> None:
        cls.channel = load_shop()

    def test_there_are_two_thousand_orders_in_six_currencies(self) -> None:
        assert self.channel.pk == 1
        counts = Counter(Order.objects.values_list("currency", flat=True))
        assert sum(counts.values()) == 2000
        assert set(counts) == {"try", "eur", "usd", "sar", "jpy", "kwd"}
        assert min(counts.values()) > 50

    def test_every_status_that_storefronts_label_is_there(self) -> None:
        assert set(Order.objects.values_list("status", flat=True)) == LABELLED
        assert set(OrderItem.objects.values_list("status", flat=True)) == LABELLED

    def test_every_kind_of_case_is_there_in_every_status(self) -> None:
        found = set(CancellationRequest.objects.values_list("cancellation_type", "status"))
        wanted = {("refund", status.value) for status in Status}
        wanted |= {
            ("cancel", status.value) for status in Status if status != Status.WAITING_APPROVAL
        }
        assert found == wanted
        assert EasyReturn.objects.filter(code=None).exists()
        assert EasyReturn.objects.exclude(code=None).exclude(pickup_date=None).exists()

    def test_every_case_has_a_picture_of_its_own(self) -> None:
        names = CancellationRequestImage.objects.values_list("image", flat=True)
        assert len(set(names)) == len(names) > 20
        found = [(settings.MEDIA_ROOT / name).read_bytes() for name in names.order_by("id")]
        assert found == [damaged_box(number) for number in range(len(found) - 1)] + found[:1]
        assert len(set(found)) == len(found) - 1
        assert Image.open(BytesIO(found[0])).size == (640, 480)

    def test_the_shop_is_the_same_every_time(self) -> None:
        rows: list[Any] = [
            Order.objects.order_by("number").values_list(
                "number", "user_email", "status", "amount_minor", "refund_minor", "placed_at"
            ),
            OrderItem.objects.order_by("remote_id").values_list(
                "remote_id",
                "sku",
                "status",
                "quantity",
                "units_closed",
                "goods_minor",
                "discount_minor",
            ),
            CancellationRequest.objects.order_by("order_item__remote_id", "id").values_list(
                "order_item__remote_id", "status", "quantity", "reason_id", "created_date"
            ),
            CaseHistory.objects.order_by(
                "cancellation_request__order_item__remote_id", "cancellation_request", "seq"
            ).values_list("event", "after", "actor_kind", "message", "at"),
            CancellationRequestImage.objects.order_by("image").values_list("image"),
            Address.objects.order_by("hash_data", "is_copy").values_list("hash_data", "is_copy"),
            User.objects.order_by("email").values_list("username", "email", "phone"),
            OldOrder.objects.order_by("number").values_list("number", "amount_minor"),
        ]
        told = "\n".join(repr([str(value) for value in row]) for table in rows for row in table)
        assert sha256(told.encode()).hexdigest()[:32] == DIGEST

    def test_merged_lines_say_how_many_they_are(self) -> None:
        merged = OrderItem.objects.filter(quantity__gt=1)
        assert merged.count() > 300
        assert all(item.attributes["quantity"] == item.quantity for item in merged)

    def test_a_finished_case_has_used_its_units(self) -> None:
        done = CancellationRequest.objects.filter(status="completed")
        assert done.exclude(quantity=F("order_item__units_closed")).count() == 0
        assert done.filter(order_item__units_closed__lt=F("order_item__quantity")).exists()
        ended = OrderItem.objects.filter(status__in=[100, 600])
        assert ended.exclude(units_closed=F("quantity")).count() == 0
        assert OrderItem.objects.filter(units_closed__gt=0).count() == done.count()

    def test_what_was_paid_back_had_been_paid(self) -> None:
        reserved = dict(
            Tender.objects.values_list("order_id").annotate(Sum("reserved_minor")).order_by()
        )
        refunded = dict(Order.objects.values_list("id", "refund_minor"))
        assert {key: value for key, value in reserved.items() if value} == {
            key: value for key, value in refunded.items() if value
        }
        assert Order.objects.filter(shipping_refund_minor__gt=0).exists()
        assert Order.objects.filter(refund_minor=0, status=100).exists()

    def test_ten_reasons_speak_four_languages_and_the_last_is_other(self) -> None:
        reasons = CancellationReason.objects.order_by("pk")
        assert [reason.pk for reason in reasons] == list(range(1, 11))
        assert {tuple(sorted(reason.translations)) for reason in reasons} == {
            ("ar-sa", "de-de", "en-us", "tr-tr")
        }
        assert {reason.channel_id for reason in reasons} == {None}
        assert [reason.pk for reason in reasons if reason.extra_information_needed] == [6, 8, 9]
        assert reasons[9].subject == "Other"

    def test_the_first_carrier_takes_parcels_and_the_second_collects_them(self) -> None:
        carriers = EasyReturnShippingCompany.objects.order_by("pk")
        assert list(carriers.values_list("pk", "needs_pickup")) == [(1, False), (2, True)]

    def test_no_address_lacks_township_or_district(self) -> None:
        assert Address.objects.filter(Q(township=None) | Q(district=None)).count() == 0
        assert Address.objects.exclude(retail_store=None).count() == 1

    def test_a_discount_touches_some_lines_and_points_move_both_ways(self) -> None:
        assert BenefitApplicant.objects.exists()
        assert OrderItem.objects.filter(discount_minor=0, order__discount_minor__gt=0).exists()
        assert LoyaltyTransaction.objects.filter(amount_minor__lt=0).exists()
        assert LoyaltyTransaction.objects.filter(amount_minor__gt=0).exists()

    def test_bank_accounts_are_sealed_to_their_case(self) -> None:
        cases = CancellationRequest.objects.exclude(iban_encrypted=None)
        owners: dict[str, set[str]] = {}
        for case in cases.select_related("order_item__order"):
            account = decrypt(str(case.iban_encrypted), str(case.uuid))
            owners.setdefault(iban.validate(account), set()).add(case.order_item.order.user_email)
        assert owners.pop("DE89370400440532013000") == {CUSTOMER_EMAIL, GUEST_EMAIL}
        assert max(map(len, owners.values())) == 1

    def test_the_stories_are_the_customers(self) -> None:
        told = stories(self.channel)
        assert {story["email"] for story in told.values()} == {CUSTOMER_EMAIL}
        numbers = dict(Order.objects.filter(user__email=CUSTOMER_EMAIL).values_list("id", "number"))
        own = [story for name, story in told.items() if name != "old_order"]
        assert [numbers[story["order"]] for story in own] == [story["number"] for story in own]

    def test_the_stories_are_what_their_names_say(self) -> None:
        told = stories(self.channel)
        allowed = may([told[name]["order"] for name in told if name != "old_order"])
        of = {
            name: [allowed[item] for item in told[name]["items"]]
            for name in told
            if name != "old_order"
        }
        assert of["cancellable"] == [{Kind.CANCEL}] * 3
        assert of["refundable"] == [{Kind.RETURN}] * 2
        assert of["needs_pickup"] == [{Kind.RETURN}] * 2
        assert of["partly_shipped"] == [{Kind.RETURN}, {Kind.CANCEL}]
        assert of["merged"] == [{Kind.CANCEL}]
        assert OrderItem.objects.get(pk=told["merged"]["items"][0]).quantity == 4
        old = OldOrder.objects.get(pk=told["old_order"]["order"])
        items = old.oldorderitem_set.order_by("id").values_list("id", flat=True)
        assert old.user.email == CUSTOMER_EMAIL
        assert list(items) == told["old_order"]["items"]

    def test_what_was_decided_has_a_plan_that_follows_it(self) -> None:
        decided = CancellationRequest.objects.filter(
            status__in=["confirmed", "approved", "completed"]
        )
        kept = decided.values_list(
            "status", "plan__status", "plan__order_id", "order_item__order_id"
        )
        assert {(case, plan) for case, plan, _, _ in kept} == {
            ("confirmed", "waiting"),
            ("approved", "approved"),
            ("approved", "waiting"),  # for the confirmed one beside it
            ("completed", "completed"),
        }
        assert all(order == line for _, _, order, line in kept)
        assert (
            not CancellationRequest.objects.exclude(pk__in=decided)
            .filter(plan__isnull=False)
            .exists()
        )

    def test_every_case_has_its_history_without_a_gap(self) -> None:
        steps: dict[int, list[CaseHistory]] = {}
        for step in CaseHistory.objects.order_by("cancellation_request", "seq"):
            steps.setdefault(step.cancellation_request_id, []).append(step)
        cases = list(CancellationRequest.objects.all())
        assert len(cases) == len(steps) > 400
        for case in cases:
            past = steps[case.pk]
            assert [step.seq for step in past] == list(range(1, case.version + 1))
            assert [step.before for step in past] == [None, *(step.after for step in past[:-1])]
            assert (past[0].event, past[0].actor_kind) == ("open", case.source)
            assert past[-1].after == case.status
            assert (past[0].at, past[-1].at) == (case.created_date, case.modified_date)
            assert past == sorted(past, key=lambda step: step.at)
        assert CaseHistory.objects.latest("at").at <= REFERENCE

    def test_a_confirmed_line_waits_and_knows_what_it_was(self) -> None:
        confirmed = CancellationRequest.objects.filter(status="confirmed")
        found = confirmed.values_list("order_item__status", "item_status_before")
        assert set(found) == {(50, 400), (50, 550)}
        waiting = CancellationRequest.objects.filter(status__in=["waiting", "waiting_approval"])
        assert set(waiting.values_list("item_status_before", flat=True)) == {None}

    def test_the_introduced_requests_are_what_their_names_say(self) -> None:
        told = requests(self.channel)
        cases = CancellationRequest.objects.select_related("order_item__order").in_bulk()
        for request in told.values():
            item = cases[request["id"]].order_item
            assert (request["order"], request["item"]) == (item.order_id, item.pk)
            assert (request["email"], request["number"]) == (
                item.order.user_email,
                item.order.number,
            )
        found = {name: cases[request["id"]].status for name, request in told.items()}
        assert found == {status.value: status.value for status in Status} | {
            "unconfirmed_account": "waiting",
            "with_pictures": "waiting",
        }
        owners = {name: request["email"] for name, request in told.items()}
        assert owners.pop("unconfirmed_account") == GUEST_EMAIL
        assert set(owners.values()) == {CUSTOMER_EMAIL}

    def test_the_confirmed_one_is_part_of_a_line(self) -> None:
        case = CancellationRequest.objects.get(pk=requests(self.channel)["confirmed"]["id"])
        part = case.order_item
        assert part.split_from_id
        rest = OrderItem.objects.get(pk=part.split_from_id)
        assert (part.quantity, rest.quantity, case.quantity) == (2, 2, 2)
        assert (part.status, case.item_status_before, rest.status) == (50, 400, 400)

    def test_a_guests_account_waits_for_the_guest(self) -> None:
        case = CancellationRequest.objects.get(
            pk=requests(self.channel)["unconfirmed_account"]["id"]
        )
        assert (case.source, case.is_bank_account_confirmed) == ("guest", False)
        assert decrypt(str(case.iban_encrypted), str(case.uuid)) == "DE89370400440532013000"
        taken_up = CancellationRequest.objects.exclude(iban_encrypted=None).filter(
            status__in=["confirmed", "approved", "completed"]
        )
        assert not taken_up.filter(is_bank_account_confirmed=False).exists()

    def test_a_picture_lies_where_its_case_says(self) -> None:
        case_id = requests(self.channel)["with_pictures"]["id"]
        own = CancellationRequestImage.objects.filter(cancellation_request=case_id)
        names = list(CancellationRequestImage.objects.values_list("image", flat=True))
        assert own.count() == 2
        assert len(set(names)) == len(names)
        for name in names:
            assert re.fullmatch(r"cases/([0-9a-f]{2})/\1[0-9a-f]{30}\.jpg", name)
            with Image.open(settings.MEDIA_ROOT / name) as picture:
                assert (picture.format, picture.size) == ("JPEG", (640, 480))

    def test_one_trade_in_offer_waits_for_the_customer_and_is_mailed(self) -> None:
        item = OrderItem.objects.get(order__number=TRADE_IN, sku="CLOCK-BLUE")
        offer = offer_of(item.pk)
        assert offer
        assert (offer.email, offer.decision, offer.amount) == (CUSTOMER_EMAIL, None, "667.50 TRY")
        told = Counter(Message.objects.values_list("topic", flat=True))
        assert told == {
            "trade_in.offered": 1,
            "cancellation_request.opened": 5,
            "cancellation_request.rejected": 1,
        }

    def test_what_can_be_sent_back_stays_so_for_days(self) -> None:
        told = stories(self.channel)
        names = ("refundable", "needs_pickup")
        for days in (0, 9):
            allowed = may([told[name]["order"] for name in names], TODAY + timedelta(days=days))
            assert list(allowed.values()) == [{Kind.RETURN}] * 4

    def test_the_customer_has_enough_to_cancel_and_to_return(self) -> None:
        own = dict(Order.objects.filter(user__email=CUSTOMER_EMAIL).values_list("id", "number"))
        allowed = may(list(own))
        order_of = dict(OrderItem.objects.filter(order__in=own).values_list("id", "order_id"))
        returnable = [item for item, kinds in allowed.items() if kinds == {Kind.RETURN}]
        assert sum(kinds == {Kind.CANCEL} for kinds in allowed.values()) >= 3
        assert len(returnable) >= 2
        assert len({order_of[item] for item in returnable}) >= 2

    def test_the_guests_order_is_theirs_and_can_be_cancelled(self) -> None:
        order = Order.objects.get(number=GUEST)
        assert (order.user_type, order.user_email) == ("guest", GUEST_EMAIL)
        assert str(int(GUEST)) == GUEST
        assert len(GUEST) <= 15
        assert list(may([order.pk]).values()) == [{Kind.CANCEL}] * 2

    def test_a_second_start_says_the_same_and_a_lost_file_makes_new_secrets(self) -> None:
        with zeal.zeal_ignore():
            first = entrance(self.channel, "http://one", {})
            again = entrance(self.channel, "http://two", dict(first))
            broken = {"customer": "no", "channel": {"api_key": 5}}
            lost = entrance(self.channel, "http://one", broken)
        assert again == first | {"url": "http://two"}
        assert lost["stories"] == first["stories"]
        assert lost["channel"]["api_key"] != first["channel"]["api_key"]
        customer = User.objects.get(email=CUSTOMER_EMAIL)
        assert customer.check_password(lost["customer"]["password"])
        assert not customer.check_password(first["customer"]["password"])

    def test_an_old_demo_is_opened_as_it_was_left_and_says_so(self) -> None:
        for days, hint in ((2, False), (12, True)):
            text = StringIO()
            with zeal.zeal_ignore(), time_machine.travel(REFERENCE + timedelta(days=days)):
                opened(Console(file=text, width=120), {}, reset=False)
            said = text.getvalue()
            assert "The shop of 10 March 2026 is as you left it; --reset starts over." in said
            assert ("use --reset for fresh orders" in said) == hint
        assert Order.objects.count() == 2000

    @pytest.mark.thorough
    def test_a_reset_starts_over_on_a_server_and_leaves_a_file_from_elsewhere_alone(self) -> None:
        console = Console(file=StringIO())
        if connection.vendor == "sqlite":
            with pytest.raises(Unusable, match=r"^To start over, delete .* yourself\.$"):
                opened(console, {}, reset=True)
            return
        connection.check_constraints()
        later = REFERENCE + timedelta(days=30, hours=7)
        with zeal.zeal_ignore(), time_machine.travel(later):
            told = opened(console, {}, reset=True)
        assert told["channel"]["id"] == 1
        assert Order.objects.count() == 2000
        assert Order.objects.latest("placed_at").placed_at.date() == date(2026, 4, 8)


@pytest.mark.django_db
def test_another_shops_database_is_left_alone() -> None:
    Channel.objects.create(name="A real shop")
    with pytest.raises(Unusable, match="holds a shop that is not a demo"):
        opened(Console(file=StringIO()), {}, reset=True)
    assert Channel.objects.get().name == "A real shop"
