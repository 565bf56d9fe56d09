"""The demo shop has examples of everything, is the same every time, and obeys the rules."""

import re
from collections import Counter
from datetime import date, timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from typing import Any

import msgspec
import pytest
import time_machine
import zeal
from beancount import loader
from beancount.ops import validation
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F, Q, Sum
from django.test import TestCase
from PIL import Image
from rich.console import Console
from stdnum import iban

from takeback.accounts.models import Channel, User
from takeback.accounts.policy import shop_policy, shop_zone
from takeback.addresses.models import Address
from takeback.archive.models import OldOrder
from takeback.cancellations import policy
from takeback.cancellations.models import (
    CancellationPlan,
    CancellationReason,
    CancellationRequest,
    CancellationRequestImage,
    CaseHistory,
)
from takeback.cancellations.queries import (
    by_item,
    cases_of_orders,
    completed_plans,
    item_context,
)
from takeback.cancellations.statuses import Kind, Status
from takeback.core.encryption import decrypt
from takeback.core.triggers import missing
from takeback.demo.database import open_demo
from takeback.demo.demo_file import demo_accounts, refunds, requests, stories
from takeback.demo.folder import Unusable
from takeback.demo.refund_stories import COLLEAGUE_USERNAME, REPLACED, STORIES
from takeback.demo.sample_image import damaged_box
from takeback.demo.shoppers import CUSTOMER_EMAIL, GUEST_EMAIL
from takeback.demo.stories import GUEST, TRADE_IN
from takeback.logistics.models import EasyReturn, EasyReturnShippingCompany
from takeback.logistics.statuses import GoodsStatus
from takeback.orders.models import BenefitApplicant, LoyaltyTransaction, Order, OrderItem, Payment
from takeback.orders.queries import items_of
from takeback.outbox.models import Message
from takeback.refund_providers.http_request import NoReply
from takeback.refund_providers.sandbox_server.client import SandboxAdmin
from takeback.refunds import audit
from takeback.refunds.beancount import Period, write_ledger
from takeback.refunds.models import LedgerEntry, PaymentAccount, Refund
from takeback.refunds.statuses import RESERVING, UNDECIDED, Attention
from takeback.refunds.statuses import Status as RefundStatus
from takeback.trade_in.offers import offer_of
from tests.demo.loaded import REFERENCE, TODAY, load_shop
from tests.rigs.sandbox import running_sandbox

pytestmark = pytest.mark.heavy

LABELLED = {50, 100, 200, 300, 350, 400, 450, 500, 510, 520, 540, 550, 600}
# Changes only when the shop does: it is the same on every database, Python and machine.
DIGEST = "5c2bdd1fce904b580a43e61fb43c4a35"
SANDBOX = SandboxAdmin("http://127.0.0.1:9")
"""A sandbox that nobody reaches: an open shop needs none."""


def allowed_kinds(order_ids: list[int], now: Any = TODAY) -> dict[int, set[Kind]]:
    """The kinds of cases that the rules allow for each item of these orders."""
    placed = dict(Order.objects.filter(id__in=order_ids).values_list("id", "placed_at"))
    cases, shop = by_item(cases_of_orders(order_ids=order_ids)), shop_policy(1)
    kinds: dict[int, set[Kind]] = {}
    for item in items_of(order_ids=order_ids):
        context = item_context(item, cases.get(item.id, ()), placed[item.order_id], shop, now)
        kinds[item.id] = {kind for kind in Kind if not policy.item_refusal(kind, context)}
    return kinds


@pytest.mark.django_db
class TestDemoShop(TestCase):
    """The shop is loaded once for all of these tests."""

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

    def test_nothing_has_happened_in_the_future(self) -> None:
        for model in (Order, OrderItem):
            for column in ("invoice_date", "shipped_date", "delivered_date", "created_date"):
                if column in {field.name for field in model._meta.get_fields()}:
                    later = model.objects.filter(Q((f"{column}__gt", REFERENCE)))
                    assert (model.__name__, column, later.count()) == (model.__name__, column, 0)
        assert not EasyReturn.objects.filter(created_date__gt=REFERENCE).exists()
        assert not CaseHistory.objects.filter(at__gt=REFERENCE).exists()

    def test_products_have_names_in_one_language(self) -> None:
        names = {item.product.document["name"] for item in OrderItem.objects.select_related()}
        assert all(name.isascii() for name in names)
        assert {name.partition(" (")[0] for name in names} >= {"Teapot", "Desk Lamp"}
        assert not [name for name in names if "Becher" in name or "Teekanne" in name]

    def test_comments_mention_an_image_only_if_there_is_one(self) -> None:
        cases = CancellationRequest.objects.exclude(description=None).exclude(description="")
        texts: Counter[str] = Counter()
        for case in cases.prefetch_related("cancellationrequestimage_set"):
            has_image = bool(case.cancellationrequestimage_set.all())
            text = str(case.description)
            assert ("photo" in text) is has_image, text
            texts[text] += 1
        assert len(texts) >= 8

    def test_orders_and_items_have_every_status_with_a_label(self) -> None:
        assert set(Order.objects.values_list("status", flat=True)) == LABELLED
        assert set(OrderItem.objects.values_list("status", flat=True)) == LABELLED

    def test_every_kind_of_case_is_there_in_every_status(self) -> None:
        cases = set(CancellationRequest.objects.values_list("cancellation_type", "status"))
        expected = {("refund", status.value) for status in Status}
        expected |= {
            ("cancel", status.value) for status in Status if status != Status.WAITING_APPROVAL
        }
        assert cases == expected

    def test_parcels_are_in_every_status_but_lost(self) -> None:
        parcels = set(EasyReturn.objects.values_list("status", flat=True))
        assert parcels == {status.value for status in GoodsStatus} - {"lost"}
        assert EasyReturn.objects.filter(code=None).exists()
        assert EasyReturn.objects.exclude(code=None).exclude(pickup_date=None).exists()

    def test_at_most_220_cases_come_from_commands(self) -> None:
        imported = CancellationRequest.objects.filter(source="import")
        assert imported.filter(status="completed", plan=None).count() == imported.count()
        assert imported.count() > 500
        decided = CancellationRequest.objects.exclude(source="import")
        assert 150 < decided.count() <= 220
        assert set(CaseHistory.objects.values_list("cancellation_request", flat=True)) == set(
            decided.values_list("id", flat=True)
        )

    def test_all_but_a_few_images_differ(self) -> None:
        names = CancellationRequestImage.objects.values_list("image", flat=True)
        assert len(set(names)) == len(names) > 25
        images = [(settings.MEDIA_ROOT / name).read_bytes() for name in names]
        assert set(images) == {damaged_box(number) for number in range(25)}
        assert Image.open(BytesIO(images[0])).size == (640, 480)

    def test_the_shop_is_the_same_every_time(self) -> None:
        tables: list[Any] = [
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
            EasyReturn.objects.order_by("id").values_list("carrier", "status", "created_date"),
            Address.objects.order_by("hash_data", "is_copy").values_list("hash_data", "is_copy"),
            User.objects.order_by("email").values_list("email", "phone", "gender"),
            OldOrder.objects.order_by("number").values_list("number", "amount_minor"),
        ]
        text = "\n".join(repr([str(value) for value in row]) for table in tables for row in table)
        assert sha256(text.encode()).hexdigest()[:32] == DIGEST

    def test_attributes_of_merged_items_name_the_quantity(self) -> None:
        merged = OrderItem.objects.filter(quantity__gt=1)
        assert merged.count() > 300
        assert all(item.attributes["quantity"] == item.quantity for item in merged)

    def test_completed_cases_close_their_units(self) -> None:
        done = CancellationRequest.objects.filter(status="completed")
        assert done.exclude(quantity=F("order_item__units_closed")).count() == 0
        assert done.filter(order_item__units_closed__lt=F("order_item__quantity")).exists()
        ended = OrderItem.objects.filter(status__in=[100, 600])
        assert ended.exclude(units_closed=F("quantity")).count() == 0
        assert OrderItem.objects.filter(units_closed__gt=0).count() == done.count()

    def test_payments_hold_what_refunds_reserve_and_have_paid(self) -> None:
        reserving = [status.value for status in RESERVING]
        for column, statuses in (
            ("reserved_minor", reserving),
            ("refunded_minor", [RefundStatus.CONFIRMED.value]),
        ):
            sums = Refund.objects.filter(status__in=statuses).values_list("payment_id")
            payments = Payment.objects.exclude(**{column: 0}).values_list("id", column)
            assert dict(payments) == dict(sums.annotate(Sum("amount_minor")).order_by()), column

    def test_orders_have_the_totals_of_their_completed_plans(self) -> None:
        completed = Refund.objects.filter(
            status=RefundStatus.CONFIRMED.value,
            plan_id__in=CancellationPlan.objects.filter(status="completed").values("id"),
        ).values_list("order_id")
        totals = dict(completed.annotate(Sum("amount_minor")).order_by())
        orders = Order.objects.exclude(refund_minor=0).values_list("id", "refund_minor")
        assert dict(orders) == totals
        assert len(totals) >= 6
        assert Order.objects.filter(shipping_refund_minor__gt=0).exists()
        assert Order.objects.filter(refund_minor=0, status=100).exists()

    def test_refunds_are_in_every_status_and_need_a_person_for_every_reason(self) -> None:
        refunds = Refund.objects.filter(order__number__startswith="1002004")
        assert set(refunds.values_list("status", flat=True)) == set(RefundStatus)
        assert set(refunds.values_list("attention", flat=True)) == {"", *Attention}
        assert set(refunds.values_list("means", flat=True)) == {
            "original",
            "loyalty",
            "bank_transfer",
        }
        plans = CancellationPlan.objects.filter(pk__in=refunds.values("plan_id"))
        assert set(plans.values_list("status", flat=True)) == {
            "waiting",
            "approved",
            "waiting_for_payment",
            "completed",
        }

    def test_each_introduced_refund_has_the_status_of_its_name(self) -> None:
        rows = Refund.objects.in_bulk()
        samples = refunds(self.channel, "http://demo")
        assert list(samples) == [*STORIES, REPLACED]
        states = {
            name: (rows[sample.id].status, rows[sample.id].attention)
            for name, sample in samples.items()
        }
        assert states == {
            "planned": ("planned", ""),
            "above_limit": ("planned", ""),
            "second_person": ("planned", ""),
            "disputed": ("planned", ""),
            "sending": ("sending", ""),
            "in_doubt": ("in_doubt", ""),
            "pending": ("pending", ""),
            "confirmed": ("confirmed", ""),
            "refused": ("failed", "refused"),
            "late_failure": ("returned", "late_failure"),
            "cancelled": ("cancelled", ""),
            "other_means": ("confirmed", ""),
            "points": ("confirmed", ""),
            "found": ("confirmed", ""),
            "charged_back": ("confirmed", ""),
            "manual_payment": ("planned", "manual_payment"),
            "no_provider_payment": ("planned", "no_provider_payment"),
            "account_missing": ("planned", "account_missing"),
            "capture_differs": ("planned", "capture_differs"),
            "other_currency": ("planned", "other_currency"),
            "not_enough_left": ("planned", "not_enough_left"),
            "key_expired": ("in_doubt", "key_expired"),
            "total_moved": ("in_doubt", "total_moved"),
            "wrong_amount": ("in_doubt", "wrong_amount"),
            "contradiction": ("failed", "contradiction"),
            "overdue": ("pending", "overdue"),
            "unreadable": ("in_doubt", "unreadable"),
            "replaced": ("returned", ""),
        }

    def test_introduced_refunds_name_their_order_case_and_page(self) -> None:
        rows = Refund.objects.select_related("order").in_bulk()
        cases = CancellationRequest.objects.select_related("order_item").in_bulk()
        for name, sample in refunds(self.channel, "http://demo").items():
            refund, case = rows[sample.id], cases[sample.case]
            assert case.order_item.order_id == sample.order == refund.order_id, name
            assert (sample.number, sample.email) == (refund.order.number, refund.order.user_email)
            assert sample.open == f"http://demo/desk/refunds/{refund.pk}"
            assert sample.shows.endswith(".")

    def test_introduced_refunds_have_the_facts_of_their_stories(self) -> None:
        samples = refunds(self.channel, "")
        rows = Refund.objects.select_related("payment", "account").in_bulk()
        of = {name: rows[sample.id] for name, sample in samples.items()}
        account = of["planned"].account
        assert account
        assert account.paused_because == "staff"
        account = of["above_limit"].account
        assert account
        assert account.limit_each_minor == 5_000 < of["above_limit"].amount_minor
        second = of["second_person"]
        assert (second.needs_second_person, second.approved_by_number) == (True, None)
        colleague = User.objects.get(username=COLLEAGUE_USERNAME)
        assert second.requested_by_number == colleague.pk
        assert of["disputed"].payment.has_open_dispute
        assert of["other_means"].replaces_id == of["replaced"].pk
        assert of["other_means"].means == "bank_transfer"
        assert of["other_means"].consent
        assert of["other_means"].evidence
        assert of["points"].means == "loyalty"
        refund = of["found"]
        assert refund.payment.found_minor == refund.amount_minor // 2 > 0
        payment = of["charged_back"].payment
        assert payment.charged_back_minor == payment.captured_minor - payment.refunded_minor > 0

    def test_the_ledger_has_no_difference_and_bean_check_agrees(self) -> None:
        assert list(audit.differences(completed_plans, progress=lambda *_: None)) == []
        written: list[str] = []
        write_ledger(written.append, Period(None, None, shop_zone()))
        text = "".join(written)
        assert text.count(" balance ") > 50
        _, errors, _ = loader.load_string(text, extra_validations=validation.HARDCORE_VALIDATIONS)
        assert errors == []

    def test_every_booking_is_of_a_finished_day(self) -> None:
        assert LedgerEntry.objects.latest("at").at < REFERENCE

    def test_planned_refunds_are_tried_again_and_others_are_watched(self) -> None:
        planned = Refund.objects.filter(status="planned", attention="")
        assert planned.count() == 4
        assert not planned.filter(next_look_at=None).exists()
        under_way = Refund.objects.filter(status__in=[status.value for status in UNDECIDED])
        assert under_way.count() >= 12
        assert not under_way.filter(next_look_at=None).exists()

    def test_ten_reasons_have_four_languages_and_the_last_is_other(self) -> None:
        reasons = CancellationReason.objects.order_by("pk")
        assert [reason.pk for reason in reasons] == list(range(1, 11))
        assert {tuple(sorted(reason.translations)) for reason in reasons} == {
            ("ar-sa", "de-de", "en-us", "tr-tr")
        }
        assert {reason.channel_id for reason in reasons} == {None}
        assert [reason.pk for reason in reasons if reason.extra_information_needed] == [6, 8, 9]
        assert reasons[9].subject == "Other"

    def test_the_second_carrier_collects_parcels(self) -> None:
        carriers = EasyReturnShippingCompany.objects.order_by("pk")
        assert list(carriers.values_list("pk", "needs_pickup")) == [(1, False), (2, True)]

    def test_every_address_has_township_and_district(self) -> None:
        assert Address.objects.filter(Q(township=None) | Q(district=None)).count() == 0
        assert Address.objects.exclude(retail_store=None).count() == 1

    def test_some_items_are_discounted_and_points_are_spent_and_earned(self) -> None:
        assert BenefitApplicant.objects.exists()
        assert OrderItem.objects.filter(discount_minor=0, order__discount_minor__gt=0).exists()
        assert LoyaltyTransaction.objects.filter(amount_minor__lt=0).exists()
        assert LoyaltyTransaction.objects.filter(amount_minor__gt=0).exists()

    def test_bank_accounts_are_encrypted_for_their_case(self) -> None:
        cases = CancellationRequest.objects.exclude(iban_encrypted=None)
        owners: dict[str, set[str]] = {}
        for case in cases.select_related("order_item__order"):
            account = decrypt(str(case.iban_encrypted), str(case.uuid))
            owners.setdefault(iban.validate(account), set()).add(case.order_item.order.user_email)
        assert owners.pop("DE89370400440532013000") == {CUSTOMER_EMAIL, GUEST_EMAIL}
        assert max(map(len, owners.values())) == 1

    def test_the_stories_are_the_customers(self) -> None:
        by_name = stories(self.channel)
        assert {story.email for story in by_name.values()} == {CUSTOMER_EMAIL}
        numbers = dict(Order.objects.filter(user__email=CUSTOMER_EMAIL).values_list("id", "number"))
        own = [story for name, story in by_name.items() if name != "old_order"]
        assert [numbers[story.order] for story in own] == [story.number for story in own]

    def test_each_story_allows_the_case_of_its_name(self) -> None:
        by_name = stories(self.channel)
        old_story = by_name.pop("old_order")
        allowed = allowed_kinds([story.order for story in by_name.values()])
        of = {name: [allowed[item] for item in story.items] for name, story in by_name.items()}
        assert of["cancellable"] == [{Kind.CANCEL}] * 3
        assert of["refundable"] == [{Kind.RETURN}] * 2
        assert of["needs_pickup"] == [{Kind.RETURN}] * 2
        assert of["partly_shipped"] == [{Kind.RETURN}, {Kind.CANCEL}]
        assert of["merged"] == [{Kind.CANCEL}]
        assert OrderItem.objects.get(pk=by_name["merged"].items[0]).quantity == 4
        old = OldOrder.objects.get(pk=old_story.order)
        items = old.oldorderitem_set.order_by("id").values_list("id", flat=True)
        assert old.user.email == CUSTOMER_EMAIL
        assert list(items) == old_story.items

    def test_accepted_cases_have_a_plan_with_a_matching_status(self) -> None:
        accepted = CancellationRequest.objects.filter(
            status__in=["confirmed", "approved", "completed"]
        ).exclude(source="import")
        rows = accepted.values_list(
            "status", "plan__status", "plan__order_id", "order_item__order_id"
        )
        assert {(case, plan) for case, plan, _, _ in rows} == {
            ("confirmed", "waiting"),
            ("approved", "approved"),
            ("approved", "waiting"),  # another case of this plan is confirmed
            ("approved", "waiting_for_payment"),
            ("completed", "completed"),
        }
        assert all(of_plan == of_item for _, _, of_plan, of_item in rows)
        others = CancellationRequest.objects.exclude(pk__in=accepted)
        assert not others.filter(plan__isnull=False).exists()

    def test_the_history_of_a_case_has_no_gap(self) -> None:
        steps: dict[int, list[CaseHistory]] = {}
        for step in CaseHistory.objects.order_by("cancellation_request", "seq"):
            steps.setdefault(step.cancellation_request_id, []).append(step)
        cases = list(CancellationRequest.objects.exclude(source="import"))
        assert len(cases) == len(steps) > 150
        for case in cases:
            history = steps[case.pk]
            assert [step.seq for step in history] == list(range(1, case.version + 1))
            assert [step.before for step in history] == [
                None,
                *(step.after for step in history[:-1]),
            ]
            assert (history[0].event, history[0].actor_kind) == ("open", case.source)
            assert history[-1].after == case.status
            assert (history[0].at, history[-1].at) == (case.created_date, case.modified_date)
            assert history == sorted(history, key=lambda step: step.at)
        assert CaseHistory.objects.latest("at").at <= REFERENCE

    def test_a_confirmed_case_stores_the_previous_item_status(self) -> None:
        confirmed = CancellationRequest.objects.filter(status="confirmed")
        statuses = confirmed.values_list("order_item__status", "item_status_before")
        assert set(statuses) == {(50, 400), (50, 550)}
        waiting = CancellationRequest.objects.filter(status__in=["waiting", "waiting_approval"])
        assert set(waiting.values_list("item_status_before", flat=True)) == {None}

    def test_each_introduced_case_has_the_status_of_its_name(self) -> None:
        by_name = requests(self.channel)
        cases = CancellationRequest.objects.select_related("order_item__order").in_bulk()
        for request in by_name.values():
            item = cases[request.id].order_item
            assert (request.order, request.item) == (item.order_id, item.pk)
            assert (request.email, request.number) == (item.order.user_email, item.order.number)
        statuses = {name: cases[request.id].status for name, request in by_name.items()}
        assert statuses == {status.value: status.value for status in Status} | {
            "unconfirmed_account": "waiting",
            "with_pictures": "waiting",
        }
        owners = {name: request.email for name, request in by_name.items()}
        assert owners.pop("unconfirmed_account") == GUEST_EMAIL
        assert set(owners.values()) == {CUSTOMER_EMAIL}

    def test_the_introduced_confirmed_case_is_part_of_an_item(self) -> None:
        case = CancellationRequest.objects.get(pk=requests(self.channel)["confirmed"].id)
        part = case.order_item
        assert part.split_from_id
        rest = OrderItem.objects.get(pk=part.split_from_id)
        assert (part.quantity, rest.quantity, case.quantity) == (2, 2, 2)
        assert (part.status, case.item_status_before, rest.status) == (50, 400, 400)

    def test_a_guests_bank_account_waits_for_confirmation(self) -> None:
        case = CancellationRequest.objects.get(pk=requests(self.channel)["unconfirmed_account"].id)
        assert (case.source, case.is_bank_account_confirmed) == ("guest", False)
        assert decrypt(str(case.iban_encrypted), str(case.uuid)) == "DE89370400440532013000"
        accepted = CancellationRequest.objects.exclude(iban_encrypted=None).filter(
            status__in=["confirmed", "approved", "completed"]
        )
        assert not accepted.filter(is_bank_account_confirmed=False).exists()

    def test_images_are_stored_under_the_name_in_their_case(self) -> None:
        case_id = requests(self.channel)["with_pictures"].id
        own = CancellationRequestImage.objects.filter(cancellation_request=case_id)
        names = list(CancellationRequestImage.objects.values_list("image", flat=True))
        assert own.count() == 2
        assert len(set(names)) == len(names)
        for name in names:
            assert re.fullmatch(r"cases/([0-9a-f]{2})/\1[0-9a-f]{30}\.jpg", name)
            with Image.open(settings.MEDIA_ROOT / name) as image:
                assert (image.format, image.size) == ("JPEG", (640, 480))

    def test_mails_wait_for_one_trade_in_offer_and_new_cases_only(self) -> None:
        item = OrderItem.objects.get(order__number=TRADE_IN, sku="CLOCK-BLUE")
        offer = offer_of(item.pk)
        assert offer
        assert (offer.email, offer.decision, offer.amount) == (
            CUSTOMER_EMAIL,
            None,
            "TRY\u00a0667.50",
        )
        waiting = Message.objects.filter(done_at=None)
        assert Counter(waiting.values_list("topic", flat=True)) == {
            "trade_in.offered": 1,
            "cancellation_request.opened": 5,
            "cancellation_request.rejected": 1,
        }

    def test_introduced_returns_stay_possible_for_nine_days(self) -> None:
        by_name = stories(self.channel)
        orders = [by_name[name].order for name in ("refundable", "needs_pickup")]
        for days in (0, 9):
            allowed = allowed_kinds(orders, TODAY + timedelta(days=days))
            assert list(allowed.values()) == [{Kind.RETURN}] * 4

    def test_the_customer_can_cancel_and_return_several_items(self) -> None:
        own = dict(Order.objects.filter(user__email=CUSTOMER_EMAIL).values_list("id", "number"))
        allowed = allowed_kinds(list(own))
        order_of = dict(OrderItem.objects.filter(order__in=own).values_list("id", "order_id"))
        returnable = [item for item, kinds in allowed.items() if kinds == {Kind.RETURN}]
        assert sum(kinds == {Kind.CANCEL} for kinds in allowed.values()) >= 3
        assert len(returnable) >= 2
        assert len({order_of[item] for item in returnable}) >= 2

    def test_the_guests_order_can_be_cancelled(self) -> None:
        order = Order.objects.get(number=GUEST)
        assert (order.user_type, order.user_email) == ("guest", GUEST_EMAIL)
        assert str(int(GUEST)) == GUEST
        assert len(GUEST) <= 15
        assert list(allowed_kinds([order.pk]).values()) == [{Kind.CANCEL}] * 2

    def test_a_second_start_keeps_valid_secrets(self) -> None:
        with zeal.zeal_ignore():
            first = demo_accounts(self.channel, "http://one", None, sandbox_url="http://pay-one")
            again = demo_accounts(self.channel, "http://one", first, sandbox_url="http://pay-two")
            lost = demo_accounts(self.channel, "http://one", None, sandbox_url="http://pay-one")
        assert again == msgspec.structs.replace(first, sandbox="http://pay-two")
        assert lost.stories == first.stories
        assert lost.channel.api_key != first.channel.api_key
        customer = User.objects.get(email=CUSTOMER_EMAIL)
        assert customer.check_password(lost.customer.password)
        assert not customer.check_password(first.customer.password)

    def test_a_second_start_prints_the_age_of_the_shop(self) -> None:
        for days, is_stale in ((2, False), (12, True)):
            output = StringIO()
            with zeal.zeal_ignore(), time_machine.travel(REFERENCE + timedelta(days=days)):
                open_demo(Console(file=output, width=120), b"", SANDBOX, reset=False)
            text = output.getvalue()
            assert "The shop of 10 March 2026 is as you left it; --reset starts over." in text
            assert ("use --reset for fresh orders" in text) == is_stale
        assert Order.objects.count() == 2000
        addresses = PaymentAccount.objects.values_list("base_url", flat=True)
        assert set(addresses) == {SANDBOX.url}

    def test_a_demo_with_other_migrations_is_named(self) -> None:
        MigrationRecorder(connection).record_applied("orders", "0002_of_a_later_version")
        with pytest.raises(Unusable, match="was made by another version of Takeback"):
            open_demo(Console(file=StringIO()), b"", SANDBOX, reset=True)

    def test_a_demo_whose_migrations_have_changed_is_named(self) -> None:
        conf = Channel.objects.get().conf | {"demo_schema": "0123456789abcdef"}
        for older in (conf, {"demo_reference": conf["demo_reference"]}):
            Channel.objects.update(conf=older)
            with pytest.raises(Unusable, match="was made by another version of Takeback"):
                open_demo(Console(file=StringIO()), b"", SANDBOX, reset=False)

    @pytest.mark.thorough
    def test_a_shop_whose_load_was_interrupted_is_loaded_again(self) -> None:
        conf = Channel.objects.get().conf
        assert conf.pop("demo_is_complete") is True
        Channel.objects.update(conf=conf)
        connection.check_constraints()
        # Emptying another file than the folder's own is refused before anything is deleted.
        expected = Unusable if connection.vendor == "sqlite" else NoReply
        with pytest.raises(expected):
            open_demo(Console(file=StringIO()), b"", SANDBOX, reset=False)
        assert Order.objects.exists() == (connection.vendor == "sqlite")

    @pytest.mark.thorough
    def test_a_reset_empties_a_server_but_not_another_file(self) -> None:
        console = Console(file=StringIO())
        if connection.vendor == "sqlite":
            with pytest.raises(Unusable, match=r"^To start over, delete .* yourself\.$"):
                open_demo(console, b"", SANDBOX, reset=True)
            return
        connection.check_constraints()
        later = REFERENCE + timedelta(days=30, hours=7)
        with running_sandbox() as sandbox, zeal.zeal_ignore(), time_machine.travel(later):
            demo = open_demo(console, b"", sandbox.admin, reset=True)
        assert demo.channel.id == 1
        assert Order.objects.count() == 2000
        assert Order.objects.latest("placed_at").placed_at.date() == date(2026, 4, 8)
        assert missing() == []


@pytest.mark.django_db
def test_the_database_of_another_shop_is_not_changed() -> None:
    Channel.objects.create(name="A real shop")
    with pytest.raises(Unusable, match="holds a shop that is not a demo"):
        open_demo(Console(file=StringIO()), b"", SANDBOX, reset=True)
    assert Channel.objects.get().name == "A real shop"
