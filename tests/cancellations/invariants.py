"""All that a shop's database says of its lines and cases, and what must always be true of it."""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.logistics.models import EasyReturn
from takeback.orders.models import Order, OrderItem
from takeback.orders.statuses import rolled_up_status
from takeback.outbox.models import Message
from tests.cancellations.reference_model import World
from tests.cancellations.shop import Shop

AMOUNTS = ("goods_minor", "discount_minor", "shipping_minor", "fee_minor", "interest_minor")
LIVE = {"waiting", "waiting_approval", "confirmed", "approved"}


class LineRow(NamedTuple):
    """A line."""

    id: int
    order_id: int
    split_from_id: int | None
    status: int
    quantity: int
    units_closed: int
    amounts: tuple[int, ...]


class CaseRow(NamedTuple):
    """A case."""

    id: int
    order_item_id: int
    easy_return_id: int | None
    plan_id: int | None
    status: str
    quantity: int
    version: int
    source: str


class StepRow(NamedTuple):
    """A step of a case."""

    case: int
    seq: int
    event: str
    before: str | None
    after: str


class PlanRow(NamedTuple):
    """A plan."""

    id: int
    order_id: int
    plan_type: str
    status: str
    refund_minor: int


class Books(NamedTuple):
    """Everything, read at one moment."""

    orders: dict[int, tuple[int, bool, tuple[int, ...]]]
    lines: list[LineRow]
    cases: list[CaseRow]
    history: list[StepRow]
    messages: list[tuple[str, str]]
    returns: dict[int, str]
    plans: list[PlanRow]


def read() -> Books:
    """The books as they are now."""
    orders = Order.objects.values_list("id", "status", "is_finalized", *AMOUNTS)
    lines = OrderItem.objects.order_by("id").values_list(*LineRow._fields[:-1], *AMOUNTS)
    cases = CancellationRequest.objects.order_by("id").values_list(*CaseRow._fields)
    steps = CaseHistory.objects.order_by("cancellation_request_id", "seq")
    fields = ("cancellation_request_id", *StepRow._fields[1:])
    return Books(
        {row[0]: (row[1], row[2], row[3:]) for row in orders},
        [LineRow._make((*row[:6], row[6:])) for row in lines],
        [CaseRow(*row) for row in cases],
        [StepRow(*row) for row in steps.values_list(*fields)],
        list(Message.objects.order_by("id").values_list("topic", "key")),
        dict(EasyReturn.objects.values_list("id", "status")),
        [PlanRow(*row) for row in CancellationPlan.objects.values_list(*PlanRow._fields)],
    )


def check(books: Books, shop: Shop, world: World) -> None:
    """All that must be true after every step."""
    _as_remembered(books, world)
    _orders_add_up(books)
    _no_unit_twice(books, shop)
    _history_is_whole(books)
    _parcels_are_waited_for(books)
    _plans_follow_their_cases(books)


def _as_remembered(books: Books, world: World) -> None:
    """Lines and live cases are what the model says."""
    assert [(x.id, x.status, x.quantity, x.units_closed) for x in books.lines] == sorted(
        (line.pk, line.status, line.quantity, line.used) for line in world.lines.values()
    )
    live = [(x.order_item_id, x.id, x.status, x.quantity) for x in books.cases if x.status in LIVE]
    # One per line at most: the model has room for no more.
    assert sorted(live) == sorted(
        (line.pk, line.case.pk, line.case.status, line.case.quantity)
        for line in world.lines.values()
        if line.case
    )


def _orders_add_up(books: Books) -> None:
    """Sealed, worth what their lines are worth, and as far as these."""
    for order, (status, is_finalized, amounts) in books.orders.items():
        lines = [line for line in books.lines if line.order_id == order]
        assert is_finalized
        assert tuple(map(sum, zip(*(line.amounts for line in lines), strict=True))) == amounts
        assert status == rolled_up_status([line.status for line in lines])


def _no_unit_twice(books: Books, shop: Shop) -> None:
    """Of no line as it arrived more units are asked for, or gone, than were bought."""
    origin = {line.id: line.split_from_id or line.id for line in books.lines}
    bought, taken = Counter[int](), Counter[int]()
    for line in books.lines:
        bought[origin[line.id]] += line.quantity
    for case in books.cases:
        if case.status in LIVE | {"completed"}:
            taken[origin[case.order_item_id]] += case.quantity
    assert bought == {pk: line.quantity for pk, line in shop.world.lines.items()}
    assert taken <= bought


def _history_is_whole(books: Books) -> None:
    """Steps without a gap, each where the last one ended; one message for each."""
    steps: dict[int, list[StepRow]] = defaultdict(list)
    for step in books.history:
        steps[step.case].append(step)
    for case in books.cases:
        # What another system has completed has no history here.
        if case.source == "import":
            assert steps.pop(case.id, []) == []
            continue
        found = steps.pop(case.id)
        assert [step.seq for step in found] == list(range(1, case.version + 1))
        assert [step.before for step in found] == [None, *(step.after for step in found[:-1])]
        assert found[-1].after == case.status
    assert not steps
    assert sorted(books.messages) == sorted(map(_message, books.history))


def _message(step: StepRow) -> tuple[str, str]:
    topic = f"cancellation_request.{_TOPICS[step.event]}"
    return topic, f"{topic}:{step.case}.{step.seq}"


_TOPICS = {
    "open": "opened",
    "confirm": "confirmed",
    "reject": "rejected",
    "withdraw": "withdrawn",
    "review": "reviewed",
    "approve": "approved",
    "remove": "removed",
}


def _parcels_are_waited_for(books: Books) -> None:
    """A way back is wanted as long as one of its cases lives."""
    waiting: dict[int, Any] = {}
    for case in books.cases:
        if case.easy_return_id:
            lives = waiting.get(case.easy_return_id, False) or case.status in LIVE
            waiting[case.easy_return_id] = lives
    expected = {pk: "wanted" if lives else "cancelled" for pk, lives in waiting.items()}
    assert books.returns == expected


def _left(line: LineRow) -> int:
    """What the units that are not gone are worth; the first ones, which go first, are heavier."""
    goods, discount, _, _, interest = (
        sum(amount // line.quantity + (unit < amount % line.quantity) for unit in units)
        for units in [range(line.units_closed, line.quantity)]
        for amount in line.amounts
    )
    return goods - discount + interest


def _plans_follow_their_cases(books: Books) -> None:
    """Each is as far as its cases, and worth what their lines are worth."""
    worth = {line.id: _left(line) for line in books.lines}
    cases: dict[int, list[CaseRow]] = defaultdict(list)
    for case in books.cases:
        assert (case.plan_id is None) <= (case.status not in {"confirmed", "approved"})
        if case.plan_id and case.status in LIVE:
            cases[case.plan_id].append(case)
    for plan in books.plans:
        left = {case.status for case in cases[plan.id]}
        undecided = "waiting" if "confirmed" in left else "approved"
        assert plan.status == (undecided if left else "rejected")
        if left:
            total = sum(worth[case.order_item_id] for case in cases[plan.id])
            assert plan.refund_minor == total
    waiting = [(x.order_id, x.plan_type) for x in books.plans if x.status == "waiting"]
    assert len(waiting) == len(set(waiting))
