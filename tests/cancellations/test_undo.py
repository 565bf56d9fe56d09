"""Undoing decisions: what is restored, who may undo what, and for how long."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from takeback.cancellations.commands import transition
from takeback.cancellations.commands.add_note import add_note
from takeback.cancellations.commands.open import open_cases
from takeback.cancellations.commands.transition import approve, confirm, reject, review
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import Remarks
from takeback.cancellations.models import CancellationPlan, CancellationRequest, CaseHistory
from takeback.cancellations.plans import RefundTerms
from takeback.cancellations.statuses import MAIL_DELAY, Kind
from takeback.core.actor import Actor, ActorKind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId
from takeback.handlers.mails import HANDLERS
from takeback.logistics.models import EasyReturn
from takeback.orders.commands.update_items import update_items
from takeback.orders.models import OrderItem
from takeback.outbox.models import Message
from takeback.outbox.worker import Delivery
from tests import factories
from tests.cancellations.factories import (
    LATER,
    SCOPE,
    STAFF,
    delivered_item,
    new_case,
    open_case,
    order_items,
)
from tests.rigs.races import WON, Clients
from tests.storefront.api import nothing_written

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.allow_repeated_queries("a test sends several commands"),
]

BEA, KEY = Actor(ActorKind.STAFF, 2), Actor(ActorKind.CHANNEL, 1)
NO = Remarks("No.")
LAST_MOMENT = LATER + timedelta(seconds=10) - timedelta(microseconds=1)
Decide = Callable[..., None]


def rows_of(case: CaseId) -> dict[str, Any]:
    """All that a decision changes, except versions and times."""
    row = CancellationRequest.objects.get(pk=case)
    item = OrderItem.objects.get(pk=row.order_item_id)
    return {
        "case": (row.status, row.plan_id, row.item_status_before, row.order_item_id),
        "item": (item.status, item.deferred_status, item.order.status),
        "plans": list(
            CancellationPlan.objects.filter(order=item.order)
            .exclude(status="rejected")
            .order_by("pk")
            .values_list("status", "refund_minor", "forced_refund_minor")
        ),
        "returns": list(EasyReturn.objects.values_list("status", flat=True)),
    }


def events_of(case: CaseId) -> list[tuple[str, str]]:
    """The events of a case and the statuses after them."""
    rows = CaseHistory.objects.filter(cancellation_request=case).order_by("seq")
    return list(rows.values_list("event", "after"))


def waiting_return(code: str | None = None) -> CaseId:
    """A return whose goods a carrier will bring."""
    carrier = factories.create_carrier()
    case = open_case(delivered_item(), kind=Kind.RETURN, carrier=carrier.pk)
    EasyReturn.objects.update(code=code, status="booked" if code else "wanted")
    return case


STARTS: dict[str, list[Decide]] = {
    "waiting": [],
    "waiting_approval": [review],
    "confirmed": [confirm],
}
UNDOABLE = [
    ("waiting", review),
    ("waiting", confirm),
    ("waiting", approve),
    ("waiting", reject),
    ("waiting_approval", confirm),
    ("waiting_approval", approve),
    ("waiting_approval", reject),
    ("confirmed", approve),
    ("confirmed", reject),
]


@pytest.mark.parametrize("code", [None, "ER1"])
@pytest.mark.parametrize(("start", "decide"), UNDOABLE)
def test_undo_restores_everything(start: str, decide: Decide, code: str | None) -> None:
    case = waiting_return(code)
    for step in STARTS[start]:
        step(case, SCOPE, actor=STAFF, now=factories.NOW)
    before = rows_of(case)
    decide(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    assert rows_of(case) != before

    undo(case, SCOPE, actor=STAFF, now=LAST_MOMENT)

    assert rows_of(case) == before
    assert events_of(case)[-1] == ("undo", start)


@pytest.mark.parametrize("decide", [confirm, approve])
def test_undone_split_leaves_an_item_with_the_units_of_the_case(decide: Decide) -> None:
    [item] = order_items({"quantity": 5})
    case = open_case(item, quantity=2)
    decide(case, SCOPE, actor=STAFF, now=LATER)
    undo(case, SCOPE, actor=STAFF, now=LATER)
    assert sorted(OrderItem.objects.values_list("quantity", "status")) == [(2, 400), (3, 400)]
    approve(case, SCOPE, actor=STAFF, now=LATER)
    assert sorted(OrderItem.objects.values_list("quantity", "status")) == [(2, 50), (3, 400)]


def test_status_that_waited_for_the_case_waits_again() -> None:
    case = waiting_return()
    OrderItem.objects.update(status=500)
    confirm(case, SCOPE, actor=STAFF, now=factories.NOW)
    item = OrderItem.objects.get()
    update_items([factories.SHOP], {item.pk: {"status": 550}}, now=factories.NOW)
    before = rows_of(case)
    assert before["item"][:2] == (50, 550)
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    assert rows_of(case)["item"][:2] == (550, None)

    undo(case, SCOPE, actor=STAFF, now=LATER)

    assert rows_of(case) == before


def test_undone_confirmation_leaves_the_plan_of_others() -> None:
    first, second = order_items({"goods_minor": 700}, {"goods_minor": 300})
    cases = [open_case(first), open_case(second)]
    approve(cases[0], SCOPE, actor=STAFF, now=factories.NOW)
    confirm(cases[1], SCOPE, actor=STAFF, now=LATER)
    before = rows_of(cases[0])
    third = open_case(order_items(number="other")[0])
    confirm(third, SCOPE, actor=STAFF, now=LATER)
    undo(cases[1], SCOPE, actor=STAFF, now=LATER)
    assert before["case"] == rows_of(cases[0])["case"]
    amounts = CancellationPlan.objects.order_by("pk").values_list("status", "refund_minor")
    assert [status for status, _ in amounts] == ["approved", "rejected", "waiting"]


def rejected_by_bea(case: CaseId) -> None:
    """Another agent decides after the first one."""
    reject(case, SCOPE, actor=BEA, now=LATER, remarks=NO)


def with_note(case: CaseId) -> None:
    """A note follows the decision."""
    add_note(case, SCOPE, "a note", actor=STAFF, now=LATER)


def undone(case: CaseId) -> None:
    """The decision is undone already."""
    undo(case, SCOPE, actor=STAFF, now=LATER)


@pytest.mark.parametrize("follow", [rejected_by_bea, with_note, undone])
def test_only_the_newest_step_can_be_undone(follow: Callable[[CaseId], None]) -> None:
    case = open_case(*order_items())
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    follow(case)
    assert refusal_of(case, STAFF) == "cannot_undo"


@pytest.mark.parametrize("actor", [BEA, KEY, Actor(ActorKind.CUSTOMER, 1)])
def test_only_the_agent_who_decided_may_undo(actor: Actor) -> None:
    case = open_case(*order_items())
    approve(case, SCOPE, actor=STAFF, now=LATER)
    assert refusal_of(case, actor) == "cannot_undo"


def test_decision_of_a_key_cannot_be_undone() -> None:
    case = open_case(*order_items())
    approve(case, SCOPE, actor=KEY, now=LATER)
    assert refusal_of(case, KEY) == "cannot_undo"


def test_undo_is_possible_for_ten_seconds() -> None:
    case = open_case(*order_items())
    approve(case, SCOPE, actor=STAFF, now=LATER)
    assert refusal_of(case, STAFF, now=LATER + timedelta(seconds=10)) == "cannot_undo"
    undo(case, SCOPE, actor=STAFF, now=LAST_MOMENT)


def test_undo_at_another_version_is_refused() -> None:
    case = open_case(*order_items())
    review(case, SCOPE, actor=STAFF, now=LATER)
    assert refusal_of(case, STAFF, version=1) == "precondition_failed"


def test_opening_cannot_be_undone() -> None:
    [item] = order_items()
    [case] = open_cases([new_case(item)], SCOPE, actor=STAFF, now=LATER)
    assert refusal_of(case, STAFF) == "cannot_undo"


def test_rejection_is_final_once_the_item_has_a_new_case() -> None:
    [item] = order_items()
    case = open_case(item)
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    open_case(item)
    assert refusal_of(case, STAFF) == "cannot_undo"


@pytest.mark.parametrize("fields", [{"units_closed": 1}, {"status": 100}])
def test_rejection_is_final_once_the_item_has_ended(fields: dict[str, int]) -> None:
    case = open_case(*order_items())
    reject(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    OrderItem.objects.update(**fields)
    assert refusal_of(case, STAFF) == "cannot_undo"


def test_approval_stays_once_another_plan_waits() -> None:
    first, second = order_items({}, {})
    case, other = open_case(first), open_case(second)
    approve(case, SCOPE, actor=STAFF, now=LATER)
    undo(case, SCOPE, actor=STAFF, now=LATER)
    confirm(case, SCOPE, actor=STAFF, now=LATER)
    approve(case, SCOPE, actor=STAFF, now=LATER)
    confirm(other, SCOPE, actor=STAFF, now=LATER)
    assert refusal_of(case, STAFF) == "cannot_undo"


def test_rejection_that_reduced_a_forced_amount_stays() -> None:
    first, second = order_items({}, {})
    terms = RefundTerms(forced_refund_minor=500)
    cases = [open_case(first), open_case(second)]
    confirm(cases[0], SCOPE, actor=STAFF, now=LATER, terms=terms)
    plan = CancellationPlan.objects.get()
    confirm(cases[1], SCOPE, actor=STAFF, now=LATER)
    CancellationRequest.objects.filter(pk=cases[1]).update(plan=plan)
    CancellationPlan.objects.exclude(pk=plan.pk).delete()
    reject(cases[1], SCOPE, actor=STAFF, now=LATER, remarks=NO)
    assert refusal_of(cases[1], STAFF) == "cannot_undo"


def refusal_of(case: CaseId, actor: Actor, **fields: Any) -> str:
    """The code with which an undo is refused; nothing is written."""
    with nothing_written(), pytest.raises(Refused) as refusal:
        undo(case, SCOPE, actor=actor, **{"now": LATER, **fields})
    return refusal.value.problem.code


@pytest.mark.parametrize("decide", [approve, reject])
def test_mail_of_an_undone_decision_is_not_sent(decide: Decide, mailoutbox: Any) -> None:
    case = open_case(*order_items())
    decide(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    undo(case, SCOPE, actor=STAFF, now=LATER)
    decide(case, SCOPE, actor=STAFF, now=LATER, remarks=NO)
    mails = Message.objects.exclude(topic="cancellation_request.opened")
    messages = mails.exclude(topic="refund.planned").order_by("pk")
    assert [message.due_at for message in messages] == [LATER + MAIL_DELAY] * 2

    for message in messages:
        HANDLERS[message.topic](Delivery(message.key, message.payload))

    assert len(mailoutbox) == 1


def test_mail_of_a_decision_by_a_key_is_due_at_once() -> None:
    case = open_case(*order_items())
    approve(case, SCOPE, actor=KEY, now=LATER)
    message = Message.objects.get(topic="cancellation_request.approved")
    assert message.due_at == message.created_at


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock on orders is off."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time and no lock to switch off")
    monkeypatch.setattr(transition, "lock_orders_of", lambda item_ids: [])


def racing_acts(number: int) -> tuple[CaseId, list[Callable[[], object]]]:
    """An undo of an acceptance against the approval by another agent."""
    case = open_case(*order_items(number=str(number)))
    confirm(case, SCOPE, actor=STAFF, now=factories.NOW)
    second = partial(approve, case, SCOPE, actor=BEA, now=factories.NOW, version=2)
    return case, [partial(undo, case, SCOPE, actor=STAFF, now=factories.NOW, version=2), second]


def check_race(case: CaseId) -> None:
    """The history has no gaps, and plan and item agree with the winner."""
    rows = rows_of(case)
    assert events_of(case)[-1] in [("undo", "waiting"), ("approve", "approved")]
    if rows["case"][0] == "waiting":
        assert (rows["case"][1:3], rows["item"][0], rows["plans"]) == ((None, None), 400, [])
    else:
        assert rows["item"][0] == 50
        assert [status for status, *_ in rows["plans"]] == ["approved"]


@pytest.mark.heavy("postgresql")
@pytest.mark.django_db(transaction=True)
def test_undo_or_the_next_decision_wins() -> None:
    with Clients(2) as racing:
        for number in range(5):
            case, acts = racing_acts(number)
            results = racing.race(acts)
            assert results == {WON: 1, "precondition_failed": 1}
            check_race(case)


@pytest.mark.usefixtures("unlocked")
@pytest.mark.heavy("postgresql")
@pytest.mark.django_db(transaction=True)
def test_version_alone_keeps_undo_and_next_decision_apart() -> None:
    with Clients(2) as racing:
        for number in range(10):
            case, acts = racing_acts(number)
            assert racing.race(acts)[WON] == 1
            check_race(case)
