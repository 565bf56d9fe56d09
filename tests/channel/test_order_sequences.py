"""Random sequences of all that happens to an order, through the API, files and commands."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import zeal
from django.db import transaction

from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import approve, confirm, reject, withdraw
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationRequest
from takeback.cancellations.policy import kind_of
from takeback.cancellations.statuses import Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, ItemId
from takeback.importer.jsonl import import_documents
from takeback.importer.report import Report
from takeback.orders.audit import unbalanced_orders
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.refunded_elsewhere import own_total
from takeback.orders.scope import OrderScope
from tests import factories
from tests.cancellations.reference_model import is_forward
from tests.channel import shop
from tests.conftest import LONG

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.thorough,
    pytest.mark.usefixtures("frozen_now"),
    pytest.mark.timeout(36_000 if LONG else 300),
]

SEQUENCES = 10_000 if LONG else 40
STEPS = 40
NOW = factories.NOW
ITEMS = "/api/v1/channel/1/order_items/"
CODES = (400, 450, 500, 520, 550, 550, 100, 600)
STAFF, SCOPE = Actor(ActorKind.STAFF, 1), OrderScope(factories.SHOP)
COMMANDS: list[Callable[..., None]] = [confirm, approve, reject, withdraw]


@dataclass
class ReceivedItem:
    """What was received of an item; amounts in minor units."""

    quantity: int
    goods: int
    tracking: str | None = None
    elsewhere: int = 0


@dataclass
class RowState:
    """A row of an item: its last status outside of a case, and its dates."""

    settled: int
    shipped: datetime | None
    delivered: datetime | None


@dataclass
class Story:
    """An order, what was received of it, and how its rows were after the last step."""

    random: Random
    number: str
    caller: Any
    folder: Path
    totals: dict[str, ReceivedItem] = field(default_factory=dict)
    rows: dict[int, RowState] = field(default_factory=dict)
    elsewhere: int = 0
    cases: list[CaseId] = field(default_factory=list)

    # What clients send

    def payload(self, names: list[str], *, has_amount: bool) -> dict[str, Any]:
        random = self.random
        items = []
        for name in names:
            received = self.totals[name]
            item: dict[str, Any] = {
                "product": {"sku": name, "name": name},
                "extra_field": {"id": name},
                "quantity": received.quantity,
                "price": _decimal(received.goods),
                "status": random.choice((*CODES, None, None, None, None)),
                "tracking_number": random.choice((None, None, "T", "U")),
            }
            if random.random() < 0.3:
                hours = random.choice((1, 5, 24 * 6, 24 * 25))
                item["delivered_date"] = (NOW - timedelta(hours=hours)).isoformat()
            items.append(item)
        amount = sum(received.goods for received in self.totals.values())
        order: dict[str, Any] = {
            "amount": _decimal(amount) if has_amount else None,
            "shipping_amount": None,
        }
        order |= {"number": self.number, "status": random.choice((None, None, 450, 500))}
        return shop.order_body(order | {"date_placed": "2026-02-10T09:00:00Z"}, *items)

    def remember(self, body: dict[str, Any]) -> None:
        for item in body["order_item"]:
            received = self.totals[item["extra_field"]["id"]]
            received.tracking = item["tracking_number"] or received.tracking

    def send(self) -> None:
        """The order again, sometimes with an item or a unit more, and sometimes the same twice."""
        is_more = self.random.random() < 0.15
        if is_more and len(self.totals) < 4:
            self.totals[f"N{len(self.totals)}"] = ReceivedItem(1, self.random.randrange(100, 900))
        elif is_more:
            received = self.random.choice(list(self.totals.values()))
            received.quantity += 1
            received.goods += self.random.randrange(1, 99)
            received.tracking = None  # the added units have none yet
        is_whole = is_more or not self.rows
        body = self.payload(list(self.totals) if is_whole else self.some_names(), has_amount=True)
        response = shop.create_order(self.caller, body)
        assert response.status_code in (200, 201), response.content
        self.remember(body)
        if self.random.random() < 0.3:
            before = self.snapshot()
            assert shop.create_order(self.caller, body).status_code == 200
            assert self.snapshot() == before

    def some_names(self) -> list[str]:
        names = [name for name in self.totals if self.random.random() < 0.7]
        return names or list(self.totals)

    def import_file(self) -> None:
        body = self.payload(self.some_names(), has_amount=self.random.random() < 0.5)
        path = self.folder / "orders.jsonl"
        path.write_text(json.dumps(body) + "\n")
        with Report(self.folder / "report.jsonl") as report:
            summary = import_documents(path, channel_id=1, report=report, progress=lambda _: None)
        assert (summary.refused, summary.updated + summary.unchanged) == (0, 1)
        self.remember(body)

    def change(self, row: OrderItem, status: int | None) -> dict[str, Any]:
        change: dict[str, Any] = {"status": status} if status else {}
        if self.random.random() < 0.3:
            change["tracking_number"] = self.random.choice(("V", "W"))
        return change

    def patch_item(self, status: int | None = None) -> None:
        row = self.random.choice(self.item_rows())
        status = status or self.random.choice((*CODES, None))
        change = self.change(row, status)
        response = shop.patch(f"{ITEMS}{row.pk}/", change, self.caller)
        assert response.status_code in (200, 400, 409), response.content
        if response.status_code == 200:
            self.forget_tracking([row], change)

    def patch_batch(self) -> None:
        rows = self.random.sample(self.item_rows(), k=min(2, len(self.item_rows())))
        changes = [{"id": row.pk} | self.change(row, self.random.choice(CODES)) for row in rows]
        path = f"{ITEMS}bulk_status_update/"
        response = shop.patch(path, {"orderitem_set": changes}, self.caller)
        assert response.status_code in (200, 400, 409), response.content
        if response.status_code == 200:
            for row, change in zip(rows, changes, strict=True):
                self.forget_tracking([row], change)

    def forget_tracking(self, rows: list[OrderItem], change: dict[str, Any]) -> None:
        """A part may have another tracking number than the rest of its item from now on."""
        if "tracking_number" in change:
            for row in rows:
                sku_rows = [other for other in self.item_rows() if other.sku == row.sku]
                is_whole = len(sku_rows) == 1
                self.totals[row.sku].tracking = change["tracking_number"] if is_whole else None

    def refund_elsewhere(self) -> None:
        """A payload that states totals of refunds, as its parsed form."""
        stored = Order.objects.get(number=self.number)
        ours = own_total(Payment.objects.filter(order=stored))
        stated = self.random.randrange(min(1000, stored.amount_minor - ours + 1))
        order = factories.order_input(
            number=self.number,
            placed_at=datetime(2026, 2, 10, 9, tzinfo=NOW.tzinfo),
            shipping_address=_address(),
            payment_type="",
            refunded_elsewhere_minor=stated,
            items=[
                factories.item_input(
                    remote_id=name,
                    sku=name,
                    product=None,
                    quantity=received.quantity,
                    goods_minor=received.goods,
                    status=None,
                )
                for name, received in self.totals.items()
            ],
        )
        [outcome] = factories.ingest(order, now=NOW)
        assert outcome.result in ("updated", "unchanged"), outcome
        self.elsewhere = max(self.elsewhere, stated)

    # What shoppers and agents do

    def open_case(self) -> None:
        row = self.random.choice(self.item_rows())
        kind = kind_of(row.status, is_invoiced=bool(row.invoice_number)) or Kind.CANCEL
        left = row.quantity - row.units_closed
        new = NewCase(
            order_item=ItemId(row.pk),
            kind=kind,
            reason=REASONS[kind],
            quantity=self.random.randrange(1, left + 1) if left else 1,
        )
        self.attempt(lambda: self.cases.extend(open_cases([new], SCOPE, actor=STAFF, now=NOW)))

    def decide(self) -> None:
        if not self.cases:
            return
        case_id = self.random.choice(self.cases)
        command = self.random.choice(COMMANDS)
        case = CancellationRequest.objects.select_related("order_item").get(pk=case_id)
        reported = case.order_item.deferred_status or case.order_item.status
        is_shipped = case.cancellation_type == Kind.CANCEL and 500 <= reported <= 550
        is_done = self.attempt(lambda: command(case_id, SCOPE, actor=STAFF, now=NOW))
        if is_shipped and command in (confirm, approve):
            assert not is_done, "a shipped item is never cancelled"

    def attempt(self, act: Callable[[], Any]) -> bool:
        """Whether the act succeeds; a refusal changes nothing."""
        try:
            act()
        except Refused:
            return False
        return True

    # What must hold

    def item_rows(self) -> list[OrderItem]:
        return list(OrderItem.objects.filter(order__number=self.number).order_by("pk"))

    def snapshot(self) -> list[Any]:
        """All rows of the order, without what only says when they were received."""
        ignored = {"fingerprint", "modified_date"}
        rows: list[Any] = [
            *OrderItem.objects.filter(order__number=self.number).order_by("pk").values()
        ]
        rows += Order.objects.filter(number=self.number).values()
        return [{name: row[name] for name in row.keys() - ignored} for row in rows]

    def check(self) -> None:
        rows = self.item_rows()
        for row in rows:
            self.check_row(row)
        for name, received in self.totals.items():
            parts = [row for row in rows if row.sku == name]
            assert sum(part.quantity for part in parts) == received.quantity
            assert sum(part.goods_minor for part in parts) == received.goods
            if received.tracking:
                assert {part.tracking_number for part in parts} == {received.tracking}
        order = Order.objects.get(number=self.number)
        assert unbalanced_orders(order.pk, order.pk) == []
        assert order.amount_minor == sum(received.goods for received in self.totals.values())
        assert order.refunded_elsewhere_minor == self.elsewhere

    def check_row(self, row: OrderItem) -> None:
        known = self.rows.get(row.pk)
        if known is None:
            known = RowState(400, row.shipped_date, row.delivered_date)
            origin = self.rows.get(row.split_from_id or 0)
            if origin and row.status == 50:
                known.settled = origin.settled
            elif row.status != 50:
                known.settled = row.status
            self.rows[row.pk] = known
        # A date stays, so a return window that has closed stays closed.
        assert known.shipped in (None, row.shipped_date)
        assert known.delivered in (None, row.delivered_date)
        known.shipped, known.delivered = row.shipped_date, row.delivered_date
        if row.status != 50:
            in_transit = 500 <= known.settled <= 545 and 500 <= row.status <= 545
            assert in_transit or is_forward(known.settled, row.status), (known.settled, row.status)
            known.settled = row.status
        if row.status == 550:
            assert row.delivered_date is not None


REASONS: dict[str, int] = {}


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _address() -> Any:
    return factories.address_input(line="-", extra_field={"synthetic": True})


def run(seed: int, caller: Any, folder: Path) -> None:
    """One sequence; the seed replays it."""
    random = Random(seed)
    story = Story(random, f"S{seed}", caller, folder)
    story.totals = {"A": ReceivedItem(3, 1000), "B": ReceivedItem(1, 555)}
    story.send()
    story.check()
    steps: list[Callable[[], None]] = [
        story.send,
        story.send,
        story.import_file,
        story.patch_item,
        story.patch_batch,
        lambda: story.patch_item(500),
        lambda: story.patch_item(550),
        story.refund_elsewhere,
        story.open_case,
        story.open_case,
        story.decide,
        story.decide,
    ]
    for step in range(STEPS):
        act = random.choice(steps)
        try:
            act()
            story.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, step {step}: {error}") from error


@pytest.mark.parametrize("chunk", range(2))
def test_any_sequence_keeps_statuses_units_and_money(chunk: int, tmp_path: Path) -> None:
    with zeal.zeal_ignore():
        caller = shop.client()
        REASONS.update({kind: factories.create_reason(kind=kind).pk for kind in Kind})
        for seed in range(chunk, SEQUENCES, 2):
            with transaction.atomic():
                run(seed, caller, tmp_path)
                transaction.set_rollback(True)
