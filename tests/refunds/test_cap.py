"""P5, P6: refunds never exceed what was captured, however commands interleave (PostgreSQL).

Two keys cancel directly and force amounts, an agent approves cases of which some go back as
points, and a system plans payments again: statement by statement, in an order that a seed decides.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.db.models import F, Sum

from takeback.cancellations import plans
from takeback.cancellations.commands.plan_payments import PlannedPayment, plan_payments
from takeback.cancellations.commands.transition import approve, confirm
from takeback.cancellations.models import CancellationPlan, CancellationRequest
from takeback.cancellations.plans import OrderMoney
from takeback.cancellations.statuses import TransactionType
from takeback.core.actor import Actor, ActorKind
from takeback.core.ids import CaseId, PlanId
from takeback.core.money import MinorUnits, show
from takeback.orders import locks
from takeback.orders.models import Order, OrderItem, Payment
from takeback.orders.order_input import PaymentIn
from takeback.refunds.commands import plan as planning
from takeback.refunds.commands import retry as retrying
from takeback.refunds.commands import transition
from takeback.refunds.models import Refund
from takeback.refunds.statuses import RESERVING, Status
from tests import factories
from tests.cancellations.factories import LATER, SCOPE, STAFF, open_case
from tests.channel import shop
from tests.conftest import CI, LONG
from tests.factories import HttpClient
from tests.rigs.stepping import WON, RefusedByApi, Sessions

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_repeated_queries("each interleaving queries again"),
    pytest.mark.heavy("postgresql"),
    pytest.mark.timeout(0 if LONG else 600),
]

ROUNDS = 10_000 if LONG else 150 if CI else 6
UNLOCKED_ROUNDS = 10_000 if LONG else 150 if CI else 6
MAX_ROUNDS = 300
"""A race whose guards are off must have its effect within so many rounds."""

REFUSALS = (
    "more_than_paid",
    "wrong_state",
    "order_cancel_in_progress",
    "cancellation_request_100_1",
    "conflict",
)
LIVE = [status.value for status in (*RESERVING, Status.CONFIRMED)]
SYSTEM_KEY = Actor(ActorKind.CHANNEL, 7)

Act = Callable[[], object]


class Scene(NamedTuple):
    """An order, and the acts of its sessions."""

    order: Order
    acts: list[Act]


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nothing interleaves")


def _switch_off(
    monkeypatch: pytest.MonkeyPatch, owner: ModuleType, name: str, substitute: Any
) -> None:
    """Replace a function in every module that imports it."""
    function = vars(owner)[name]
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("takeback.") and vars(module).get(name) is function:
            monkeypatch.setattr(module, name, substitute)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on orders is off, and so are guards of their own: the ledger, and the promises."""
    for name in ("lock_orders", "lock_orders_of", "lock_orders_within"):
        _switch_off(monkeypatch, locks, name, lambda *ids, **scope: [])
    for module in (planning, transition):
        monkeypatch.setattr(module, "book", lambda *arguments, **named: None)
    _switch_off(monkeypatch, plans, "order_money", _everything_captured)


def _everything_captured(plan: CancellationPlan) -> OrderMoney:
    """What an order would have left if no other plan had promised anything."""
    captured = Payment.objects.filter(order=plan.order_id).aggregate(n=Sum("captured_minor"))["n"]
    return OrderMoney(MinorUnits(captured or 0), MinorUnits(captured or 0))


@pytest.fixture
def unguarded(unlocked: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Money is reserved without a look at what is left, and no constraint refuses it."""

    def reserve(order_id: int, payment_id: int, amount_minor: int) -> None:
        row = Payment.objects.filter(pk=payment_id)
        row.update(reserved_minor=F("reserved_minor") + amount_minor)

    for module in (planning, retrying):
        monkeypatch.setattr(module, "reserve", reserve)
    name = "refunds_within_the_captured"
    [constraint] = [row for row in Payment._meta.constraints if row.name == name]
    with connection.schema_editor() as editor:
        editor.remove_constraint(Payment, constraint)
    yield
    Payment.objects.update(reserved_minor=0)
    with connection.schema_editor() as editor:
        editor.add_constraint(Payment, constraint)


def create_scene(number: int, keys: Sequence[HttpClient], reason: int, dice: Random) -> Scene:
    """An order of three items with one to three payments, and two or three acts."""
    goods = [dice.choice((1000, 2000, 3000)) for _ in range(3)]
    order = factories.create_order(
        number=str(number),
        items=[
            factories.item_input(remote_id=str(at), goods_minor=price)
            for at, price in enumerate(goods)
        ],
        payments=list(_payments(sum(goods), dice)),
    )
    items = factories.items_of(order)
    create_acts = dice.choice((_cancellers, _planners))
    acts = create_acts(keys, order, items, reason, dice)
    dice.shuffle(acts)
    return Scene(order, acts)


def _cancellers(
    keys: Sequence[HttpClient], order: Order, items: Sequence[OrderItem], reason: int, dice: Random
) -> list[Act]:
    """Keys that cancel an item each, with forced amounts, and an agent who approves a case."""
    first, second, third = items
    case = open_case(second, reason=reason, refund_to_loyalty=dice.random() < 0.5)
    total = sum(item.goods_minor for item in items)
    amounts = (None, total, total, total - 500, first.goods_minor)
    cancels: list[Act] = [
        partial(cancel_directly, key, order, item, reason, dice.choice(amounts))
        for key, item in zip(keys, (first, third), strict=False)
    ]
    return [*cancels, partial(approve, case, SCOPE, actor=STAFF, now=LATER)]


def _planners(
    keys: Sequence[HttpClient], order: Order, items: Sequence[OrderItem], reason: int, dice: Random
) -> list[Act]:
    """Keys that plan the payments of one approved plan again, and one that cancels the rest."""
    parts = items[: dice.choice((2, 3))]
    cases = [
        open_case(item, reason=reason, refund_to_loyalty=dice.random() < 0.3) for item in parts
    ]
    for case in cases:
        confirm(case, SCOPE, actor=SYSTEM_KEY, now=LATER)
    for case in cases:
        approve(case, SCOPE, actor=SYSTEM_KEY, now=LATER)
    plan_id = CancellationRequest.objects.values_list("plan_id", flat=True).get(pk=cases[0])
    assert plan_id
    everything = PlannedPayment(TransactionType.CANCEL, frozenset(item.pk for item in parts))
    act = partial(
        plan_payments, PlanId(plan_id), factories.SHOP, [everything], actor=SYSTEM_KEY, now=LATER
    )
    acts: list[Act] = [act, act]
    if len(keys) > 1:
        acts.append(partial(cancel_directly, keys[0], order, items[2], reason, None))
    return acts


def _payments(total: int, dice: Random) -> Iterator[PaymentIn]:
    kinds = dice.choice(
        (["credit_card"], ["credit_card", "loyalty_money"], ["credit_card", "masterpass", "gift"])
    )
    left = total
    for at, kind in enumerate(kinds):
        amount = left if at == len(kinds) - 1 else left // 2
        left -= amount
        yield PaymentIn(kind=kind, amount_minor=amount, captured_minor=amount)


def cancel_directly(
    key: HttpClient, order: Order, item: OrderItem, reason: int, forced: int | None
) -> None:
    """Cancel an item through the channel's API with a forced amount, then approve its case."""
    body = {
        "cancel_items": [item.pk],
        "reasons": {str(item.pk): reason},
        "forced_refund_amount": None if forced is None else show(forced, order.currency),
    }
    path = f"/api/v1/channel/{factories.SHOP}/orders/{order.pk}/cancel/"
    response = key.post(path, body, content_type="application/json")
    if response.status_code != 201:
        raise RefusedByApi(response.json()["code"])
    case = CancellationRequest.objects.values_list("pk", flat=True).get(order_item=item)
    approve(CaseId(case), SCOPE, actor=SYSTEM_KEY, now=LATER)


def over_refunds(order: Order) -> list[str]:
    """Where more goes back than was captured: by the refunds, and by the balances."""
    wrong = []
    for payment in Payment.objects.filter(order=order).order_by("pk"):
        refunds = Refund.objects.filter(payment=payment, status__in=LIVE)
        planned = refunds.aggregate(total=Sum("amount_minor"))["total"] or 0
        if planned > payment.captured_minor:
            wrong.append(f"payment {payment.pk}: {planned} of {payment.captured_minor}")
        if payment.reserved_minor != planned:
            wrong.append(f"payment {payment.pk}: {payment.reserved_minor} reserved of {planned}")
    return wrong


class Stats:
    """The outcomes, and the interleavings that differ."""

    def __init__(self) -> None:
        self.outcomes = Counter[str]()
        self.traces: set[tuple[int, ...]] = set()


def play(
    rounds: int, stats: Stats, *, has_triggers: bool = True, stop_at_first: bool = False
) -> dict[int, list[str]]:
    """Play scenes of two and of three sessions; what is wrong, by seed."""
    reason = factories.create_reason().pk
    keys = [shop.client() for _ in range(2)]
    wrong = {}
    for count in (2, 3):
        with Sessions(count, has_triggers=has_triggers) as sessions:
            for seed in range(count, rounds + 2, 2):
                dice = Random(seed)
                scene = create_scene(seed, keys[: count - 1], reason, dice)
                stats.outcomes.update(sessions.run(scene.acts, dice))
                stats.traces.add(tuple(sessions.trace))
                if texts := over_refunds(scene.order):
                    wrong[seed] = texts
                    if stop_at_first:
                        return wrong
    return wrong


def test_no_interleaving_refunds_more_than_was_captured() -> None:
    stats = Stats()
    assert play(ROUNDS, stats) == {}
    assert stats.outcomes.keys() <= {WON, *REFUSALS}
    # Few orders of statements are played twice: of 10,000 short ones 8,200 differ.
    assert len(stats.traces) >= ROUNDS * (8 if LONG else 9) // 10


@pytest.mark.usefixtures("unlocked")
def test_without_the_lock_nothing_above_the_captured_is_refunded() -> None:
    stats = Stats()
    assert play(UNLOCKED_ROUNDS, stats, has_triggers=False) == {}
    assert stats.outcomes[WON] >= UNLOCKED_ROUNDS // 2
    # The statement that reserves is faster than the constraint behind it.
    assert "CheckViolation" not in stats.outcomes


@pytest.mark.usefixtures("unguarded")
def test_without_lock_and_guard_more_is_refunded() -> None:
    wrong = play(MAX_ROUNDS, Stats(), has_triggers=False, stop_at_first=True)
    assert any("of" in text for texts in wrong.values() for text in texts)
