"""Random sequences of commands: database and reference model always agree (P2, P3, P8)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

import pytest
from django.conf import LazySettings
from django.db import transaction
from hypothesis import seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.commands.import_completed import CompletedCase, record_completed
from takeback.cancellations.commands.open import Override, open_cases
from takeback.cancellations.commands.transition import (
    approve,
    confirm,
    reject,
    remove,
    review,
    withdraw,
)
from takeback.cancellations.commands.undo import undo
from takeback.cancellations.decision import Remarks
from takeback.cancellations.inputs import NewCase
from takeback.cancellations.models import CancellationReason, CancellationRequest
from takeback.cancellations.statuses import Kind
from takeback.core.errors import Refused
from takeback.core.ids import CaseId, ItemId
from takeback.logistics.models import EasyReturnShippingCompany
from takeback.orders.commands.ingest import REFUSED, UPDATED
from takeback.orders.models import OrderItem
from takeback.orders.order_input import ItemIn
from takeback.refunds.models import RefundPart
from tests import factories
from tests.cancellations.invalid_inputs import INVALID_INPUTS, InvalidInput
from tests.cancellations.invariants import Snapshot, check, take_snapshot
from tests.cancellations.reference_model import (
    CODES,
    EVENTS,
    SUCCESS,
    ModelCase,
    ModelItem,
    Opening,
    ReferenceModel,
    Requester,
    broken_codes,
    can_access,
    expected_result,
    expected_results,
    expected_transition,
    is_forward,
    overridden_codes,
    usual_kind,
)
from tests.cancellations.refunds import pay
from tests.cancellations.shop import Shop, make_shop
from tests.conftest import CI, LONG

pytestmark = pytest.mark.heavy

SOON, LATE = factories.NOW + timedelta(hours=1), factories.NOW + timedelta(days=60)
STATUSES = [400, 400, 450, 450, 500, 550, 550, 550, 100, 600]
"""The statuses that the shop sends, frequent ones more often."""
ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")

Command = Callable[..., None]
COMMANDS: list[Command] = [confirm, reject, withdraw, review, remove, approve, undo, undo]
T = TypeVar("T")


def attempt(act: Callable[[], T]) -> T | Refused:
    """The result of a command, or its refusal."""
    try:
        return act()
    except Refused as refused:
        return refused


def some(values: Sequence[T], *, at_least: int, unique: bool = False) -> st.SearchStrategy[list[T]]:
    """A list of at least this many of the values, and at most two more."""
    return st.lists(
        st.sampled_from(values), min_size=at_least, max_size=at_least + 2, unique=unique
    )


class CaseMachine(RuleBasedStateMachine):
    """Runs each command on the database and on the model, and compares the results."""

    shop: ClassVar[Shop]
    counts: ClassVar[Counter[str]]
    """The number of events and of refusals in all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.model: ReferenceModel = deepcopy(self.shop.model)
        self.inputs = dict(self.shop.inputs)
        self.closed: list[tuple[ModelItem, ModelCase]] = []
        self.snapshot: Snapshot = take_snapshot()
        self.is_changed = False
        self.imports = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # Opening cases

    def free_items(self, requester: Requester | None = None) -> list[ModelItem]:
        """The items for which this requester, or anyone, can open a case."""
        items = [item for item in self.model.items.values() if usual_kind(item) and not item.case]
        return [item for item in items if requester is None or can_access(requester, item)]

    def valid_case(self, data: st.DataObject, item: ModelItem) -> NewCase:
        """A valid case for an item, unless its reason or carrier is switched off."""
        kind = usual_kind(item) or Kind.CANCEL
        is_part = item.units_left > 1 and data.draw(st.booleans())
        needs_pickup = data.draw(
            st.sampled_from([None, False, True] if kind is Kind.RETURN else [None])
        )
        return NewCase(
            order_item=item.pk,
            kind=kind,
            reason=self.model.reason(kind),
            quantity=data.draw(st.integers(1, item.units_left)) if is_part else None,
            description="A description.",
            carrier=None if needs_pickup is None else self.model.carrier(needs_pickup=needs_pickup),
            pickup_address=min(item.order.address_ids) if needs_pickup else None,
            bank_account=ACCOUNT if item.order.is_paid_in_cash else None,
        )

    @precondition(lambda self: self.free_items())
    @rule(data=st.data(), by_agent=st.booleans(), is_late=st.booleans(), overrides=st.booleans())
    def open_valid_case(
        self, data: st.DataObject, *, by_agent: bool, is_late: bool, overrides: bool
    ) -> None:
        """The owner or an agent opens a case; only agents may override time limits."""
        item = data.draw(st.sampled_from(self.free_items()))
        requester = self.shop.agent if by_agent else item.order.owner
        now = LATE if is_late else SOON
        self.open_one(self.valid_case(data, item), requester, now, overrides=overrides)

    @precondition(lambda self: self.free_items())
    @rule(data=st.data(), inputs=some(INVALID_INPUTS, at_least=7, unique=True))
    def open_invalid_cases(self, data: st.DataObject, inputs: list[InvalidInput]) -> None:
        """Invalid cases are refused."""
        for applies_to, change in inputs:
            items = [item for item in self.model.items.values() if usual_kind(item)]
            if invalid := [item for item in items if applies_to(item)]:
                item = data.draw(st.sampled_from(invalid))
                new = change(self.model, self.valid_case(data, item))
                self.open_one(new, item.order.owner)
        item = data.draw(st.sampled_from(self.free_items()))
        new, owner = self.valid_case(data, item), item.order.owner
        self.open_one(new, data.draw(st.sampled_from(self.shop.shoppers)))
        self.open_many([new, replace(new, quantity=99)], owner)
        self.open_many([new, new], owner)
        self.ingest(data, is_invalid=True)

    def open_one(
        self,
        new: NewCase,
        requester: Requester,
        now: datetime = SOON,
        *,
        overrides: bool = False,
    ) -> None:
        """Open a case and compare the result with the expected one."""
        is_agent = requester is self.shop.agent
        opening = Opening(self.model, new, requester, now, overrides=overrides and is_agent)
        expected = expected_result(opening)
        result = attempt(
            lambda: open_cases(
                [new],
                requester.scope,
                actor=requester.actor,
                now=now,
                override=Override() if overrides else None,
            )
        )
        if isinstance(result, Refused):
            assert result.problem.code == expected
            self.counts[expected] += 1
        else:
            assert expected == SUCCESS
            codes = overridden_codes(opening)
            self.add_cases([new], result, "open one", now)
            case = self.model.items[new.order_item].case
            assert case
            case.overridden = codes

    @precondition(lambda self: self.free_items())
    @rule(data=st.data(), by_agent=st.booleans())
    def open_valid_cases(self, data: st.DataObject, *, by_agent: bool) -> None:
        """An owner opens cases for up to four items, an agent for those of several owners."""
        owner = data.draw(st.sampled_from(self.free_items())).order.owner
        requester = self.shop.agent if by_agent else owner
        free = st.sampled_from(self.free_items(requester))
        items = data.draw(st.lists(free, min_size=1, max_size=4, unique_by=lambda item: item.pk))
        self.open_many([self.valid_case(data, item) for item in items], requester)

    def open_many(self, new: Sequence[NewCase], requester: Requester) -> None:
        """Open cases in one request and compare the result with the expected one."""
        expected = expected_results([Opening(self.model, case, requester, SOON) for case in new])
        result = attempt(lambda: open_cases(new, requester.scope, actor=requester.actor, now=SOON))
        if isinstance(result, Refused):
            assert (result.problem.code, result.context["position"]) == expected
            self.counts[result.problem.code] += 1
        else:
            assert expected == (SUCCESS, len(new))
            self.add_cases(new, result, "open many", SOON)

    def add_cases(
        self, new: Sequence[NewCase], ids: Sequence[CaseId], event: str, now: datetime
    ) -> None:
        """Add live cases to the model."""
        for case, case_id in zip(new, ids, strict=True):
            item = self.model.items[case.order_item]
            item.case = ModelCase(case_id, case.kind, case.quantity or item.units_left, now)
        self.record(event)

    def record(self, event: str) -> None:
        """Count an event that has changed the database."""
        self.counts[event] += 1
        self.is_changed = True

    # Transitions

    def items_with_cases(self) -> list[tuple[ModelItem, ModelCase]]:
        """The items with live cases."""
        return [(item, item.case) for item in self.model.items.values() if item.case]

    @precondition(lambda self: self.items_with_cases())
    @rule(data=st.data(), commands=some(COMMANDS, at_least=4))
    def decide(self, data: st.DataObject, commands: list[Command]) -> None:
        """An agent decides on live cases and the last closed one; some decisions are undone."""
        for command in commands:
            rows = self.items_with_cases() + self.closed[-1:]
            if rows:
                row, overrides = data.draw(st.sampled_from(rows)), data.draw(st.booleans())
                self.run_command(*row, command, self.shop.agent, overrides=overrides)

    def divisible_items(self) -> list[ModelItem]:
        """The items of which a case can have some units."""
        return [item for item in self.free_items() if item.units_left > 1]

    @precondition(lambda self: self.divisible_items())
    @rule(data=st.data())
    def reject_confirmed_units(self, data: st.DataObject) -> None:
        """A case of some units is confirmed and rejected: the units return to their item."""
        item = data.draw(st.sampled_from(self.divisible_items()))
        units = data.draw(st.integers(1, item.units_left - 1))
        self.open_one(replace(self.valid_case(data, item), quantity=units), item.order.owner)
        case = item.case
        for command in (confirm, reject):
            for row in [row for row in self.items_with_cases() if row[1] is case]:
                self.run_command(*row, command, self.shop.agent)

    @precondition(lambda self: self.items_with_cases())
    @rule(data=st.data())
    def decide_against_a_rule(self, data: st.DataObject) -> None:
        """The shop invoices an item whose case waits, and an agent overrides the rule."""
        item, case = data.draw(st.sampled_from(self.items_with_cases()))
        OrderItem.objects.filter(pk=item.pk).update(invoice_number="INV")
        item.is_invoiced = True
        for overrides in (False, True):
            self.run_command(item, case, confirm, self.shop.agent, overrides=overrides)

    @precondition(lambda self: self.items_with_cases() or self.closed)
    @rule(data=st.data(), command=st.sampled_from(COMMANDS))
    def decide_invalidly(self, data: st.DataObject, command: Command) -> None:
        """Closed cases stay closed, and those of other shoppers are not found."""
        item, case = data.draw(st.sampled_from(self.items_with_cases() + self.closed))
        others = [shopper for shopper in self.shop.shoppers if not can_access(shopper, item)]
        self.run_command(item, case, command, data.draw(st.sampled_from(others)))
        for closed_item, closed_case in self.closed[-1:]:
            self.run_command(closed_item, closed_case, command, self.shop.agent)

    def run_command(
        self,
        item: ModelItem,
        case: ModelCase,
        command: Command,
        requester: Requester,
        *,
        overrides: bool = False,
    ) -> None:
        """Run a command on a case and compare the result with the expected one."""
        name, remarks = command.__name__, {}
        if command in (confirm, approve):
            remarks = {"remarks": Remarks(internal_note="Agreed.", override=overrides)}
        expected = expected_transition(self.model, item, case, name, requester, overrides=overrides)
        result = attempt(
            lambda: command(case.pk, requester.scope, actor=requester.actor, now=SOON, **remarks)
        )
        if isinstance(result, Refused):
            assert result.problem.code == expected
            self.counts[expected] += 1
            return
        assert expected == SUCCESS
        self.record(name)
        if command is undo:
            self.apply_undo(item, case)
            return
        codes = broken_codes(self.model, item, case) if remarks else set()
        case.overridden |= codes
        is_decision = command in (review, confirm, approve, reject)
        case.undo_status, case.undo_codes = case.status if is_decision else None, codes
        self.apply_command(item, case, command)

    def apply_undo(self, item: ModelItem, case: ModelCase) -> None:
        """Take a decision back. A part stays an item of its own, or becomes one again."""
        assert case.undo_status
        if item.case is not case:
            self.closed.remove((item, case))
            if case.undo_status == "confirmed" and case.quantity < item.units_left:
                item = self.split_again(item, case)
            item.case = case
            if case.undo_status == "confirmed":
                is_other = item.status != case.item_status_before
                case.deferred, item.status = item.status if is_other else None, 50
        elif case.status in {"confirmed", "approved"} and case.undo_status != "confirmed":
            assert case.item_status_after is not None
            item.status, case.item_status_before, case.plan_id = case.item_status_after, None, None
        case.status, case.undo_status = case.undo_status, None
        case.overridden -= case.undo_codes

    def apply_command(self, item: ModelItem, case: ModelCase, command: Command) -> None:
        """Apply a successful command to the model."""
        if command is remove:
            case.is_hidden = True
        if command is review:
            case.status = "waiting_approval"
        elif command in (confirm, approve):
            if case.status != "confirmed":
                self.apply_confirmation(item, case)
            case.status = "confirmed" if command is confirm else "approved"
        elif item.case is case:
            if case.item_status_after is not None:
                item.status = case.item_status_after
            item.case = None
            self.closed.append((item, case))
            self.apply_merges(self.model.items[item.split_from or item.pk])

    def split_again(self, item: ModelItem, case: ModelCase) -> ModelItem:
        """The new part with the units of a rejected case."""
        pk = ItemId(CancellationRequest.objects.get(pk=case.pk).order_item_id)
        assert pk not in self.model.items
        part = replace(
            item,
            pk=pk,
            quantity=case.quantity,
            units_closed=0,
            split_from=item.split_from or item.pk,
        )
        self.model.items[pk] = part
        item.quantity -= case.quantity
        return part

    def apply_merges(self, item: ModelItem) -> None:
        """Free parts return to their item; they may stay where units are closed.

        Whether a unit would then change its value is the subject of `test_merge_parts.py`.
        """
        stored = set(OrderItem.objects.values_list("pk", flat=True))
        for part in [row for row in self.model.items.values() if row.split_from == item.pk]:
            if part.pk in stored:
                has_refund = RefundPart.objects.filter(order_item=part.pk).exists()
                has_closed = part.units_closed or item.units_closed
                assert has_closed or has_refund or not item.can_merge(part)
                continue
            assert item.can_merge(part)
            item.quantity += part.quantity
            item.units_closed += part.units_closed
            del self.model.items[part.pk]
            self.closed = [(item if row is part else row, case) for row, case in self.closed]
            self.counts["merged"] += 1

    def apply_confirmation(self, item: ModelItem, case: ModelCase) -> None:
        """The units of a confirmed case wait, as an item of their own if there are others."""
        row = CancellationRequest.objects.get(pk=case.pk)
        case.item_status_before, case.deferred, case.plan_id = item.status, None, row.plan_id
        if case.quantity == item.units_left:
            item.status = 50
            return
        pk = ItemId(row.order_item_id)
        assert pk not in self.model.items
        self.model.items[pk] = replace(
            item,
            pk=pk,
            quantity=case.quantity,
            units_closed=0,
            status=50,
            split_from=item.split_from or item.pk,
        )
        item.quantity -= case.quantity
        item.case = None

    # Refunds

    def approved_plans(self) -> dict[int, list[tuple[ModelItem, ModelCase]]]:
        """The plans of which all live cases are approved, with their items and cases."""
        plans: dict[int, list[tuple[ModelItem, ModelCase]]] = defaultdict(list)
        for item, case in self.items_with_cases():
            if case.plan_id is not None and case.status in {"confirmed", "approved"}:
                plans[case.plan_id].append((item, case))
        return {
            plan: rows
            for plan, rows in plans.items()
            if all(case.status == "approved" for _, case in rows)
        }

    @precondition(lambda self: self.approved_plans())
    @rule(data=st.data())
    def confirm_refunds(self, data: st.DataObject) -> None:
        """The providers confirm the refunds of a plan, which completes it with its cases."""
        plans = self.approved_plans()
        plan = data.draw(st.sampled_from(sorted(plans)))
        pay(plan)
        for item, case in plans[plan]:
            item.status = 600 if case.kind is Kind.RETURN else 100
            item.units_closed += case.quantity
            item.case, case.status, case.undo_status = None, "completed", None
            self.closed.append((item, case))
        self.model.completed_plans.add(plan)
        self.record("complete")

    # Changes by other systems

    @rule(data=st.data(), changes=some(["ingest", "complete", "offer"], at_least=1))
    def change_elsewhere(self, data: st.DataObject, changes: list[str]) -> None:
        """The shop sends statuses, completes cases and changes its reasons and carriers."""
        for change in changes:
            if change == "ingest":
                self.ingest(data)
            elif change == "offer":
                self.change_offer(data, is_offered=data.draw(st.sampled_from([True, True, False])))
            elif self.free_items():
                self.complete(data)

    def ingest(self, data: st.DataObject, *, is_invalid: bool = False) -> None:
        """The shop sends an order again with new statuses, or with invalid prices."""
        number = data.draw(st.sampled_from(sorted(self.inputs)))
        order, items = self.inputs[number], {}
        for item in order.items:
            status = data.draw(st.sampled_from(STATUSES))
            invoice = "INV" if status > 450 or data.draw(st.integers(0, 3)) == 0 else None
            items[item.remote_id] = replace(
                item,
                status=status,
                invoice_number=invoice,
                delivered_date=factories.NOW if status == 550 else None,
                goods_minor=item.goods_minor + is_invalid,
            )
        order = replace(order, items=list(items.values()))
        [outcome] = factories.ingest(order, now=SOON)
        if is_invalid:
            assert outcome.result == REFUSED
            self.counts["changed order refused"] += 1
        elif outcome.result == UPDATED:
            self.record("order updated")
            self.inputs[number] = order
            for row in self.model.items.values():
                if row.order.number == number:
                    self.apply_update(row, items[row.remote_id])

    def apply_update(self, item: ModelItem, update: ItemIn) -> None:
        """An update applies to all parts of an item; to those that wait, after their case."""
        assert update.status
        before = item.case.deferred if item.case and item.status == 50 else item.status
        if item.status != 50 and is_forward(item.status, update.status):
            item.status = update.status
        elif item.case and item.status == 50:
            item.case.defer(update.status)
        after = item.case.deferred if item.case and item.status == 50 else item.status
        item.is_invoiced |= bool(update.invoice_number)
        item.delivered = item.delivered or update.delivered_date
        if after == update.status != before and 500 <= after <= 550:
            item.shipped = item.shipped or min(SOON, item.delivered or SOON)

    def complete(self, data: st.DataObject) -> None:
        """Another system has cancelled some units."""
        item = data.draw(st.sampled_from(self.free_items()))
        units = data.draw(st.integers(1, item.units_left))
        self.imports += 1
        completed = CompletedCase(item.pk, units, f"C{self.imports}", factories.NOW)
        record_completed(
            factories.SHOP, [completed], reason_id=self.shop.get_or_create_imported_reason, now=SOON
        )
        item.units_closed += units
        if not item.units_left:
            item.status = 100
        self.record("completed elsewhere")

    def change_offer(self, data: st.DataObject, *, is_offered: bool) -> None:
        """The shop switches a reason or a carrier on or off."""
        pk = data.draw(st.sampled_from([*self.model.reasons, *self.model.carriers]))
        if pk in self.model.reasons:
            self.model.reasons[pk].is_offered = is_offered
            CancellationReason.objects.filter(pk=pk).update(is_active=is_offered)
        else:
            self.model.carriers[pk].is_offered = is_offered
            EasyReturnShippingCompany.objects.filter(pk=pk).update(is_active=is_offered)
        self.counts["offer changed"] += 1

    @invariant()
    def snapshot_is_valid(self) -> None:
        """Refused commands change nothing, and all invariants hold."""
        before, self.snapshot = self.snapshot, take_snapshot()
        if not self.is_changed:
            assert self.snapshot == before
        self.is_changed = False
        check(self.snapshot, self.shop, self.model)


@pytest.fixture
def _strict_shop(settings: LazySettings) -> None:
    """Settings with which all refusals are possible."""
    settings.CANCEL_TIME_LIMIT_MINUTES = 24 * 60
    settings.REFUND_DAY_LIMIT = 14
    settings.STRICT_REASON_TYPE = True
    settings.LOYALTY_FOR_GUESTS = False


EXAMPLES = 1_000 if LONG else 40 if CI else 4
"""The examples of a run; runs are added until every event and refusal is frequent."""
MIN_COUNT, MAX_RUNS = (20 if LONG else 8 if CI else 1), 10


@pytest.mark.thorough
@pytest.mark.usefixtures("_strict_shop")
@pytest.mark.timeout(0 if LONG else 600)
@pytest.mark.django_db
@pytest.mark.allow_repeated_queries("each step queries again")
def test_database_and_reference_model_agree_after_any_commands() -> None:
    examples = hypothesis_settings(max_examples=EXAMPLES, stateful_step_count=40)
    CaseMachine.shop, CaseMachine.counts = make_shop(), Counter()
    for number in range(MAX_RUNS):
        run_state_machine_as_test(seed(number)(CaseMachine), settings=examples)
        if min(CaseMachine.counts[name] for name in EVENTS | CODES) >= MIN_COUNT:
            break
    for name, count in sorted(CaseMachine.counts.items()):
        print(f"{count:6} {name}")  # noqa: T201 - the promise includes the printed counts
    assert CaseMachine.counts.keys() == EVENTS | CODES
    assert min(CaseMachine.counts.values()) >= MIN_COUNT
